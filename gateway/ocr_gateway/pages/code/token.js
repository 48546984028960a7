// The admin's or a reviewer's token: asked for once a tab, kept in its sessionStorage, sent in a
// header and never in an address.
import { call } from './api.js';
import { byId } from './dom.js';
import { explained } from './faults.js';
import { say } from './words.js';

const KEPT = 'ocr.token';
let held = ''; // where storage is switched off

export function token() {
  try {
    return sessionStorage.getItem(KEPT) ?? held;
  } catch {
    return held;
  }
}

function keep(value) {
  held = value;
  try {
    if (value) sessionStorage.setItem(KEPT, value);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // It holds until the page is left.
  }
}

/* Shows the page's parts once the service takes the token; asks for it as often as needed.
   Returns the role: 'admin' or 'reviewer'. */
export async function admitted() {
  let refused = null;
  for (;;) {
    if (!token()) await asked(refused);
    try {
      const { role } = await call('/api/whoami', { token: token() });
      show(true, role);
      return role;
    } catch (error) {
      refused = error;
      if (error.status === 401 || error.status === 403) keep('');
      else await asked(error);
    }
  }
}

/* The token was refused later on: begins anew. */
export function leave() {
  keep('');
  location.reload();
}

function show(inside, role) {
  byId('gate').hidden = inside;
  byId('inside').hidden = !inside;
  byId('leave').hidden = !inside;
  if (inside) say(byId('role'), `gate.${role}`);
  byId('role').hidden = !inside;
}

function asked(refused) {
  show(false);
  const form = byId('gate');
  const input = byId('token');
  byId('gate-trouble').replaceChildren(...(refused ? [explained(refused)] : []));
  input.value = token();
  if (refused) input.focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      keep(input.value.trim());
      input.value = '';
      resolve();
    };
  });
}

export function mayLeave() {
  byId('leave').addEventListener('click', leave);
}
