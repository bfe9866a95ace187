// Requests that show how far they are, can be stopped, and are tried again when the connection breaks off.
const TRIES = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;

/** What the hub or the store refused, or a connection that did not come back. */
export class SendError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether another try may help. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

function once({ method, url, body, headers = {}, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
    request.addEventListener("loadend", () => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) return reject(signal.reason);
      if (request.status >= 200 && request.status < 300) return resolve(request.responseText);
      reject(new SendError(reasonOf(request), request.status));
    });
    request.send(body);
  });
}

function reasonOf(request) {
  if (request.status === 0) return "The connection broke off.";
  try {
    const { error, message } = JSON.parse(request.responseText);
    return error ?? message;
  } catch {
    return `The answer was ${request.status}.`;
  }
}

function pause(time, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    // Whoever is online again need not wait for the rest.
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true, signal });
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

/** Sends a request, again while that may help and there are `tries` left; gives the answer's text. */
export async function send(request) {
  const tries = request.tries ?? TRIES;
  for (let number = 1; ; number++) {
    try {
      return await once(request);
    } catch (error) {
      if (!(error instanceof SendError) || !error.isPassing || number >= tries) throw error;
      request.onProgress?.(0);
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (number - 1), LONGEST_WAIT_MS);
      request.onWait?.(error, wait);
      await pause(wait * (0.75 + Math.random() / 2), request.signal);
    }
  }
}

/** Runs the work of each item, so many at once; the first failure ends all. */
export async function eachAtOnce(items, count, work) {
  const rest = [...items];
  const run = async () => { for (let item; (item = rest.shift());) await work(item); };
  await Promise.all(Array.from({ length: Math.min(count, rest.length) }, run));
}
