// The list of files to upload: what each is, how far it is, and why it cannot go.
const UNITS = ["B", "kB", "MB", "GB", "TB"];
/** More rows make a page that scrolls badly. */
const MAX_ROWS = 300;

export function sizeText(bytes) {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function row(item, onRemove) {
  const made = element("li", "upload-row");
  const [name, note] = [element("span", "upload-name", item.target), element("span", "upload-note cell-muted")];
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.hidden = true;
  bar.setAttribute("aria-label", item.target);
  const remove = element("button", "button button-quiet button-small button-icon", "×");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove ${item.target}`);
  remove.addEventListener("click", () => onRemove(item));
  made.append(name, note, remove, bar);
  item.row = { made, note, bar, remove };
  show(item);
  return made;
}

/** What stands next to a file. */
function noteOf(item) {
  if (item.error) return item.error;
  if (item.refused) return item.refused;
  if (item.isDone) return "Sent";
  if (item.hashed > 0 && item.hashed < item.file.size) return `Reading, ${sizeText(item.hashed)} of ${sizeText(item.file.size)}`;
  if (item.sent > 0) return `${sizeText(item.sent)} of ${sizeText(item.file.size)}`;
  return sizeText(item.file.size) + (item.isLarge && !item.inBucket ? ", LFS" : "") + (item.known ? ", replaces the file there" : "");
}

/** Brings the row of an item up to date. */
export function show(item) {
  if (!item.row) return;
  const { made, note, bar } = item.row;
  const isWrong = Boolean(item.error || item.refused);
  made.toggleAttribute("data-wrong", isWrong);
  made.toggleAttribute("data-done", Boolean(item.isDone));
  note.textContent = noteOf(item);
  const begun = !item.isDone && !isWrong && (item.hashed > 0 || item.sent > 0);
  bar.hidden = !begun;
  if (begun) bar.value = item.sent > 0 ? item.sent / item.file.size : item.hashed / item.file.size;
}

/** Lists items, those that cannot go first. */
export function list(items, into, onRemove) {
  for (const item of items) item.row = null;
  const wrong = items.filter((item) => item.refused || item.error);
  const others = items.filter((item) => !item.refused && !item.error);
  const rows = [...wrong, ...others].slice(0, MAX_ROWS).map((item) => row(item, onRemove));
  if (items.length > MAX_ROWS) rows.push(element("li", "cell-muted", `… and ${items.length - MAX_ROWS} more`));
  into.replaceChildren(...rows);
}
