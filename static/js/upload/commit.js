// What the hub says of files before they are sent, and the commit that holds them all.
import { send } from "./send.js";

const ASKED_AT_ONCE = 500;
const SAMPLE_BYTES = 512;
const TOO_LARGE = "large or binary, which the hf command sends";

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(new Error(`It could not be read (${reader.error?.message}).`)));
    reader.readAsDataURL(blob);
  });
}

/** Asks which files git holds and which are large, which are refused, and which are there already. */
export async function plan(items, { api, branch, place, token, pull, smallOnly, signal, onWait }) {
  // To a bucket everything goes whole.
  if (place) return items.forEach((item) => Object.assign(item, { isLarge: item.file.size > 0, inBucket: true }));
  for (let at = 0; at < items.length; at += ASKED_AT_ONCE) {
    const part = items.slice(at, at + ASKED_AT_ONCE);
    const files = await Promise.all(part.map(async ({ file, target }) => ({
      path: target, size: file.size, sample: file.size ? await base64(file.slice(0, SAMPLE_BYTES)) : "",
    })));
    const url = `${api}/preupload/${encodeURIComponent(branch)}${pull ? "?create_pr=1" : ""}`;
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
    const answer = JSON.parse(await send({ method: "POST", url, body: JSON.stringify({ files }), headers, signal, onWait }));
    for (const [index, said] of answer.files.entries()) {
      const item = part[index];
      item.isLarge = said.uploadMode === "lfs";
      item.refused = said.refused ?? (smallOnly && item.isLarge ? TOO_LARGE : "");
      item.known = said.oid;
    }
  }
}

/** Says where in a bucket the files that were sent go. The hub may still be putting them in chunks: this asks until it has. */
export async function settle(items, { place, token, signal, onWait }) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  for (let at = 0; at < items.length; at += ASKED_AT_ONCE) {
    const files = items.slice(at, at + ASKED_AT_ONCE).map(({ target, oid }) => ({ path: target, oid }));
    await send({ method: "POST", url: place, body: JSON.stringify({ files }), headers, signal, onWait, tries: Infinity });
  }
}

/** Commits everything, or proposes it; large files by their SHA-256, the others with their bytes. */
export async function commit(items, { summary, description }, { api, branch, token, pull, signal, onWait, onProgress }) {
  const lines = [JSON.stringify({ key: "header", value: { summary, description } }), "\n"];
  for (const { file, target, isLarge, oid } of items) {
    if (isLarge) {
      lines.push(JSON.stringify({ key: "lfsFile", value: { path: target, algo: "sha256", oid, size: file.size } }), "\n");
      continue;
    }
    const path = JSON.stringify(target);
    // As a blob, which the browser may keep on disk when there are many.
    const content = file.size ? await base64(file) : "";
    lines.push(new Blob([`{"key":"file","value":{"path":${path},"encoding":"base64","content":"${content}"}}\n`]));
  }
  const url = `${api}/commit/${encodeURIComponent(branch)}${pull ? "?create_pr=1" : ""}`;
  const headers = { "Content-Type": "application/x-ndjson", "X-CSRF-Token": token };
  return JSON.parse(await send({ method: "POST", url, body: new Blob(lines), headers, signal, onWait, onProgress }));
}
