// The page "Rollout": shows where it stands, live, and takes an operator's orders.
import { call } from '../api.js';
import { announce, byId, el } from '../dom.js';
import { explained } from '../faults.js';
import { openPage } from '../shell.js';
import { listen } from '../stream.js';
import { admitted, leave, mayLeave, token } from '../token.js';
import { moment, say } from '../words.js';
import { showCharts } from './charts.js';
import { showDisagreements } from './disagreements.js';
import { showArms, showTombstones, showVerdicts } from './figures.js';
import { showLog } from './log.js';
import { allowOrders, offerOrders } from './orders.js';
import { showStanding } from './standing.js';

const STALE_MS = 10_000; // the service tells every 2 s
const PAIRS_MS = 30_000; // how often the disagreements are asked for

let status = null;
let heard_ms = 0;
let connected = false;

await openPage('rollout.page');
mayLeave();
const role = await admitted();
offerOrders(role, told);
listen('/api/events', token(), event, line);
setInterval(freshness, 1000);
setInterval(showDisagreements, PAIRS_MS);
showDisagreements();

function event(name, data) {
  heard_ms = Date.now();
  if (name === 'status') standing(data);
  else if (name === 'series') showCharts(data);
  else if (name === 'trouble') trouble(data);
  freshness();
}

function standing(now) {
  const before = status;
  status = now;
  byId('trouble').replaceChildren();
  byId('none').hidden = true;
  byId('all').hidden = false;
  say(byId('which'), 'rollout.which', { rollout: now.rollout });
  showStanding(now);
  showArms(now);
  showVerdicts(now);
  showTombstones(now);
  allowOrders(now, role);
  if (before?.generation !== now.generation) history();
  if (before && before.status !== now.status) announce(`status.${now.status}`);
}

/* A problem of the service's: what stands on the page may be old. */
function trouble(problem) {
  const kind = String(problem.type ?? '')
    .split(':')
    .pop();
  byId('none').hidden = kind !== 'no-rollout';
  if (kind === 'no-rollout') {
    byId('all').hidden = true;
    byId('no-rollout-detail').textContent = problem.detail;
    return;
  }
  byId('trouble').replaceChildren(
    explained({ kind, detail: problem.detail, status: problem.status }),
  );
}

function line(live, refused) {
  connected = live;
  if (refused?.status === 401) return leave();
  if (refused) byId('trouble').replaceChildren(explained(refused));
  else if (live) byId('trouble').replaceChildren();
  freshness();
}

function freshness() {
  const place = byId('freshness');
  const fresh = connected && Date.now() - heard_ms < STALE_MS;
  place.className = `freshness ${fresh ? 'live' : 'stale'}`;
  document.body.classList.toggle('old', !fresh && status !== null);
  const key = fresh ? 'rollout.live' : heard_ms ? 'rollout.stale' : 'rollout.connecting';
  if (place.dataset.t !== key) say(place, key, { time: () => moment(heard_ms / 1000) });
}

async function history() {
  try {
    showLog(await call('/api/rollout/history?limit=50', { token: token() }));
  } catch (refused) {
    byId('trouble').replaceChildren(explained(refused));
  }
}

/* After an order that was carried out: what the service found doubtful. */
function told(warnings) {
  byId('warnings').replaceChildren(
    ...warnings.map((warning) =>
      el('div', { class: 'notice warn' }, el('p', { class: 'detail' }, warning)),
    ),
  );
}
