// Sends images to POST /ocr, a few at a time, and tells how far each one is.
import { parsed, refusal, Refused } from '../api.js';

const AT_A_TIME = 2;
const waiting = [];
let under_way = 0;

/* told(state, share): 'waiting', 'sending' with the share sent 0..1, 'reading'.
   Returns { done, stop }: a promise of the service's answer, which fails with Refused, and
   a function that gives it up ('stopped'). */
export function send(file, { user, arm, line }, told) {
  const request = new XMLHttpRequest();
  let stopped = false;
  const done = turn(() => {
    if (stopped) return Promise.reject(new Refused('stopped', ''));
    return post(request, form(file, user, arm, line), told);
  });
  told('waiting');
  const stop = () => {
    stopped = true;
    request.abort();
  };
  return { done, stop };
}

function form(file, user, arm, line) {
  const fields = new FormData();
  fields.append('image', file, file.name || 'image');
  if (user) fields.append('user_id', user);
  if (arm) fields.append('arm', arm);
  if (line) fields.append('line', line);
  return fields;
}

function post(request, body, told) {
  return new Promise((resolve, reject) => {
    request.open('POST', '/ocr');
    request.setRequestHeader('Accept', 'application/json');
    request.upload.addEventListener('progress', (event) => {
      told('sending', event.lengthComputable ? event.loaded / event.total : 0);
    });
    request.upload.addEventListener('load', () => told('reading'));
    request.addEventListener('load', () => {
      try {
        resolve(answerOf(request));
      } catch (refused) {
        reject(refused);
      }
    });
    request.addEventListener('error', () => reject(new Refused('away', '')));
    request.addEventListener('abort', () => reject(new Refused('stopped', '')));
    told('sending', 0);
    request.send(body);
  });
}

function answerOf(request) {
  if (request.status === 200) return parsed(request.responseText, 200);
  const retryAfter = request.getResponseHeader('Retry-After');
  throw refusal(request.status, request.responseText, retryAfter);
}

function turn(work) {
  return new Promise((resolve, reject) => {
    waiting.push(() => work().then(resolve, reject));
    next();
  });
}

function next() {
  if (under_way >= AT_A_TIME || !waiting.length) return;
  under_way += 1;
  waiting
    .shift()()
    .finally(() => {
      under_way -= 1;
      next();
    });
}
