// Builds the page's elements. Text only ever becomes a text node, so no text is read as HTML.
import { say } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';

/* el('button', { class: 'quiet', t: 'read.copy', on: { click: copy } }, ...children)
   t: a key of the catalogue, or [key, values]; then there are no children.
   tt: { attribute: key or [key, values] }. on: { event: listener }. data: { name: value }.
   A child is a node, a string, or null, which is left out. Properties that are null or false are
   left out, those that are true are set without a value. */
export function el(tag, properties = {}, ...children) {
  return built(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return built(document.createElementNS(SVG, tag), properties, children);
}

function built(node, { t, tt, on, data, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  for (const [event, listener] of Object.entries(on ?? {})) node.addEventListener(event, listener);
  Object.assign(node.dataset, data ?? {});
  if (t) say(node, ...listed(t));
  for (const [attribute, key] of Object.entries(tt ?? {})) {
    const [name, values] = listed(key);
    say(node, name, values, attribute);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function listed(key) {
  return Array.isArray(key) ? key : [key];
}

export function byId(id) {
  return document.getElementById(id);
}

const filled = new WeakMap(); // element -> what it shows, as text

/* Puts new children there where the facts have changed; so a selection or a focus in it stays. */
export function fill(node, facts, children) {
  const now = JSON.stringify(facts);
  if (filled.get(node) === now) return;
  filled.set(node, now);
  node.replaceChildren(...children(facts));
}

/* For readers of screens: one message at a time, spoken when nothing else is. */
export function announce(key, values) {
  const place = byId('announcements');
  place.replaceChildren(el('p', { t: [key, values] }));
}
