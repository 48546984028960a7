// Four small charts: error share, latency, volume, agreement of both arms' texts.
import { byId, el, svg } from '../dom.js';
import { number, percent } from '../words.js';
import { mean, points, rate, runs, share, span, ticks } from './curves.js';

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [148, 54, 8, 8, 20]; // pixels
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const shares = (value) => percent(value, 2);
const millis = (value) => `${number(value)} ms`;
const speeds = (value) => `${number(value, value < 10 ? 1 : 0)}/s`;

let latest = null;

export function showCharts(series) {
  latest = series;
  const time = span(series);
  const place = byId('charts');
  const width = Math.max(260, (place.firstElementChild ?? place).clientWidth - 2);
  place.replaceChildren(
    ...charts(series, time).map((chart) => drawn(chart, time, width, series.marks)),
  );
}

new ResizeObserver(() => latest && showCharts(latest)).observe(byId('charts'));

function charts({ arms, agreement, limits }, time) {
  const both = (make) =>
    ['stable', 'candidate'].map((role) => ({ role, name: arms[role].arm, ...make(arms[role]) }));
  const weights = { p50_ms: 'requests', p95_ms: 'requests' };
  return [
    {
      name: 'errors',
      format: shares,
      limit: limits.errors,
      lines: both((arm) => ({ points: points(arm, time, share('errors', 'requests')) })),
    },
    {
      name: 'latency',
      format: millis,
      limit: limits.latency_p95_ms,
      lines: [
        ...both((arm) => ({ points: points(arm, time, mean('p95_ms'), weights), quantile: 95 })),
        ...both((arm) => ({ points: points(arm, time, mean('p50_ms'), weights), quantile: 50 })),
      ],
    },
    {
      name: 'volume',
      format: speeds,
      lines: both((arm) => ({ points: points(arm, time, rate('requests')) })),
    },
    {
      name: 'agreement',
      format: shares,
      most: 1,
      lines: [{ role: 'shadow', points: points(agreement, time, share('equal', 'both_fine')) }],
    },
  ];
}

function drawn(chart, time, width, marks) {
  const told = chart.lines.filter(({ points }) => points.length);
  const values = told.flatMap(({ points }) => points.map(([, value]) => value));
  const steps = ticks(chart.most ?? Math.max(0, ...values, chart.limit ?? 0));
  const x = (at) => LEFT + ((at - time[0]) / (time[1] - time[0])) * (width - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / steps.at(-1)) * (HEIGHT - TOP - BOTTOM);
  const picture = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: 'img',
      tt: { 'aria-label': `chart.${chart.name}` },
    },
    ...steps.flatMap((step) => grid(step, y(step), width, chart.format)),
    ...marks.filter(({ at_s }) => at_s > time[0]).map(({ at_s }) => upright('mark', x(at_s))),
    ...ends(time, width),
    ...(chart.limit ? limit(chart, y, width) : []),
    ...told.flatMap((line) => curve(line, x, y)),
  );
  const none = told.length
    ? null
    : el('p', {
        class: 'hint',
        t: `chart.none_${chart.name === 'agreement' ? 'pairs' : 'requests'}`,
      });
  return el(
    'figure',
    { class: 'chart' },
    el('figcaption', {}, el('h3', { t: `chart.${chart.name}` }), legend(chart)),
    picture,
    none,
  );
}

/* By line style and name, not by colour alone; with the newest values. */
function legend({ lines, format }) {
  const told = lines.filter(({ points }) => points.length);
  return el(
    'ul',
    { class: 'legend' },
    ...told
      .filter(({ quantile }) => quantile !== 50)
      .map((line) => {
        const sample = svg(
          'svg',
          { width: 22, height: 8, 'aria-hidden': 'true' },
          svg('path', { class: `curve ${line.role}`, d: 'M0 4H22' }),
        );
        const others = told.filter(({ role, quantile }) => role === line.role && quantile === 50);
        const name = line.name ? el('span', {}, line.name) : el('span', { t: 'chart.same' });
        return el(
          'li',
          {},
          sample,
          name,
          ...[line, ...others].flatMap((one) => newest(one, format)),
        );
      }),
  );
}

function newest({ points, quantile }, format) {
  const name = quantile ? [el('span', {}, `p${quantile}`)] : [];
  return [...name, el('strong', {}, format(points.at(-1)[1]))];
}

function curve({ role, points, quantile }, x, y) {
  const kind = `curve ${role} q${quantile ?? 95}`;
  return runs(points).map((run) => {
    const [first, ...rest] = run.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    if (rest.length) return svg('path', { class: kind, d: `M${first}L${rest.join('L')}` });
    return svg('circle', { class: `dot ${role}`, cx: x(run[0][0]), cy: y(run[0][1]), r: 2.2 });
  });
}

function grid(value, at, width, format) {
  return [
    svg('path', { class: 'grid', d: `M${LEFT} ${at}H${width - RIGHT}` }),
    svg('text', { x: LEFT - 6, y: at + 3.5, 'text-anchor': 'end' }, format(value)),
  ];
}

function limit({ limit, format }, y, width) {
  const at = y(limit);
  return [
    svg('path', { class: 'limit', d: `M${LEFT} ${at}H${width - RIGHT}` }),
    svg('text', {
      class: 'limit',
      x: width - RIGHT - 2,
      y: at - 4,
      'text-anchor': 'end',
      t: ['chart.limit', { limit: () => format(limit) }],
    }),
  ];
}

function upright(kind, at) {
  return svg('path', { class: kind, d: `M${at.toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}` });
}

function ends([from, to], width) {
  const label = (at, place, anchor) =>
    svg(
      'text',
      { x: place, y: HEIGHT - 5, 'text-anchor': anchor },
      clock.format(new Date(at * 1000)),
    );
  return [
    label(from, LEFT, 'start'),
    label((from + to) / 2, (LEFT + width - RIGHT) / 2, 'middle'),
    label(to, width - RIGHT, 'end'),
  ];
}
