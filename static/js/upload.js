// form[data-upload]: takes files and folders by drop or picker, says of each whether it can go, and sends them as programs
// do: large ones in parts that are never sent twice, all of them in one commit.
import { commit, plan, settle } from "./upload/commit.js";
import { ofDrop, ofInput } from "./upload/gather.js";
import { sendLarge } from "./upload/large.js";
import { list, show, sizeText } from "./upload/rows.js";

function setUp(form) {
  const find = (name) => form.querySelector(`[data-${name}]`);
  const [into, status, panel, folder, start, stop] =
    ["upload-list", "upload-status", "upload-progress", "upload-folder", "upload-start", "upload-stop"].map(find);
  const zone = find("drop-zone");
  const input = form.querySelector("#field-files");
  const folderInput = find("folder-input");
  const { api, batch, branch, place, tree, done } = form.dataset;
  const token = form.elements.csrf_token.value;
  let items = [];
  let running = null;
  let planning = new AbortController();

  const say = (text) => { status.textContent = text; };
  const where = { api, batch, branch, place, token, smallOnly: "smallOnly" in form.dataset, onWait: (error, wait) => say(`${error.message} Trying again in ${Math.ceil(wait / 1000)} s…`),
    get pull() { return form.querySelector("input[name=to]:checked, input[name=to][type=hidden]")?.value === "pull"; } };
  const targetOf = (path) => [folder.value.trim().replace(/^\/+|\/+$/g, ""), path].filter(Boolean).join("/");

  function render() {
    const bytes = items.reduce((sum, { file }) => sum + file.size, 0);
    find("upload-queue").hidden = items.length === 0;
    find("upload-count").textContent = `${items.length} ${items.length === 1 ? "file" : "files"}, ${sizeText(bytes)}`;
    list(items, into, (gone) => { items = items.filter((item) => item !== gone); refresh(); });
  }

  /** Says how many files cannot go; the rows say why. */
  function judge() {
    const wrong = items.filter(({ refused }) => refused).length;
    if (wrong) say(`${wrong === 1 ? "One file" : `${wrong} files`} cannot go into a repository. Remove ${wrong === 1 ? "it" : "them"} or choose another folder.`);
    return wrong === 0;
  }

  async function refresh() {
    planning.abort();
    planning = new AbortController();
    for (const item of items) item.target = targetOf(item.path);
    render();
    say("");
    try {
      await plan(items, { ...where, signal: planning.signal });
      render();
      judge();
    } catch (error) {
      if (error.name !== "AbortError") say(error.message);
    }
  }

  function add(found) {
    const known = new Map(items.map((item) => [item.path, item]));
    for (const { file, path } of found) known.set(path, { file, path, hashed: 0, sent: 0 });
    items = [...known.values()];
    if (found.length === 0) return say("There are no files in there.");
    refresh();
  }

  function progress() {
    if (!running) return;
    const all = items.reduce((sum, { file }) => sum + file.size, 0) || 1;
    const sent = items.reduce((sum, item) => sum + item.sent, 0);
    const seconds = (performance.now() - running.since) / 1000;
    panel.querySelector("progress").value = sent / all;
    find("upload-speed").textContent = `${sizeText(sent)} of ${sizeText(all)}, ${sizeText(sent / Math.max(seconds, 0.1))}/s`;
  }

  async function run() {
    const { signal } = running;
    say("Sending. If the connection breaks off, what has arrived is not sent again.");
    await plan(items, { ...where, signal });
    render();
    if (!judge()) return;
    await sendLarge(items, { ...where, signal }, (item) => { show(item); progress(); });
    say(place ? "Putting them in chunks…" : "Committing…");
    const made = await (place ? settle(items, { ...where, signal }) : commitAll(signal));
    running = null;
    if (made?.pullRequestUrl || done) return location.assign(made?.pullRequestUrl ? new URL(made.pullRequestUrl).pathname : done);
    const path = targetOf("").split("/").map(encodeURIComponent).join("/");
    location.assign(path ? `${tree}/${path}` : tree);
  }

  async function commitAll(signal) {
    const counted = `Upload ${items.length} ${items.length === 1 ? "file" : "files"}`;
    const message = { summary: form.elements.summary.value.trim() || counted, description: form.elements.description.value };
    const small = items.filter(({ isLarge }) => !isLarge);
    const onProgress = (bytes) => {
      // Base64 adds a third; the files go one after the other.
      let left = bytes * 0.75;
      for (const item of small) left -= (item.sent = Math.max(0, Math.min(item.file.size, left)));
      progress();
    };
    return commit(items, message, { ...where, signal, onProgress });
  }

  function busy(isBusy) {
    for (const button of form.querySelectorAll("button, input, textarea")) button.disabled = isBusy && button !== stop;
    find("upload-cancel").hidden = isBusy;
    stop.hidden = !isBusy;
    panel.hidden = !isBusy;
  }

  async function begin() {
    if (items.length === 0) return say("Choose at least one file.");
    const abort = new AbortController();
    running = { signal: abort.signal, abort, since: performance.now() };
    for (const item of items) item.error = "";
    busy(true);
    try {
      await run();
    } catch (error) {
      abort.abort();
      // Into a bucket they go some hundred at a time.
      const left = place ? "Not everything was put there." : "Nothing was committed.";
      say(error.name === "AbortError" ? "Stopped. Start again to go on: what has arrived is not sent again." : `${error.message} ${left} Start again to go on.`);
      for (const item of items) show(item);
    }
    if (running) busy(false);
    running = null;
  }

  for (const part of form.querySelectorAll("[data-script]")) part.hidden = false;
  input.hidden = true;
  input.required = false;
  folderInput.disabled = false;
  for (const [kind, field] of [["files", input], ["folder", folderInput]]) {
    form.querySelector(`[data-choose=${kind}]`).addEventListener("click", () => field.click());
    field.addEventListener("change", () => { add(ofInput(field)); field.value = ""; });
  }
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (event) => { event.preventDefault(); zone.dataset.over = ""; });
  zone.addEventListener("dragleave", () => delete zone.dataset.over);
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    if (running) return;
    say("Looking through what was dropped…");
    try {
      const found = await ofDrop(event.dataTransfer);
      if (!running) add(found);
    } catch (error) {
      say(`It could not be read (${error.message}).`);
    }
  });
  // Files that were chosen before this script was here.
  if (input.files.length) {
    add(ofInput(input));
    input.value = "";
  }
  folder.addEventListener("change", refresh);
  find("upload-clear").addEventListener("click", () => { items = []; refresh(); });
  stop.addEventListener("click", () => running?.abort.abort());
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!running) begin(); });
  addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
}

for (const form of document.querySelectorAll("form[data-upload]")) setUp(form);
