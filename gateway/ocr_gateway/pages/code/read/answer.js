// One answer: its text with every character's confidence, and who answered and why.
import { el } from '../dom.js';
import { duration, known, percent } from '../words.js';
import { DOUBTFUL, drawn, shade } from './picture.js';
import { fieldsOf, structured } from './structure.js';

const CUT = /^only /; // as the service says that a page has more lines than it reads
const TALL = 0.4; // height by width from which the text stands beside the picture, not below it

/* picture: its address, or null where the browser cannot show the image.
   offers: the buttons, an element. */
export function shown(answer, picture, name, offers) {
  const { lines, width, height } = answer;
  const { frame, marks, fields } = picture
    ? drawn(picture, answer, name)
    : { frame: el('p', { class: 'hint', t: 'read.no_preview' }), marks: [], fields: [] };
  const text = answer.text
    ? structured(answer, (row) => written(lines[row], marks[row] ?? []))
    : el('p', { class: 'nothing', t: 'read.no_text' });
  const left = answer.text && !CUT.test(answer.mode_reason) ? null : remark(answer.mode_reason);
  const shape = height > TALL * width || lines.length > 1 ? 'tall' : 'flat';
  const words = el('div', { class: 'words' }, fieldsOf(answer.fields, fields), text, left, unsure(lines));
  const about = el('div', { class: 'about' }, facts(answer), offers);
  return el('div', { class: `found ${shape}` }, frame, words, about);
}

/* Why there is no text, or not all of it, as the service says it. */
function remark(reason) {
  return el('p', { class: 'hint' }, reason);
}

function written(line, marks) {
  return el('span', { class: 'line' }, ...line.characters.map((one, place) => character(one, marks[place])));
}

function character({ text, confidence }, mark) {
  const level = shade(confidence);
  const told = ['read.sure', { text, share: () => percent(confidence) }];
  const small = el('rt', { 'aria-hidden': 'true' }, String(Math.round(confidence * 100)));
  const node = el('ruby', { class: `shade${level}`, tt: { title: told } }, text, small);
  if (mark) light(node, mark);
  return node;
}

/* Pointing at a character lights it up in the picture, and the other way round. */
function light(node, mark) {
  for (const one of [node, mark]) {
    one.addEventListener('pointerenter', () => [node, mark].forEach((x) => x.classList.add('lit')));
    one.addEventListener('pointerleave', () =>
      [node, mark].forEach((x) => x.classList.remove('lit')),
    );
  }
}

/* For those who do not see the shades. */
function unsure(lines) {
  const doubtful = lines
    .flatMap((line) => line.characters)
    .filter(({ confidence }) => confidence < DOUBTFUL);
  if (!doubtful.length) return null;
  const list = () => doubtful.map((one) => `${one.text} ${percent(one.confidence, 0)}`).join(', ');
  return el('p', { class: 'spoken', t: ['read.unsure', { list }] });
}

export function armName({ model, version }) {
  return `${model}:${version}`;
}

function facts(answer) {
  const sure = { share: () => percent(answer.confidence) };
  const time = { time: () => duration(answer.time_ms) };
  return el(
    'div',
    { class: 'facts' },
    el(
      'p',
      {},
      el('strong', { class: 'arm' }, armName(answer.arm)),
      el('span', { t: ['read.confidence', sure] }),
      el('span', { t: ['read.time', time] }),
    ),
    answer.mode === 'page' ? whole(answer) : null,
    why(answer),
    el('p', { class: 'id' }, el('span', { t: 'read.request' }), el('code', {}, answer.request_id)),
  );
}

function whole({ lines, turned }) {
  const count = el('span', { t: ['read.lines', { count: lines.length }] });
  const turn = turned ? el('span', { t: ['read.turned', { degrees: turned }] }) : null;
  return el('p', { class: 'page' }, count, turn);
}

/* In the reader's language where the reason is known, otherwise as the service says it. */
function why({ reason, bucket, rollout, fault }) {
  const key = `read.why.${reason}`;
  const place = percentPlace(bucket);
  if (!known(key)) return el('p', {}, String(reason ?? ''));
  const aside = fault ? el('p', { class: 'fault' }, fault) : null;
  return el('div', { class: 'why' }, el('p', { t: [key, { place, bucket, rollout }] }), aside);
}

/* A bucket is one of 10,000; people think of shares in per cent. */
function percentPlace(bucket) {
  return () => percent((bucket ?? 0) / 10_000, 2);
}
