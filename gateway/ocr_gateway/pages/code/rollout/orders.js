// What an operator may order: approve, pause, resume, set the share, roll back.
import { call } from '../api.js';
import { announce, byId, el } from '../dom.js';
import { explained } from '../faults.js';
import { person, rememberPerson } from '../person.js';
import { token } from '../token.js';
import { percent, say } from '../words.js';

/* possible: in which statuses. asks: the field besides the name. needed: whether it must be filled.
   seen: it is about what the person looked at, so it is refused where that has changed; a pause and
   a rollback have to work whatever moved. again: asks once more. */
const ORDERS = {
  approve: { possible: ['waiting'], asks: 'note', needed: true, seen: true, kind: 'primary' },
  pause: { possible: ['running', 'waiting'], asks: 'reason' },
  resume: { possible: ['paused', 'frozen'], asks: 'reason', seen: true },
  'set-weight': {
    possible: ['running', 'waiting', 'paused'],
    asks: 'note',
    seen: true,
    weight: true,
  },
  rollback: {
    possible: ['running', 'waiting', 'paused', 'frozen', 'completed'],
    asks: 'reason',
    needed: true,
    kind: 'danger',
    again: true,
  },
};

const buttons = new Map();
let status = null;

/* done(warnings): after an order was carried out. */
export function offerOrders(role, done) {
  for (const [name, order] of Object.entries(ORDERS)) {
    const button = el('button', {
      type: 'button',
      class: `button ${order.kind ?? ''}`,
      disabled: true,
      t: `order.${name}`,
    });
    button.addEventListener('click', () => ask(name, done));
    buttons.set(name, button);
  }
  const hint = role === 'admin' ? [] : [el('p', { class: 'hint', t: 'order.not_yours' })];
  byId('orders').replaceChildren(...buttons.values(), ...hint);
}

export function allowOrders(now, role) {
  status = now;
  for (const [name, button] of buttons) {
    button.disabled = role !== 'admin' || !ORDERS[name].possible.includes(now.status);
  }
}

/* The dialog of one order. It is about the status as it is when the dialog opens. */
function ask(name, done) {
  const order = ORDERS[name];
  const seen = status;
  const fields = fieldsOf(order, seen);
  const trouble = el('div', { role: 'alert' });
  const submit = el('button', { class: `button ${order.kind ?? 'primary'}`, t: `order.${name}` });
  const cancel = el('button', { type: 'button', class: 'button', t: 'correct.cancel' });
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'order-title', t: `order.title.${name}` }),
    el('p', { t: [aboutKey(name, seen), about(seen)] }),
    ...Object.values(fields).map(({ row }) => row),
    trouble,
    el('p', { class: 'buttons' }, submit, cancel),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'order-title' }, form);
  let sure = !order.again;

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!sure) {
      sure = true;
      trouble.replaceChildren(warning(seen));
      say(submit, 'order.sure');
      return;
    }
    submit.disabled = true;
    try {
      const { warnings } = await carriedOut(name, seen, fields);
      dialog.close();
      announce(`order.done.${name}`);
      done(warnings);
    } catch (refused) {
      trouble.replaceChildren(explained(refused));
      submit.disabled = false;
    }
  });
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (fields.by.input.value ? fields.words : fields.by).input.focus();
}

function fieldsOf(order, { share }) {
  const words = `order.${order.asks}${order.needed ? '' : '_free'}`;
  const fields = {
    by: field('by', 'order.by', { required: true, maxlength: 80 }),
    words: field('words', words, { required: order.needed, maxlength: 1000 }),
  };
  fields.by.input.value = person();
  if (!order.weight) return fields;
  const range = { type: 'number', min: 0, max: 100, step: 0.01, inputmode: 'decimal' };
  const weight = field('weight', 'order.weight', { required: true, ...range });
  weight.input.value = Number((share * 100).toFixed(2));
  return { weight, ...fields };
}

function field(id, label, attributes) {
  const input = el('input', { id, autocomplete: 'off', ...attributes });
  return { input, row: el('div', {}, el('label', { for: id, t: label }), input) };
}

async function carriedOut(name, seen, { by, words, weight }) {
  const order = ORDERS[name];
  const body = { by: by.input.value.trim(), [order.asks]: words.input.value.trim() };
  if (order.seen) body.expect_generation = seen.generation;
  if (weight) body.weight = Number((Number(weight.input.value) / 100).toFixed(4));
  const answer = await call(`/api/rollout/${name}`, { method: 'POST', token: token(), body });
  rememberPerson(body.by);
  return answer;
}

/* The last gate ends the rollout. */
function aboutKey(name, { state, plan }) {
  const last = name === 'approve' && state.phase + 1 >= plan.phases.length;
  return last ? 'order.about.complete' : `order.about.${name}`;
}

function about({ state, plan, share }) {
  const next = plan.phases[state.phase + 1];
  return {
    candidate: state.candidate,
    stable: state.stable,
    share: () => percent(share, 2),
    phase: state.phase + 1,
    next: () => percent(next?.share ?? 1, 2),
  };
}

function warning(seen) {
  const text = el('p', { class: 'headline', t: ['order.again', about(seen)] });
  return el('div', { class: 'notice bad' }, text);
}
