// form[data-conflicts]: editors in the place of the text areas, with buttons for what both sides changed. Leaving what is not
// committed is asked about.
const form = document.querySelector("form[data-conflicts]");

/** The places where both sides changed lines: where each begins and ends, and either side's lines. */
function conflictsIn(text) {
  const found = [];
  let open = null;
  let at = 0;
  for (const line of text.split("\n")) {
    const next = Math.min(at + line.length + 1, text.length);
    if (line.startsWith("<<<<<<< ")) open = { from: at, ours: next };
    else if (open && open.middle === undefined && line === "=======") Object.assign(open, { middle: at, theirs: next });
    else if (open?.middle !== undefined && line.startsWith(">>>>>>> ")) {
      found.push({ ...open, last: at, to: next });
      open = null;
    }
    at += line.length + 1;
  }
  return found;
}

/** The text of an area, in an editor if there is one. */
async function editorOf(area, onInput) {
  try {
    const { createEditor } = await import(form.dataset.editorModule);
    const host = document.createElement("div");
    host.className = "file-editor-host";
    const label = form.querySelector(`label[for="${area.id}"]`);
    const root = host.attachShadow({ mode: "open" });
    area.before(host);
    const view = createEditor({ root, text: area.value, name: area.dataset.name, label: label.textContent, onChange: (text) => { area.value = text; onInput(); } });
    area.hidden = true;
    return {
      replace: (from, to, insert) => view.dispatch({ changes: { from, to, insert } }),
      show: (from, to) => view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true }),
    };
  } catch (error) {
    console.info("no editor", error.message);
    area.addEventListener("input", onInput);
    return {
      replace: (from, to, insert) => { area.setRangeText(insert, from, to); onInput(); },
      show: (from, to) => area.setSelectionRange(from, to),
    };
  }
}

async function setUpText(file, area) {
  const bar = file.querySelector("[data-conflict-bar]");
  const count = bar.querySelector("[data-conflict-count]");
  const buttons = [...bar.querySelectorAll("button")];
  let current = 0;

  function tell() {
    const all = conflictsIn(area.value);
    current = Math.min(current, Math.max(all.length - 1, 0));
    count.textContent = all.length === 0 ? "Nothing left to decide" : `Conflict ${current + 1} of ${all.length}`;
    for (const button of buttons) button.disabled = all.length === 0 || ("next" in button.dataset && all.length === 1);
    return all;
  }

  const editor = await editorOf(area, () => { changed = true; tell(); });
  function show() {
    const place = tell()[current];
    if (place) editor.show(place.from, place.to);
  }
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const all = conflictsIn(area.value);
      const place = all[current];
      if (!place) return;
      if ("next" in button.dataset) current = (current + 1) % all.length;
      else {
        const [ours, theirs] = [area.value.slice(place.ours, place.middle), area.value.slice(place.theirs, place.last)];
        editor.replace(place.from, place.to, { ours, theirs, both: ours + theirs }[button.dataset.keep]);
      }
      show();
    });
  }
  bar.hidden = false;
  file.querySelector("[data-conflict-plain]").hidden = true;
  tell();
}

let changed = false;
if (form) {
  for (const file of form.querySelectorAll("[data-conflict-file]")) {
    const below = file.querySelector("[data-conflict-below]");
    const open = file.querySelector("[data-conflict-open]");
    const showBelow = () => { if (below) below.hidden = !open.checked; };
    file.addEventListener("change", (event) => { changed = true; if (event.target.type === "radio") showBelow(); });
    showBelow();
    const area = file.querySelector("[data-conflict-text]");
    if (area) setUpText(file, area);
  }
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}
