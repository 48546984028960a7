// "Wrong?": asks what the picture really says, and tells the service.
import { call } from '../api.js';
import { el } from '../dom.js';
import { explained } from '../faults.js';

const LONGEST = 4_000; // characters of a text

/* text: as it should be; left out where it is right. */
export function tell({ answer, user }, right, text = '') {
  const said = { request_id: answer.request_id, right, text: onOneLine(text) };
  const recognised = onOneLine(answer.text).slice(0, LONGEST);
  const arm = `${answer.arm.model}:${answer.arm.version}`;
  const body = { ...said, recognised, arm, user_id: user || null };
  return call('/feedback', { method: 'POST', body });
}

function onOneLine(text) {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/* Opens the dialog. done(text) after the service took it. */
export function correct(entry, done) {
  const { address, preview } = entry;
  const box = el('textarea', {
    id: 'truth',
    rows: 3,
    maxlength: LONGEST,
    spellcheck: 'false',
    lang: 'zh',
  });
  box.value = entry.answer.text;
  const trouble = el('div', { role: 'alert' });
  const close = () => dialog.close();
  const picture = address ?? preview;
  const submit = el('button', { class: 'button primary', t: 'correct.send' });
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'correct-title', t: 'correct.title' }),
    picture
      ? el('img', { src: picture, tt: { alt: ['read.picture', { name: entry.name }] } })
      : null,
    el('label', { for: 'truth', t: 'correct.label' }),
    box,
    el('p', { class: 'hint', t: 'correct.hint' }),
    trouble,
    el(
      'p',
      { class: 'buttons' },
      submit,
      el('button', { type: 'button', class: 'button', t: 'correct.cancel', on: { click: close } }),
    ),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'correct-title', class: 'correct' }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await tell(entry, false, box.value);
      close();
      done(box.value);
    } catch (refused) {
      trouble.replaceChildren(explained(refused));
      submit.disabled = false;
    }
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  box.focus();
  box.select();
}
