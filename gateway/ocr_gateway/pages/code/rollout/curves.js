// The service's columns (time buckets of any width) as few points of equal width. Pure.
const BINS = 90;

/* [from, to] in Unix seconds: what there is of the last hour, at least a minute. */
export function span({ at_s, since_s, arms, agreement }) {
  const columns = [...Object.values(arms), agreement];
  const starts = columns.flatMap(({ start_s }) => start_s.slice(0, 1));
  const begin = Math.max(since_s, Math.min(at_s, ...starts));
  return [Math.min(begin, at_s - 60), at_s];
}

/* points(columns, [from, to], value): [[time, value, seconds], ...] oldest first, one for each bin
   that has any; seconds: how much time it stands for.
   value(sum, seconds) -> number or null, of the bin's sums. Weighted columns (`of`: {name: weight})
   are summed times their weight, and skipped where they are null. */
export function points(columns, [from, to], value, of = {}) {
  const width = (to - from) / BINS;
  const bins = new Map();
  columns.start_s.forEach((start, k) => {
    const middle = start + columns.width_s[k] / 2;
    if (middle < from || middle > to) return;
    const place = Math.min(BINS - 1, Math.floor((middle - from) / width));
    const bin = bins.get(place) ?? { seconds: 0 };
    bins.set(place, bin);
    bin.seconds = Math.max(bin.seconds, width, columns.width_s[k]);
    for (const [name, column] of Object.entries(columns))
      add(bin, name, column, k, of[name], columns);
  });
  return [...bins]
    .sort(([one], [other]) => one - other)
    .map(([place, bin]) => [from + (place + 0.5) * width, value(bin, bin.seconds), bin.seconds])
    .filter(([, found]) => found !== null && Number.isFinite(found));
}

function add(bin, name, column, k, weight, columns) {
  if (!Array.isArray(column) || column[k] === null) return;
  const times = weight ? columns[weight][k] : 1;
  bin[name] = (bin[name] ?? 0) + column[k] * times;
  if (weight) bin[`${name}_weight`] = (bin[`${name}_weight`] ?? 0) + times;
}

export function share(part, whole) {
  return (bin) => (bin[whole] ? (bin[part] ?? 0) / bin[whole] : null);
}

export function mean(name) {
  return (bin) => (bin[`${name}_weight`] ? bin[name] / bin[`${name}_weight`] : null);
}

export function rate(name) {
  return (bin, seconds) => (bin[name] ?? 0) / seconds;
}

/* Runs of points with no gap between them that is much longer than what they stand for. */
export function runs(points) {
  return points.reduce((all, point) => {
    const run = all.at(-1);
    const last = run?.at(-1);
    if (run && point[0] - last[0] <= 2.5 * Math.max(last[2], point[2])) run.push(point);
    else all.push([point]);
    return all;
  }, []);
}

/* Rounded steps from 0 to at least `most`: three to five of them. */
export function ticks(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= rough);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, k) => Number((k * step).toPrecision(6)));
}
