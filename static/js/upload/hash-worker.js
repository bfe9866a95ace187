// Hashes files, large ones piece by piece, so that their sizes do not matter. Told {id, file}, says {id, done} and at last
// {id, oid}.
import { bytesToHex, sha256 } from "../../vendor/sha256.js";

const PIECE_BYTES = 4 * 1024 * 1024;
/** What the browser hashes in one go, and much faster; it knows no pieces, and nothing at all without HTTPS. */
const WHOLE_BYTES = 64 * 1024 * 1024;

async function digest({ id, file }) {
  if (file.size <= WHOLE_BYTES && crypto.subtle) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  }
  const state = sha256.create();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    state.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
    postMessage({ id, done: Math.min(at + PIECE_BYTES, file.size) });
  }
  return state.digest();
}

// One after the other: two files at once would only make the disk seek.
let queue = Promise.resolve();
addEventListener("message", ({ data }) => {
  const answer = async () => postMessage({ id: data.id, oid: bytesToHex(await digest(data)) });
  queue = queue.then(answer).catch((error) => postMessage({ id: data.id, error: error.message }));
});
