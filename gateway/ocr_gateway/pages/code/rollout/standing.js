// Where the rollout stands: status, share, the line of phases, and what is missing to go on.
import { byId, el, fill } from '../dom.js';
import { known, number, percent, span } from '../words.js';

const STOPPED = new Set(['rolled_back']);

export function showStanding(status) {
  const { plan, state, follows_plan, enabled, trip, common_cause, due, server } = status;
  const doubtful = [follows_plan, enabled, trip, common_cause, due, server?.problems];
  const said = () => [headline(status), why(status), ...doubts(status)];
  fill(byId('standing'), [state, plan, doubtful], said);
  byId('phases').replaceChildren(...plan.phases.map((phase) => step(phase, status)));
  const lacking = status.phase === null ? [] : status.missing;
  byId('missing-part').hidden = !lacking.length;
  fill(byId('missing'), lacking, () => lacking.map((line) => missing(line, status)));
}

function headline({ status, state, plan, share, by_hand }) {
  const arms = [state.stable || plan.stable, state.candidate || plan.candidate];
  return el(
    'div',
    { class: 'headline' },
    el('p', { class: `status ${status}`, t: `status.${status}` }),
    el(
      'p',
      { class: 'share' },
      el('strong', { t: ['standing.share', { share: () => percent(share, 2) }] }),
      el('span', { t: by_hand ? 'standing.by_hand' : 'standing.of_traffic' }),
    ),
    el(
      'p',
      { class: 'arms' },
      el('span', { class: 'stable' }, arms[0]),
      el('span', { 'aria-hidden': 'true' }, '→'),
      el('span', { class: 'candidate' }, arms[1]),
    ),
  );
}

function why({ state, status }) {
  if (status === 'idle') return el('p', { class: 'notice', t: 'standing.idle' });
  return el('p', { class: 'reason' }, state.reason);
}

/* What an operator must know before believing the rest. */
function doubts({ follows_plan, enabled, trip, common_cause, due, server, status }) {
  const found = [];
  const add = (kind, key, detail) =>
    found.push(
      el(
        'div',
        { class: `notice ${kind}` },
        el('p', { class: 'headline', t: key }),
        detail ? el('p', { class: 'detail' }, detail) : null,
      ),
    );
  if (!follows_plan && status !== 'idle') add('warn', 'standing.other_plan');
  if (!enabled) add('warn', 'standing.disabled');
  if (common_cause) add('warn', 'standing.common_cause', common_cause.why);
  else if (trip) add('bad', 'standing.trip', trip.why);
  if (due && !trip) add('', 'standing.due', due.why);
  for (const problem of server?.problems ?? []) add('warn', 'standing.server', problem);
  return found;
}

function step(phase, status) {
  const at = status.state.phase + 1;
  const live = status.phase !== null;
  const done = status.status === 'completed' || (status.status !== 'idle' && phase.phase < at);
  const here = live && phase.phase === at;
  const stopped = STOPPED.has(status.status) && phase.phase === at;
  const kind = done ? 'done' : here ? 'here' : stopped ? 'stopped' : 'ahead';
  return el(
    'li',
    { class: kind, 'aria-current': here ? 'step' : null },
    el('p', { class: 'number' }, percent(phase.share, 2)),
    el('p', { class: 'what', t: [`phase.${kind}`, { phase: phase.phase }] }),
    el('p', { class: 'passing', t: `phase.${phase.gate}` }),
    phase.aim ? el('p', { class: 'aim' }, phase.aim) : null,
    here ? progress(phase, status) : null,
  );
}

function progress(phase, status) {
  const { watched, samples } = said(phase, status);
  return el(
    'div',
    { class: 'progress' },
    meter(status.watched_s, phase.min_dwell_s, watched),
    meter(attempts(status), phase.min_samples, samples),
  );
}

/* The service's needs that are told in numbers, in the reader's language. */
function said({ min_dwell_s, min_samples }, status) {
  const { watched_s } = status;
  return {
    watched: ['phase.watched', { now: () => span(watched_s), all: () => span(min_dwell_s) }],
    samples: [
      'phase.samples',
      { now: () => number(attempts(status)), all: () => number(min_samples) },
    ],
  };
}

/* A shadow attempt says as much about the candidate as a user's does. */
function attempts({ arms }) {
  return arms.candidate.requests + arms.shadow.requests;
}

function meter(now, all, label) {
  return el(
    'label',
    {},
    el('span', { t: label }),
    el('progress', { value: all ? Math.min(now, all) : 1, max: all || 1 }),
  );
}

/* The service's lines begin with a word that says which need they are about. */
function missing(line, status) {
  const [, word] = /^(\w+)/.exec(line) ?? [];
  const key = known(`missing.${word}`) ? `missing.${word}` : `rule.${word}`;
  const title = known(key) ? el('strong', { t: key }) : null;
  const numbers = said(status.plan.phases[status.state.phase], status)[word];
  const detail = numbers
    ? el('span', { class: 'detail', t: numbers })
    : el('span', { class: 'detail' }, line);
  return el('li', {}, title, detail);
}
