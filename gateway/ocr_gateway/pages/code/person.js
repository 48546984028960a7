// The name that orders and reviews are signed with: typed once a tab.
const KEPT = 'ocr.by';
let held = '';

export function person() {
  try {
    return sessionStorage.getItem(KEPT) ?? held;
  } catch {
    return held;
  }
}

export function rememberPerson(name) {
  held = name;
  try {
    sessionStorage.setItem(KEPT, name);
  } catch {
    // It holds until the page is left.
  }
}
