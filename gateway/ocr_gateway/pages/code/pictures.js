// Pictures that need the token: an <img> cannot send it, so they are fetched.
import { token } from './token.js';

const kept = new Map(); // address -> blob address
const MOST = 60;

/* The address to show. Raises where it is not there, or not any more. A picture never changes. */
export async function fetched(address) {
  if (kept.has(address)) return kept.get(address);
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${token()}` } });
  if (!answer.ok) throw new Error(String(answer.status));
  const blob = URL.createObjectURL(await answer.blob());
  kept.set(address, blob);
  if (kept.size > MOST) {
    const [oldest, its] = kept.entries().next().value;
    kept.delete(oldest);
    URL.revokeObjectURL(its);
  }
  return blob;
}
