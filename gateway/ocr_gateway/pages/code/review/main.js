// The page "Review": a queue of samples, blind, and what came of them.
import { call } from '../api.js';
import { announce, byId } from '../dom.js';
import { explained } from '../faults.js';
import { person, rememberPerson } from '../person.js';
import { openPage } from '../shell.js';
import { admitted, leave, mayLeave, token } from '../token.js';
import { say } from '../words.js';
import { resultsOf } from './results.js';
import { showTask } from './task.js';

let kinds = [];
let done = 0;

await openPage('review.page');
mayLeave();
await admitted();
byId('results').addEventListener('toggle', results);
byId('look').addEventListener('click', begin);
byId('signing').addEventListener('submit', (event) => {
  event.preventDefault();
  rememberPerson(byId('by').value.trim());
  begin();
});
begin();

async function begin() {
  byId('signing').hidden = Boolean(person());
  if (!person()) return byId('by').focus();
  try {
    ({ kinds } = await asked('/api/review'));
    await next();
  } catch (refused) {
    trouble(refused);
  }
}

async function next() {
  const { task, waiting } = await asked('/api/review/next', { by: person() });
  byId('empty').hidden = task !== null;
  say(byId('progress'), 'review.progress', { done, waiting });
  if (!task) return byId('task').replaceChildren();
  showTask(task, kinds, {
    confirm: (which, kind) => decided('verdict', { which, kind }, task, 'review.confirmed'),
    correct: (text, kind) => decided('verdict', { text, kind }, task, 'review.corrected'),
    skip: () => decided('skip', {}, task, 'review.skipped'),
  });
}

/* Where it is refused, the task stays, with the reason; another reviewer may have it by now. */
async function decided(what, said, { sample_id }, told) {
  const place = byId('task');
  if (place.inert) return; // a key pressed twice
  place.inert = true;
  byId('trouble').replaceChildren();
  try {
    await asked(`/api/review/${what}`, { by: person(), sample_id, ...said });
    if (what === 'verdict') done += 1;
    announce(told);
    await next();
    if (byId('results').open) await results();
  } catch (refused) {
    trouble(refused);
    if (refused.status === 409) await next().catch(trouble);
  } finally {
    place.inert = false;
    place.querySelector('.task')?.focus();
  }
}

async function results() {
  if (!byId('results').open) return;
  try {
    byId('results-body').replaceChildren(...resultsOf(await asked('/api/review')));
  } catch (refused) {
    byId('results-body').replaceChildren(explained(refused));
  }
}

function asked(path, body) {
  return call(path, { method: body ? 'POST' : 'GET', token: token(), body });
}

function trouble(refused) {
  if (refused.status === 401) return leave();
  byId('trouble').replaceChildren(explained(refused));
}
