// form[data-file-editor]: an editor in the place of the text area, and what the server makes of the text as tabs. Leaving a
// text that is not saved is asked about.
const form = document.querySelector("form[data-file-editor]");

async function setUpEditor(area, onInput) {
  const { createEditor, setName } = await import(form.dataset.editorModule);
  const host = document.createElement("div");
  host.className = "file-editor-host";
  // Style sheets that a script makes are let in where they are adopted by a shadow root.
  const root = host.attachShadow({ mode: "open" });
  const [writes, place] = [document.activeElement === area, area.selectionEnd];
  area.before(host);
  const view = createEditor({ root, text: area.value, name: form.dataset.name, label: "Text", onChange: (text) => { area.value = text; onInput(); } });
  area.hidden = true;
  // Whoever wrote in the text area meanwhile goes on here.
  if (writes) {
    view.dispatch({ selection: { anchor: place } });
    view.focus();
  }
  form.querySelector("[data-editor-label]").hidden = true;
  return (name) => setName(view, name);
}

function setUpTabs() {
  const tabs = [...form.querySelectorAll("[data-tab]")];
  const panel = (name) => form.querySelector(`[data-panel=${name}]`);

  async function fill(name) {
    const fields = new URLSearchParams(new FormData(form));
    fields.set("action", name);
    panel(name).setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.getAttribute("action"), { method: "POST", body: fields });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const made = page.querySelector(`[data-panel=${name}]`);
      panel(name).replaceChildren(...(made?.childNodes ?? []));
      if (!made) panel(name).textContent = page.querySelector(".error-page p, .notice-error")?.textContent ?? "This could not be shown.";
    } catch {
      panel(name).textContent = "The hub did not answer. Try again.";
    }
    panel(name).removeAttribute("aria-busy");
  }

  function choose(name) {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
      panel(tab.dataset.tab).hidden = tab.dataset.tab !== name;
    }
    if (name !== "edit") fill(name);
  }

  for (const tab of tabs) {
    panel(tab.dataset.tab).setAttribute("role", "tabpanel");
    panel(tab.dataset.tab).setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => choose(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const shown = tabs.filter((other) => !other.hidden);
      const next = shown[(shown.indexOf(tab) + step + shown.length) % shown.length];
      next.focus();
      choose(next.dataset.tab);
    });
  }
  for (const button of form.querySelectorAll("[data-plain]")) button.hidden = true;
  form.querySelector("[data-editor-tabs]").hidden = false;
  const asked = tabs.find((tab) => tab.dataset.tab !== "edit" && panel(tab.dataset.tab).childElementCount > 0);
  choose(asked ? asked.dataset.tab : "edit");
  return (name) => { tabs.find((tab) => tab.dataset.tab === "preview").hidden = !/\.(md|markdown|mdx)$/i.test(name); };
}

if (form) {
  const area = form.querySelector("[data-editor-text]");
  // What was written before this script was here counts as well.
  let changed = area.value !== area.defaultValue;
  const showName = setUpTabs();
  const path = form.querySelector("input[name=path]");
  path?.addEventListener("input", () => showName(path.value));
  if (path?.value) showName(path.value);
  area.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  setUpEditor(area, () => { changed = true; }).then((setName) => {
    path?.addEventListener("change", () => setName(path.value));
    if (path?.value) setName(path.value);
  // Without it the text area stays, and everything works.
  }, (error) => console.info("no editor", error.message));
}
