// Two texts of one picture side by side, with the characters in which they differ marked.
import { el } from './dom.js';

const LONGEST = 600; // characters; beyond, all of it counts as different (the table is n * m)

/* Returns [[text, differs], ...] for each of both texts: what is no part of a longest common
   subsequence differs. */
export function compared(one, other) {
  const [a, b] = [[...one], [...other]];
  if (a.length > LONGEST || b.length > LONGEST)
    return [[[one, one !== other]], [[other, one !== other]]];
  const common = table(a, b);
  const [left, right] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      left.push([a[i++], false]);
      right.push([b[j++], false]);
    } else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) {
      left.push([a[i++], true]);
    } else {
      right.push([b[j++], true]);
    }
  }
  return [joined(left), joined(right)];
}

function table(a, b) {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      rows[i][j] =
        a[i] === b[j] ? rows[i + 1][j + 1] + 1 : Math.max(rows[i + 1][j], rows[i][j + 1]);
    }
  }
  return rows;
}

function joined(parts) {
  return parts.reduce((all, [text, differs]) => {
    const last = all.at(-1);
    if (last && last[1] === differs) last[0] += text;
    else all.push([text, differs]);
    return all;
  }, []);
}

export function marked(parts) {
  return parts.map(([text, differs]) => (differs ? el('mark', {}, text) : text));
}
