// What the page says, in the reader's language: catalogues in words/, one for each.
const KEPT = 'ocr.language';
const CATALOGUES = {
  en: () => import('./words/en.js'),
  zh: () => import('./words/zh.js'),
};
const spoken = new WeakMap(); // element -> { attribute or '' : [key, values] }

export let language = 'en';
let words = {};

/* A value that is a function is called each time, so that numbers follow the language. */
export function t(key, values = {}) {
  const template = words[key];
  if (template === undefined) return key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : String(typeof value === 'function' ? value() : value);
  });
}

export function known(key) {
  return Object.hasOwn(words, key);
}

/* The element's text, or its attribute, from now on, in whatever language. */
export function say(node, key, values = {}, attribute = '') {
  const all = spoken.get(node) ?? {};
  all[attribute] = [key, values];
  spoken.set(node, all);
  node.setAttribute('data-t', attribute ? (node.getAttribute('data-t') ?? '') : key);
  speak(node, all);
}

function speak(node, all) {
  for (const [attribute, [key, values]] of Object.entries(all)) {
    if (attribute) node.setAttribute(attribute, t(key, values));
    else node.textContent = t(key, values);
  }
}

/* Elements of the HTML file name their key in data-t, and attributes as data-t-title="key". */
function adopt(node) {
  const all = {};
  if (node.dataset.t) all[''] = [node.dataset.t, {}];
  for (const { name, value } of [...node.attributes]) {
    if (name.startsWith('data-t-')) all[name.slice('data-t-'.length)] = [value, {}];
  }
  spoken.set(node, all);
  return all;
}

export async function use(name) {
  words = (await CATALOGUES[name]()).default;
  language = name;
  document.documentElement.lang = name === 'zh' ? 'zh-CN' : name;
  for (const node of document.querySelectorAll('[data-t]')) {
    speak(node, spoken.get(node) ?? adopt(node));
  }
  document.dispatchEvent(new CustomEvent('language'));
}

export function preferred() {
  const kept = remembered();
  if (kept in CATALOGUES) return kept;
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag in CATALOGUES) ?? 'en';
}

export async function switchTo(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // Storage is switched off: it holds for this page.
  }
  await use(name);
}

function remembered() {
  try {
    return localStorage.getItem(KEPT) ?? '';
  } catch {
    return '';
  }
}

export function percent(share, digits = 1) {
  const format = { style: 'percent', maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, format).format(share);
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/* milliseconds -> "66 ms" or "1.2 s" */
export function duration(ms) {
  return ms < 1000 ? `${number(ms)} ms` : `${number(ms / 1000, 1)} s`;
}

/* Unix seconds -> "14:03:20", with the day where it is another one. */
export function moment(atS) {
  const at = new Date(atS * 1000);
  const today = at.toDateString() === new Date().toDateString();
  const day = today ? {} : { month: 'short', day: 'numeric' };
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false };
  return new Intl.DateTimeFormat(language, { ...day, ...clock }).format(at);
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/* seconds -> "1d 2h": the largest unit that fits, and the next one. */
export function span(seconds) {
  const whole = Math.floor(seconds);
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return counted(0, 'second');
  const [[unit, size], next] = [UNITS[first], UNITS[first + 1]];
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  const parts = [counted(Math.floor(whole / size), unit), rest ? counted(rest, next[0]) : ''];
  return parts.filter(Boolean).join(' ');
}

function counted(count, unit) {
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(
    count,
  );
}
