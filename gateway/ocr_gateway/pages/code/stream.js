// Server-sent events by fetch, because EventSource cannot send the token in a header.
import { refusal, Refused } from './api.js';

const SILENCE_MS = 25_000; // the service says something every 10 s
const USUAL_RETRY_MS = 2_000;

/* told(event, data): for each event. changed(live, refused): true once connected, false when the
   line is lost and tried again; `refused` where the service gave a reason, else null. It is not
   tried again with a token that was refused (401, 403). Returns a function that ends it. */
export function listen(path, token, told, changed) {
  let ended = false;
  let line = null;
  let last = '';
  let retry_ms = USUAL_RETRY_MS;

  async function run() {
    while (!ended) {
      let refused = null;
      try {
        await connected();
      } catch (error) {
        refused = error instanceof Refused ? error : null;
      }
      if (ended) return;
      changed(false, refused);
      if (refused?.status === 401 || refused?.status === 403) return;
      await new Promise((resolve) =>
        setTimeout(resolve, (refused?.retryS ?? 0) * 1000 || retry_ms),
      );
    }
  }

  async function connected() {
    line = new AbortController();
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${token}` };
    if (last) headers['Last-Event-ID'] = last;
    const answer = await fetch(path, { headers, signal: line.signal, cache: 'no-store' });
    if (!answer.ok) {
      throw refusal(answer.status, await answer.text(), answer.headers.get('Retry-After'));
    }
    changed(true, null);
    await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
  }

  async function read(reader) {
    let rest = '';
    for (;;) {
      const silence = setTimeout(() => line.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      blocks.forEach(event);
    }
  }

  function event(block) {
    const fields = {};
    for (const row of block.split(/\r?\n/)) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(row);
      if (name) fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
    }
    if (fields.id !== undefined) last = fields.id;
    if (/^\d+$/.test(fields.retry ?? '')) retry_ms = Number(fields.retry);
    if (fields.data !== undefined) told(fields.event ?? 'message', JSON.parse(fields.data));
  }

  run();
  return () => {
    ended = true;
    line?.abort();
  };
}
