// Both arms in numbers, and what the judge says of them.
import { byId, el, fill } from '../dom.js';
import { known, number, percent } from '../words.js';

const ROLES = ['stable', 'candidate', 'shadow'];
const NOTHING = '–';

export function showArms({ arms, shadow }) {
  fill(byId('arms'), arms, () => ROLES.map((role) => arm(role, arms[role])));
  const agreed = {
    share: () => share(shadow.equal_share),
    pairs: () => number(shadow.both_fine),
    distance: () => share(shadow.mean_distance),
  };
  const said = shadow.pairs ? ['arms.agreement', agreed] : 'arms.no_pairs';
  fill(byId('agreement'), shadow, () => [el('p', { t: said })]);
}

function arm(role, figures) {
  const cell = (text) => el('td', {}, text);
  const faults = (part, whole) => `${share(part)} (${number(whole)})`;
  return el(
    'tr',
    {},
    el(
      'th',
      { scope: 'row', class: role },
      el('span', { t: `arms.${role}` }),
      el('code', {}, figures.arm),
    ),
    cell(number(figures.requests)),
    cell(faults(figures.error_share, figures.errors)),
    cell(faults(figures.empty_share, figures.empty)),
    cell(faults(figures.garbled_share, figures.garbled)),
    cell(ms(figures.p50_ms)),
    cell(ms(figures.p95_ms)),
    cell(ms(figures.p99_ms)),
    cell(number(figures.lately_requests)),
  );
}

function share(value) {
  return value === null || value === undefined ? NOTHING : percent(value, 2);
}

function ms(value) {
  return value === null ? NOTHING : number(value, value < 10 ? 1 : 0);
}

export function showVerdicts({ verdicts, status }) {
  const none = status === 'idle' || !verdicts.length;
  byId('no-verdicts').hidden = !none;
  fill(byId('verdicts'), none ? [] : verdicts, (all) => all.map(verdict));
}

function verdict({ status, rule, why }) {
  const key = `rule.${rule}`;
  return el(
    'li',
    { class: `verdict ${status}` },
    el('p', { class: 'said', t: `verdict.${status}` }),
    el(
      'div',
      {},
      el('p', { class: 'rule', ...(known(key) ? { t: key } : {}) }, ...(known(key) ? [] : [rule])),
      el('p', { class: 'detail' }, why),
    ),
  );
}

export function showTombstones({ tombstones }) {
  byId('tombstones-part').hidden = !tombstones.length;
  fill(byId('tombstones'), tombstones, (all) => all.map(tombstone));
}

function tombstone({ arm, digest, reason }) {
  const name = el('code', {}, `${arm} ${digest.slice(0, 12)}`);
  return el('li', {}, name, el('span', { class: 'detail' }, reason));
}
