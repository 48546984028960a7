// The text of an answer as what it is on the page: titles, paragraphs, lists, tables; and its fields.
import { el } from '../dom.js';
import { known } from '../words.js';

/* written(line, row): an element with the characters of line `row`.
   A tab may still hold answers from before blocks had kinds. */
export function structured({ lines, blocks }, written) {
  const plain = !blocks?.some(({ kind }) => kind && kind !== 'text');
  if (plain) return el('div', { class: 'text' }, listed(lines.map((_, row) => row), written));
  return el('div', { class: 'text' }, ...blocks.map((block) => shown(block, written)));
}

function shown({ kind, lines, table }, written) {
  const label = kind === 'text' ? null : el('p', { class: 'kind', t: `read.block.${kind}` });
  return el('section', { class: 'block', data: { kind } }, label, body(kind, lines, table, written));
}

function body(kind, lines, table, written) {
  if (table) return grid(table, written);
  if (!lines.length) return null;
  if (kind === 'title') return el('h3', {}, ...lines.map((row) => written(row)));
  return listed(lines, written);
}

function listed(rows, written) {
  return el('ol', {}, ...rows.map((row) => el('li', {}, written(row))));
}

/* Cells that stand at their place, with the rows and columns that they span. */
function grid({ rows, columns, cells }, written) {
  const owners = cells.flatMap((cell) => cell.lines);
  const shared = (row) => owners.indexOf(row) !== owners.lastIndexOf(row);
  const at = new Map();
  for (const cell of cells) {
    for (let row = cell.row; row < cell.row + cell.rows; row += 1) {
      for (let column = cell.column; column < cell.column + cell.columns; column += 1) {
        at.set(row * columns + column, row === cell.row && column === cell.column ? cell : null);
      }
    }
  }
  const placed = (place) => {
    const cell = at.get(place);
    if (cell === null) return null; // another one reaches here
    if (!cell) return el('td');
    // A line that runs through several cells is cut in the text only.
    const texts = cell.lines.some(shared)
      ? [cell.text]
      : cell.lines.map((row) => el('span', {}, written(row)));
    return el('td', { rowspan: cell.rows, colspan: cell.columns }, ...texts);
  };
  const row = (number) =>
    el('tr', {}, ...Array.from({ length: columns }, (_, n) => placed(number * columns + n)));
  const table = el('table', {}, ...Array.from({ length: rows }, (_, number) => row(number)));
  return el('div', { class: 'wide', tabindex: 0, role: 'region', tt: { 'aria-label': 'read.block.table' } }, table);
}

/* Pointing at a field lights its box up in the picture, and so does coming to it by the keyboard.
   marks: their boxes, in the same order. */
export function fieldsOf(fields, marks) {
  if (!fields?.length) return null;
  const rows = fields.flatMap(({ name, value }, place) => {
    const key = `read.field.${name}`;
    const title = known(key) ? el('dt', { t: key }) : el('dt', {}, name);
    return [title, lighting(el('dd', { tabindex: 0 }, value), marks[place])];
  });
  return el('dl', { class: 'fields-read', tt: { 'aria-label': 'read.fields' } }, ...rows);
}

/* Lit for as long as the pointer or the focus is there: one may leave while the other stays. */
function lighting(node, mark) {
  const there = new Set();
  const told = (why, here) => () => {
    if (here) there.add(why);
    else there.delete(why);
    for (const one of [node, mark]) one?.classList.toggle('lit', there.size > 0);
  };
  node.addEventListener('pointerenter', told('pointer', true));
  node.addEventListener('pointerleave', told('pointer', false));
  node.addEventListener('focus', told('focus', true));
  node.addEventListener('blur', told('focus', false));
  return node;
}
