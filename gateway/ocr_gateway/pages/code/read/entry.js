// One image of this tab: a row that opens, from waiting to its answer or its error.
import { announce, el } from '../dom.js';
import { explained } from '../faults.js';
import { moment, percent, say } from '../words.js';
import { armName, shown } from './answer.js';
import { correct, tell } from './correction.js';

const AWAY_MS = 2000; // how long a button says what it did

/* entry: { id, name, at, address?, preview?, answer?, error?, verdict?, user? }
   address: of the image while the page is open, preview: of a small copy; both only where the
   browser can show it.
   does: { again(), stop(), remove(), keep() }. Returns { node, update(), progress(state, share) }. */
export function row(entry, does) {
  const head = el('summary');
  const body = el('div', { class: 'body' });
  const node = el('li', { class: 'entry' }, el('details', { open: !entry.closed }, head, body));
  const line = el('p', { class: 'state' });
  const bar = el('progress', { max: 1 });

  function update() {
    head.replaceChildren(...heading(entry));
    body.replaceChildren(content());
  }

  function content() {
    if (entry.answer) return shown(entry.answer, picture(entry), entry.name, offers(entry, does));
    if (entry.error) return failed(entry, does);
    const stop = el('button', {
      type: 'button',
      class: 'quiet',
      t: 'read.stop',
      on: { click: does.stop },
    });
    return el('div', { class: 'waiting' }, line, bar, stop);
  }

  function progress(state, share) {
    say(line, `read.${state}`, { share: () => percent(share, 0) });
    if (state === 'sending') bar.value = share;
    else bar.removeAttribute('value');
  }

  update();
  return { node, update, progress };
}

function picture({ address, preview }) {
  return preview ? (address ?? preview) : null;
}

function heading(entry) {
  const { answer, error, name, at } = entry;
  const thumb = picture(entry);
  const told = answer
    ? el('span', { class: 'snippet' }, answer.text)
    : el('span', { class: 'snippet', t: error ? 'read.failed' : 'read.busy' });
  return [
    thumb ? el('img', { src: thumb, alt: '', class: 'thumb' }) : el('span', { class: 'thumb' }),
    el('span', { class: 'name' }, name),
    told,
    answer ? el('span', { class: 'by' }, armName(answer.arm)) : null,
    el('time', { t: ['read.at', { time: () => moment(at / 1000) }] }),
  ].filter(Boolean);
}

function failed({ error }, does) {
  const button = (key, click, kind) =>
    el('button', { type: 'button', class: kind, t: key, on: { click } });
  return el(
    'div',
    { class: 'failed' },
    explained(error),
    el(
      'p',
      { class: 'buttons' },
      does.again ? button('read.again', does.again, 'button') : null,
      button('read.remove', does.remove, 'button'),
    ),
  );
}

function offers(entry, does) {
  const { answer, verdict } = entry;
  const said = el('span', { class: 'said', role: 'status' });
  if (verdict) say(said, `read.told.${verdict}`);
  const copy = el('button', { type: 'button', class: 'button', t: 'read.copy' });
  copy.addEventListener('click', () => copied(copy, answer.text));
  const judged = (word) => {
    entry.verdict = word;
    say(said, `read.told.${word}`);
    does.keep();
  };
  const right = el('button', { type: 'button', class: 'button', t: 'read.right' });
  right.addEventListener('click', async () => {
    try {
      await tell(entry, true);
      judged('right');
    } catch (refused) {
      said.replaceChildren(explained(refused));
    }
  });
  const wrong = el('button', { type: 'button', class: 'button', t: 'read.wrong' });
  wrong.addEventListener('click', () => correct(entry, () => judged('wrong')));
  const remove = el('button', { type: 'button', class: 'quiet', t: 'read.remove' });
  remove.addEventListener('click', does.remove);
  return el('div', { class: 'buttons' }, copy, right, wrong, remove, said);
}

async function copied(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    say(button, 'read.copied');
    announce('read.copied');
  } catch {
    say(button, byHand(text) ? 'read.copied' : 'read.not_copied');
  }
  setTimeout(() => say(button, 'read.copy'), AWAY_MS);
}

/* Browsers give a page the clipboard on https and on localhost only. */
function byHand(text) {
  const box = el('textarea', { class: 'spoken' });
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  return done;
}
