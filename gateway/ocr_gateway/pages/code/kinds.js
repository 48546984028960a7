// Kinds of lines: the configuration's words, the usual ones in the reader's language.
import { el } from './dom.js';
import { known } from './words.js';

export function named(kind) {
  const key = `kind.${kind}`;
  return known(key) ? el('span', { t: key }) : el('span', {}, kind);
}
