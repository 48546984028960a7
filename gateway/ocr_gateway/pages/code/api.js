// Calls to the service, and what it says when it refuses: problem details (RFC 9457).

/* kind: the last part of the problem's `type`, or 'away' (no answer) or 'odd' (not ours).
   detail: the service's own sentence, in its language. retryS: of Retry-After, or null. */
export class Refused extends Error {
  constructor(kind, detail, { status = 0, retryS = null } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, status, retryS });
  }
}

/* Raises Refused and nothing else, but for an AbortError of `signal`. */
export async function call(path, { method = 'GET', body, token, signal } = {}) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = `Bearer ${token}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: text, signal, credentials: 'omit' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused('away', '');
  }
  const content = await answer.text().catch(() => '');
  if (!answer.ok) throw refusal(answer.status, content, answer.headers.get('Retry-After'));
  return content ? parsed(content, answer.status) : null;
}

export function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused('odd', '', { status });
  }
}

export function refusal(status, text, retryAfter) {
  const retryS = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : null;
  try {
    const problem = JSON.parse(text);
    const kind =
      String(problem.type ?? '')
        .split(':')
        .pop() || 'odd';
    return new Refused(kind, String(problem.detail ?? problem.title ?? ''), { status, retryS });
  } catch {
    return new Refused('odd', '', { status, retryS });
  }
}
