// The page "Read": takes images in, shows what was read in this tab.
import { announce, byId, el } from '../dom.js';
import { openPage } from '../shell.js';
import { armName } from './answer.js';
import { row } from './entry.js';
import { forget, forgetAll, remember, remembered } from './memory.js';
import { loaded, small } from './picture.js';
import { send } from './sending.js';

const AT_ONCE = 50; // images of one choice; more are left out, and said so
const MOST = 100; // rows; pictures are held in memory

const rows = new Map(); // id -> { entry, view, sending }

await openPage('read.page');
for (const entry of remembered().reverse()) add({ ...entry, closed: true });
byId('answers').querySelector('details')?.setAttribute('open', '');
refresh();

function takeIn(files) {
  const images = [...files].slice(0, AT_ONCE);
  if (files.length > AT_ONCE) announce('read.too_many', { most: AT_ONCE });
  for (const file of images.reverse()) take(file); // the first chosen stands on top
}

async function take(file) {
  const address = URL.createObjectURL(file);
  const entry = { id: crypto.getRandomValues(new Uint32Array(2)).join('-'), at: Date.now(), file };
  Object.assign(entry, { name: file.name || 'image', address });
  read(add(entry));
  const image = await loaded(address);
  if (!image) return;
  entry.preview = small(image);
  const there = rows.get(entry.id);
  if (!there) return;
  there.view.update();
  if (entry.answer) keep(entry);
}

async function read(there) {
  const { entry, view } = there;
  const choice = { user: byId('user').value.trim(), arm: byId('arm').value.trim() };
  choice.line = byId('line').value;
  Object.assign(entry, { error: null, user: choice.user });
  view.update();
  there.sending = send(entry.file, choice, view.progress);
  try {
    entry.answer = await there.sending.done;
    keep(entry);
    announce('read.done', { name: entry.name, text: entry.answer.text });
  } catch (refused) {
    if (refused.kind === 'stopped') return remove(entry);
    entry.error = refused;
    announce('read.failed_of', { name: entry.name });
  }
  view.update();
  refresh();
}

function keep({ id, name, at, answer, preview, verdict, user }) {
  remember({ id, name, at, answer, preview, verdict, user });
}

function add(entry) {
  const there = { entry };
  there.view = row(entry, {
    again: entry.file ? () => read(there) : null,
    stop: () => there.sending?.stop(),
    remove: () => remove(entry),
    keep: () => keep(entry),
  });
  rows.set(entry.id, there);
  byId('answers').prepend(there.view.node);
  if (rows.size > MOST) remove(rows.values().next().value.entry, { only_shown: true });
  refresh();
  return there;
}

function remove(entry, { only_shown = false } = {}) {
  const there = rows.get(entry.id);
  rows.delete(entry.id);
  there?.sending?.stop();
  if (there) takeAway(there.view.node);
  if (entry.address) URL.revokeObjectURL(entry.address);
  if (!only_shown) forget(entry.id);
  refresh();
}

/* The keyboard goes on from where it was. */
function takeAway(node) {
  const near = (node.nextElementSibling ?? node.previousElementSibling)?.querySelector('summary');
  if (node.contains(document.activeElement)) (near ?? byId('files')).focus();
  node.remove();
}

function refresh() {
  byId('empty').hidden = rows.size > 0;
  byId('tools').hidden = rows.size === 0;
  const arms = [...rows.values()].map(({ entry }) => entry.answer?.arm).filter(Boolean);
  const names = [...new Set(arms.map(armName))].sort();
  byId('arms').replaceChildren(...names.map((value) => el('option', { value })));
}

for (const input of [byId('files'), byId('camera')]) {
  input.addEventListener('change', () => {
    takeIn(input.files);
    input.value = ''; // the same file may be chosen again
  });
}

byId('intake').addEventListener('submit', (event) => event.preventDefault());

document.addEventListener('paste', (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  takeIn(event.clipboardData.files);
});

const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');

document.addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  byId('drop').hidden = false;
});

document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) byId('drop').hidden = true;
});

document.addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  byId('drop').hidden = true;
  takeIn(event.dataTransfer.files);
});

byId('numbers').addEventListener('change', (event) => {
  byId('answers').classList.toggle('numbers', event.target.checked);
});

byId('forget').addEventListener('click', () => {
  for (const { entry } of [...rows.values()]) remove(entry);
  forgetAll();
  byId('files').focus();
});

byId('sample').addEventListener('click', async () => {
  const answer = await fetch('/pages/sample.png').catch(() => null);
  if (!answer?.ok) return announce('fault.away');
  takeIn([new File([await answer.blob()], 'sample.png', { type: 'image/png' })]);
});
