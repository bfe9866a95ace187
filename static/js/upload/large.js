// Hashes and sends the large files among some items, group by group, so that sending begins before everything is hashed.
import { ask, createHasher, put } from "./objects.js";
import { eachAtOnce } from "./send.js";

const FILES_AT_ONCE = 3;
const GROUP = { files: 50, bytes: 64 * 1024 * 1024 };

async function hashed(item, hasher, signal, onChange) {
  try {
    item.oid ??= await hasher.hash(item.file, (done) => { item.hashed = done; onChange(item); }, signal);
  } catch (error) {
    if (!signal.aborted) item.error = error.message;
    throw error;
  }
}

async function sendGroup(group, where, onChange) {
  const answers = await ask(group, where);
  await eachAtOnce(group, FILES_AT_ONCE, async (item) => {
    const onProgress = (bytes) => { item.sent = bytes; onChange(item); };
    try {
      await put(item, answers.get(item.oid), { ...where, onProgress });
    } catch (error) {
      if (!where.signal.aborted) item.error = error.message;
      throw error;
    }
    item.isDone = true;
    onProgress(item.file.size);
  });
}

/** Sends what is not there yet; `onChange` hears of every item that got further. */
export async function sendLarge(items, where, onChange) {
  const hasher = createHasher();
  try {
    const large = items.filter((item) => item.isLarge && !item.isDone);
    let [group, bytes] = [[], 0];
    for (const [index, item] of large.entries()) {
      await hashed(item, hasher, where.signal, onChange);
      group.push(item);
      bytes += item.file.size;
      if (group.length < GROUP.files && bytes < GROUP.bytes && index < large.length - 1) continue;
      await sendGroup(group, where, onChange);
      [group, bytes] = [[], 0];
    }
  } finally {
    hasher.close();
  }
}
