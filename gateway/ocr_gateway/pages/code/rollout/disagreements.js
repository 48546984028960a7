// The pictures on which both arms' texts differ most.
import { call } from '../api.js';
import { compared, marked } from '../difference.js';
import { byId, el, fill } from '../dom.js';
import { explained } from '../faults.js';
import { fetched } from '../pictures.js';
import { token } from '../token.js';
import { percent } from '../words.js';

const MOST = 12;

export async function showDisagreements() {
  try {
    const { items, images_kept } = await call(`/api/rollout/disagreements?limit=${MOST}`, {
      token: token(),
    });
    byId('no-images').hidden = images_kept || !items.length;
    byId('no-disagreements').hidden = items.length > 0;
    fill(byId('disagreements'), items, (all) => all.map(pair));
  } catch (refused) {
    byId('no-disagreements').hidden = true;
    fill(byId('disagreements'), refused, () => [el('li', {}, explained(refused))]);
  }
}

function pair({ distance, stable, candidate, image }) {
  const [one, other] = compared(stable.text, candidate.text);
  const frame = el('div', { class: 'frame' });
  if (image) paint(frame, image);
  return el(
    'li',
    { class: 'pair' },
    frame,
    el('dl', {}, ...side('stable', stable, one), ...side('candidate', candidate, other)),
    el('p', { class: 'hint', t: ['pair.distance', { share: () => percent(distance, 0) }] }),
  );
}

function side(role, { arm, text }, parts) {
  const said = text ? marked(parts) : [el('em', { t: 'pair.empty' })];
  return [el('dt', { class: role }, arm), el('dd', {}, ...said)];
}

async function paint(frame, address) {
  try {
    frame.replaceChildren(el('img', { src: await fetched(address), tt: { alt: 'pair.picture' } }));
  } catch {
    frame.replaceChildren(el('p', { class: 'hint', t: 'pair.gone' }));
  }
}
