// What was read in this tab, kept in sessionStorage: gone with the tab, and bounded.
const KEPT = 'ocr.read.1';
const MOST = 30; // entries
const ROOM = 3_000_000; // characters; browsers give about five million

/* entry: { id, name, at, answer, preview, verdict, user }; newest first. */
export function remembered() {
  try {
    const entries = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(entries)
      ? entries.filter((entry) => entry?.answer?.lines && entry.id)
      : [];
  } catch {
    return [];
  }
}

export function remember(entry) {
  const others = remembered().filter(({ id }) => id !== entry.id);
  keep([entry, ...others].sort((one, other) => other.at - one.at).slice(0, MOST));
}

export function forget(gone) {
  keep(remembered().filter(({ id }) => id !== gone));
}

export function forgetAll() {
  keep([]);
}

/* The oldest go until the rest fits. */
function keep(entries) {
  const kept = [...entries];
  for (;;) {
    const text = JSON.stringify(kept);
    try {
      if (text.length > ROOM && kept.length) throw new RangeError('too much');
      sessionStorage.setItem(KEPT, text);
      return;
    } catch {
      if (!kept.length) return; // Storage is switched off: the page works without.
      kept.pop();
    }
  }
}
