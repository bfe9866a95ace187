// Files out of a drop or a picker, with their paths below what was dropped or chosen.
const LEFT_OUT = /(^|\/)(\.git\/|\.DS_Store$|Thumbs\.db$)/;

/** Files of an input: of a folder with their paths in it. */
export function ofInput(input) {
  return kept([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

/** Files of a drop; folders are walked through. */
export async function ofDrop(transfer) {
  // The list of items is empty as soon as this function waits for something.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) {
    if (entry instanceof File) found.push({ file: entry, path: entry.name });
    else if (entry) await walk(entry, "", found);
  }
  return kept(found);
}

async function walk(entry, folder, found) {
  const path = folder + entry.name;
  if (entry.isFile) {
    found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path });
    return;
  }
  // What git keeps of itself can be more than everything else, and nothing of it goes.
  if (entry.name === ".git") return;
  const reader = entry.createReader();
  // A reader gives some hundred at a time, and in the end none.
  for (let part; (part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length;) {
    for (const inner of part) await walk(inner, `${path}/`, found);
  }
}

/** Without what systems and git leave in folders. */
function kept(found) {
  return found.filter(({ path }) => !LEFT_OUT.test(path));
}
