// What went wrong, for people: a sentence in their language and the service's own detail.
import { el } from './dom.js';
import { known } from './words.js';

/* refused: of api.js. A block to put into the page. */
export function explained(refused) {
  const exact = `fault.${refused.kind}`;
  const general = refused.status >= 500 ? 'fault.server' : 'fault.refused';
  const title = known(exact) ? exact : general;
  const detail = refused.detail ? el('p', { class: 'detail' }, refused.detail) : null;
  const wait = refused.retryS ? { seconds: refused.retryS } : null;
  return el(
    'div',
    { class: 'notice bad' },
    el('p', { class: 'headline', t: title }),
    detail,
    wait ? el('p', { t: ['fault.retry_after', wait] }) : null,
  );
}
