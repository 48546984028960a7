// The audit log, the newest entry on top.
import { byId, el } from '../dom.js';
import { known, moment, percent } from '../words.js';

export function showLog({ entries }) {
  byId('no-log').hidden = entries.length > 0;
  byId('log').replaceChildren(...[...entries].reverse().map(row));
}

function row(entry) {
  const key = `action.${entry.action}`;
  const action = known(key)
    ? el('td', { t: key })
    : el('td', {}, String(entry.action ?? entry.kind ?? ''));
  return el(
    'tr',
    {},
    el(
      'td',
      {},
      entry.at_s ? el('time', { t: ['read.at', { time: () => moment(entry.at_s) }] }) : null,
    ),
    el('td', {}, String(entry.who ?? '')),
    action,
    el('td', { class: 'number' }, shares(entry)),
    el('td', { class: 'why' }, String(entry.why ?? '')),
  );
}

function shares({ from_weight_bp: from, to_weight_bp: to }) {
  if (from === undefined || to === undefined) return '';
  const [before, after] = [percent(from / 10_000, 2), percent(to / 10_000, 2)];
  return before === after ? after : `${before} → ${after}`;
}
