// form[data-card-editor] shows the preview while somebody writes: the server renders it, by the same form. Leaving a text
// that is not saved is asked about.
const TYPING_MS = 500;

const form = document.querySelector("form[data-card-editor]");
if (form) {
  let timer;
  let running = null;
  let changed = false;

  const preview = async () => {
    running?.abort();
    const abort = new AbortController();
    running = abort;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("action", "preview");
    try {
      const response = await fetch(form.getAttribute("action"), { method: "POST", body: fields, signal: abort.signal });
      if (!response.ok) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-card-preview]");
      const part = form.querySelector("[data-card-preview]");
      const scrolled = part.querySelector("article")?.scrollTop ?? 0;
      part.replaceChildren(...fresh.childNodes);
      part.querySelector("article").scrollTop = scrolled;
    } catch (error) {
      // The button still shows the preview.
      if (error.name !== "AbortError") console.info("no preview", error.message);
    }
  };

  const edited = () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(preview, TYPING_MS);
  };

  form.addEventListener("input", (event) => { if (event.target.name !== "summary") edited(); });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  // What was typed before this script was here.
  const isTyped = ({ name, value, defaultValue }) => name !== "summary" && defaultValue !== undefined && value !== defaultValue;
  if ([...form.elements].some(isTyped)) edited();
}
