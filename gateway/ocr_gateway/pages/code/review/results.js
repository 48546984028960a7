// What reviewers found, by arm and kind, with intervals of 95 %.
import { el, svg } from '../dom.js';
import { named } from '../kinds.js';
import { number, percent } from '../words.js';

const WIDE = 120; // pixels of an interval's picture

export function resultsOf({ accuracy }) {
  if (!accuracy.reviewed) return [el('p', { class: 'hint', t: 'results.none' })];
  const rows = [
    ...arms(() => el('span', { t: 'results.all' }), accuracy),
    ...Object.entries(accuracy.kinds).flatMap(([kind, found]) => arms(() => named(kind), found)),
  ];
  return [table(rows), ...sentences(accuracy)];
}

function table(rows) {
  const names = ['kind', 'arm', 'lines', 'characters'];
  const head = names.map((name) => el('th', { scope: 'col', t: `results.${name}` }));
  return el(
    'div',
    { class: 'scroll' },
    el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows)),
  );
}

function arms(name, found) {
  return ['stable', 'candidate'].map((role) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, name()),
      el('td', { t: `arms.${role}` }),
      el('td', {}, ...estimate(found[role].lines_right)),
      el('td', {}, ...estimate(found[role].characters_right)),
    ),
  );
}

function estimate(found) {
  if (!found) return ['–'];
  const between = {
    low: () => percent(found.low),
    high: () => percent(found.high),
    n: () => number(found.n),
  };
  return [
    el('strong', {}, percent(found.value)),
    el('span', { class: 'between', t: ['results.between', between] }),
    interval(found),
  ];
}

/* The whole width is 0 to 1. */
function interval({ value, low, high }) {
  const [from, to] = [low * WIDE, Math.max(low * WIDE + 1, high * WIDE)];
  return svg(
    'svg',
    {
      class: 'interval',
      width: WIDE,
      height: 8,
      viewBox: `-3 0 ${WIDE + 6} 8`,
      'aria-hidden': 'true',
    },
    svg('path', { class: 'axis', d: `M0 4H${WIDE}` }),
    svg('path', { d: `M${from.toFixed(1)} 4H${to.toFixed(1)}` }),
    svg('circle', { cx: (value * WIDE).toFixed(1), cy: 4, r: 3 }),
  );
}

function sentences({ difference, paired_difference: paired, disputes, feedback }) {
  const found = [];
  const say = (key, values) => found.push(el('p', { t: [key, values] }));
  for (const [key, one] of [
    ['results.difference', difference],
    ['results.paired', paired],
  ]) {
    if (!one) continue;
    say(key, {
      value: () => signed(one.value),
      low: () => signed(one.low),
      high: () => signed(one.high),
    });
  }
  if (disputes.pairs) {
    say('results.disputes', {
      pairs: disputes.pairs,
      candidate: disputes.candidate_only,
      stable: disputes.stable_only,
    });
  }
  const { stable = { wrong: 0, right: 0 }, candidate = { wrong: 0, right: 0 } } = feedback;
  const told = [stable.right, stable.wrong, candidate.right, candidate.wrong];
  if (told.some(Boolean)) {
    say('results.feedback', {
      stable: stable.wrong,
      stable_all: stable.right + stable.wrong,
      candidate: candidate.wrong,
      candidate_all: candidate.right + candidate.wrong,
    });
  }
  return found;
}

function signed(share) {
  return `${share > 0 ? '+' : ''}${percent(share)}`;
}
