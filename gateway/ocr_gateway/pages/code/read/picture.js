// The picture with what was found drawn on it.
import { el, svg } from '../dom.js';

export const DOUBTFUL = 0.9; // below it a character is shaded and its number shown
const GRADES = [0.5, 0.7, DOUBTFUL]; // confidence -> shade 3 (least sure), 2, 1, 0

export function shade(confidence) {
  const place = GRADES.findIndex((limit) => confidence < limit);
  return place < 0 ? 0 : GRADES.length - place;
}

/* Boxes and marks are in pixels of the image as the service measured it; the picture itself may be
   a smaller copy. marks: one element for each character, by line. */
export function drawn(picture, { lines, blocks, fields, width, height }, name) {
  const marks = lines.map((line) => marked(line.characters, line.box));
  const boxes = lines.map((line, row) => svg('g', {}, ...marks[row], outline(line)));
  const places = (fields ?? []).map((field) => box(around(field.box), 'field'));
  const overlay = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...(blocks ?? [])
      .filter(({ kind }) => kind === 'table' || kind === 'figure')
      .map((block) => box(block.box, `block ${block.kind}`)),
    ...boxes,
    ...places,
  );
  const image = el('img', { src: picture, width, height, tt: { alt: ['read.picture', { name }] } });
  const frame = el('div', { class: 'picture' }, image, overlay);
  frame.style.setProperty('--wide', `${width}px`);
  frame.style.setProperty('--ratio', width / height);
  return { frame, marks, fields: places };
}

/* A tab may still hold answers from before lines had corners. */
function outline({ box: [left, top, right, bottom], quad }) {
  quad ??= [[left, top], [right, top], [right, bottom], [left, bottom]];
  return svg('polygon', { class: 'line', points: quad.map((corner) => corner.join()).join(' ') });
}

/* With air about it, or an edge drawn there would cover the text in a small picture. */
function around([left, top, right, bottom]) {
  const air = (bottom - top) / 4;
  return [left - air, top - air, right + air, bottom + air];
}

function box([left, top, right, bottom], kind) {
  const size = { width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  return svg('rect', { class: kind, x: left, y: top, ...size });
}

/* The model points at a character rather than outlines it, so a mark is as thick as its line and
   reaches half the way to its neighbours, across or down, whichever way the line goes. */
function marked(characters, [left, top, right, bottom]) {
  const places = characters.map(({ x, y }) => ({ x, y: y ?? [top, bottom] }));
  const middle = (place, axis) => (place[axis][0] + place[axis][1]) / 2;
  const spread = (axis) => {
    const all = places.map((place) => middle(place, axis));
    return Math.max(...all) - Math.min(...all);
  };
  const along = spread('y') > spread('x') ? 'y' : 'x';
  const [least, most] = along === 'x' ? [left, right] : [top, bottom];
  const middles = places.map((place) => middle(place, along));
  const half =
    middles.length > 1 ? (middles.at(-1) - middles[0]) / (middles.length - 1) / 2 : Infinity;
  return characters.map(({ confidence }, place) => {
    const before = place ? (middles[place - 1] + middles[place]) / 2 : middles[0] - half;
    const after =
      place + 1 < middles.length
        ? (middles[place] + middles[place + 1]) / 2
        : middles[place] + half;
    const ends = [Math.min(before, after), Math.max(before, after)];
    const [begin, end] = [Math.max(least, ends[0]), Math.min(most, ends[1])];
    const { x, y } = places[place];
    const sides = along === 'x' ? [begin, y[0], end, y[1]] : [x[0], begin, x[1], end];
    return box(sides, `mark shade${shade(confidence)}`);
  });
}

/* The image; null where the browser cannot show it. */
export function loaded(address) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = address;
  });
}

/* A small copy to keep in the tab, as a data address. */
export function small(image, longest = 640) {
  const scale = Math.min(1, longest / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/jpeg', 0.75);
}
