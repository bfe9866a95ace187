// Large files: hashed in a worker, then sent where the batch endpoint says, in parts. Parts that have arrived before are not
// sent again, whatever became of the page that sent them.
import { eachAtOnce, send } from "./send.js";

const PARTS_AT_ONCE = 3;
const JSON_TYPE = "application/vnd.git-lfs+json";

/** Hashes files; `close` ends it. */
export function createHasher() {
  const worker = new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;
  worker.addEventListener("message", ({ data: { id, oid, done, error } }) => {
    const asked = waiting.get(id);
    if (done !== undefined) return asked?.onProgress(done);
    waiting.delete(id);
    if (error) asked?.reject(new Error(`It could not be read (${error}).`));
    else asked?.resolve(oid);
  });
  const hash = (file, onProgress, signal) => new Promise((resolve, reject) => {
    const id = ++last;
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    waiting.set(id, { onProgress, resolve, reject });
    worker.postMessage({ id, file });
  });
  return { hash, close: () => worker.terminate() };
}

/** Asks what to do with hashed items; gives the answers by SHA-256. */
export async function ask(items, { batch, token, signal, onWait }) {
  const objects = items.map(({ oid, file }) => ({ oid, size: file.size }));
  const body = JSON.stringify({ operation: "upload", transfers: ["multipart"], hash_algo: "sha256", objects });
  const headers = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE, "X-CSRF-Token": token };
  const answer = JSON.parse(await send({ method: "POST", url: batch, body, headers, signal, onWait }));
  return new Map(answer.objects.map((object) => [object.oid, object]));
}

/** Addresses of the hub itself are asked by the name the page came from. */
function reachable(href) {
  const url = new URL(href, location.href);
  return url.pathname.startsWith("/lfs/") ? location.origin + url.pathname + url.search : href;
}

/** Sends one object; `onProgress` hears how many of its bytes are there. */
export async function put({ file, oid }, answer, { signal, onWait, onProgress }) {
  if (answer.error) throw new Error(answer.error.message);
  // The hub has it already.
  if (!answer.actions) return onProgress(file.size);
  const { upload, verify } = answer.actions;
  const asJson = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE };
  if (upload.header?.chunk_size) {
    await putParts(file, upload, { signal, onWait, onProgress });
    const body = JSON.stringify({ oid, parts: [] });
    await send({ method: "POST", url: reachable(upload.href), body, headers: asJson, signal, onWait });
  } else {
    await send({ method: "PUT", url: reachable(upload.href), body: file.slice(), headers: upload.header, signal, onWait, onProgress });
  }
  if (verify) {
    const body = JSON.stringify({ oid, size: file.size });
    await send({ method: "POST", url: reachable(verify.href), body, headers: asJson, signal, onWait });
  }
}

async function putParts(file, upload, { signal, onWait, onProgress }) {
  const size = Number(upload.header.chunk_size);
  const known = await send({ method: "GET", url: reachable(upload.href), headers: { Accept: JSON_TYPE }, signal, onWait });
  const arrived = new Set(JSON.parse(known).parts);
  const parts = Object.entries(upload.header).filter(([key]) => /^\d+$/.test(key)).map(([key, url]) => ({ number: Number(key), url }));
  const sent = new Map(parts.map(({ number }) => [number, arrived.has(number) ? lengthOf(number) : 0]));
  function lengthOf(number) { return Math.min(size, file.size - size * (number - 1)); }
  const report = () => onProgress([...sent.values()].reduce((sum, bytes) => sum + bytes, 0));
  report();
  await eachAtOnce(parts.filter(({ number }) => !arrived.has(number)), PARTS_AT_ONCE, async ({ number, url }) => {
    const start = size * (number - 1);
    const body = file.slice(start, start + lengthOf(number));
    const note = (bytes) => { sent.set(number, bytes); report(); };
    await send({ method: "PUT", url: reachable(url), body, signal, onWait, onProgress: note });
    note(lengthOf(number));
  });
}
