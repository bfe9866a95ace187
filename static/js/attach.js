// form[data-attach="/api/…/discussions/uploads"]: files that are chosen, dropped on the text or pasted into it are sent at once, and the
// text says where they are. Without this they are sent with the form.
import { showToast } from "./toast.js";

export function enhance(form) {
  const text = form.querySelector("textarea");
  const input = form.querySelector("input[type=file]");
  let sending = 0;

  function replace(mark, by) {
    const start = text.value.indexOf(mark);
    if (start >= 0) text.setRangeText(by, start, start + mark.length, "preserve");
  }

  // On a line of its own, where the cursor is.
  function insert(mark) {
    const before = text.value.slice(0, text.selectionStart);
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    text.setRangeText(`${gap}${mark}\n`, text.selectionStart, text.selectionEnd, "end");
  }

  async function send(file) {
    const name = file.name || "picture";
    const mark = `[Sending ${name.replace(/[[\]]/g, "")}…]`;
    insert(mark);
    sending += 1;
    try {
      const headers = { "x-csrf-token": form.elements.csrf_token.value, "content-type": "application/octet-stream" };
      const address = `${form.dataset.attach}?name=${encodeURIComponent(name)}`;
      const response = await fetch(address, { method: "POST", headers, body: file });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      replace(mark, answer.markdown);
    } catch (error) {
      replace(`${mark}\n`, "");
      replace(mark, "");
      const why = error instanceof TypeError || error instanceof SyntaxError ? "It could not be sent. Try again." : error.message;
      showToast(`${name}: ${why}`, "error");
    } finally {
      sending -= 1;
    }
  }

  async function sendAll(files) {
    for (const file of files) await send(file);
  }

  input.addEventListener("change", async () => {
    const files = [...input.files];
    // They are not sent once more with the form.
    input.value = "";
    await sendAll(files);
  });
  text.addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    // Text that was copied from a table comes as a picture, too.
    if (files.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    sendAll([...files]);
  });
  text.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  text.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    sendAll([...event.dataTransfer.files]);
  });
  form.addEventListener("submit", (event) => {
    if (sending === 0) return;
    event.preventDefault();
    showToast("Wait until the files are sent.", "error");
  });
  for (const hint of form.querySelectorAll("[data-script]")) hint.hidden = false;
}

for (const form of document.querySelectorAll("form[data-attach]")) enhance(form);
