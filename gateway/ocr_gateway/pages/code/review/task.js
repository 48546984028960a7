// One picture and what was read on it: confirm it, choose between two, correct it, or skip it.
import { compared, marked } from '../difference.js';
import { byId, el } from '../dom.js';
import { named } from '../kinds.js';
import { fetched } from '../pictures.js';

const LONGEST = 4_000; // characters of a text
const LETTERS = ['A', 'B']; // keys of a pair's two texts

/* task: { sample_id, texts: one or two, image }. kinds: words to choose from.
   does: { confirm(which, kind), correct(text, kind), skip() }. */
export function showTask(task, kinds, does) {
  const kind = kindsOf(kinds);
  const typed = el('input', {
    id: 'typed',
    value: task.texts.length === 1 ? task.texts[0] : '',
    maxlength: LONGEST,
    autocomplete: 'off',
    spellcheck: 'false',
    lang: 'zh',
  });
  const confirm = (which) => does.confirm(which, kind.chosen());
  const correct = () => {
    const text = typed.value.trim();
    const same = task.texts.indexOf(text);
    if (same >= 0) confirm(same);
    else if (text || task.texts.length === 1) does.correct(text, kind.chosen());
    else typed.focus(); // of two texts one is chosen by its letter
  };
  const form = el(
    'form',
    { class: 'typed', on: { submit: (event) => (event.preventDefault(), correct()) } },
    el('label', { for: 'typed', t: task.texts.length === 1 ? 'review.correct' : 'review.neither' }),
    typed,
  );
  const skip = button('review.skip', 'S', 'button', does.skip);
  const save = el(
    'button',
    { class: 'button primary', type: 'button', on: { click: correct } },
    el('span', { t: 'review.save' }),
    key('Enter'),
  );
  const node = el(
    'section',
    { class: 'task', tabindex: '-1', tt: { 'aria-label': 'review.task' } },
    frame(task),
    el('div', { class: 'readings' }, ...readings(task.texts, confirm)),
    form,
    kind.node,
    el('div', { class: 'buttons' }, save, skip, el('span', { class: 'hint', t: 'review.keys' })),
  );
  node.addEventListener('keydown', (event) =>
    keys(event, { task, typed, confirm, correct, skip: does.skip, kind }),
  );
  byId('task').replaceChildren(node);
  node.focus();
}

/* Single keys work while the picture's part has the focus and nothing is being typed. */
function keys(event, { task, typed, confirm, correct, skip, kind }) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === typed) {
    if (event.key === 'Escape') typed.closest('.task').focus();
    return;
  }
  const pressed = event.key.toUpperCase();
  const which = LETTERS.indexOf(pressed);
  const actions = { E: () => typed.focus(), S: skip };
  if (event.key === 'Enter' && event.target.matches('.task')) actions.ENTER = correct;
  if (task.texts.length > 1 && which >= 0) actions[pressed] = () => confirm(which);
  if (/^\d$/.test(pressed)) actions[pressed] = () => kind.choose(Number(pressed) - 1);
  if (!actions[pressed]) return;
  event.preventDefault();
  actions[pressed]();
}

function frame({ image }) {
  const node = el('div', { class: 'frame' });
  if (!image) node.append(el('p', { class: 'hint', t: 'review.no_image' }));
  else {
    fetched(image).then(
      (address) => node.append(el('img', { src: address, tt: { alt: 'review.picture' } })),
      () => node.append(el('p', { class: 'hint', t: 'review.no_image' })),
    );
  }
  return node;
}

function readings(texts, confirm) {
  const parts = texts.length > 1 ? compared(...texts) : [[[texts[0], false]]];
  return texts.map((text, which) => {
    const said = text ? marked(parts[which]) : [el('em', { t: 'pair.empty' })];
    const name = texts.length > 1 ? LETTERS[which] : 'Enter';
    return el(
      'button',
      { type: 'button', class: 'reading', on: { click: () => confirm(which) } },
      key(name),
      el('span', { class: 'said', lang: 'zh' }, ...said),
    );
  });
}

function kindsOf(kinds) {
  const inputs = kinds.map((value) => el('input', { type: 'radio', name: 'kind', value }));
  const labels = kinds.map((name, place) =>
    el('label', {}, inputs[place], named(name), place < 9 ? key(place + 1) : null),
  );
  const node = el('fieldset', { class: 'kinds' }, el('legend', { t: 'review.kind' }), ...labels);
  const choose = (place) => {
    const input = inputs[place];
    if (input) input.checked = !input.checked;
  };
  return { node, choose, chosen: () => inputs.find(({ checked }) => checked)?.value ?? null };
}

function key(name) {
  return el('kbd', {}, String(name));
}

function button(name, letter, kind, click) {
  return el(
    'button',
    { type: 'button', class: kind, on: { click } },
    el('span', { t: name }),
    key(letter),
  );
}
