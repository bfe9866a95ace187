// Opens a[data-use-dialog] as a dialog: fetches the page and shows its [data-use-panel]. Without a dialog the link just goes
// there; so it does when anything goes wrong.
import { enhanceCopyButtons } from "./copy-button.js";

const opener = document.querySelector("a[data-use-dialog]");

async function panelOf(address) {
  const response = await fetch(address, { headers: { accept: "text/html" } });
  if (!response.ok) throw new Error(response.statusText);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const panel = page.querySelector("[data-use-panel]");
  // The page below has its own first heading.
  const title = panel.querySelector("h1");
  const heading = document.createElement("h2");
  heading.className = title.className;
  heading.tabIndex = -1;
  heading.textContent = title.textContent;
  title.replaceWith(heading);
  enhanceCopyButtons(panel);
  return panel;
}

function makeDialog() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog use-dialog";
  dialog.setAttribute("aria-label", opener.textContent.trim());
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.className = "button button-quiet button-small use-dialog-close";
  close.textContent = "Close";
  form.append(close);
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  return dialog;
}

async function show(dialog, address) {
  try {
    const panel = await panelOf(address);
    const old = dialog.querySelector("[data-use-panel]");
    if (old) old.replaceWith(panel);
    else dialog.append(panel);
    panel.addEventListener("click", (event) => {
      const choice = event.target.closest("a[data-use-choice]");
      if (!choice || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      show(dialog, choice.href);
    });
    if (!dialog.open) dialog.showModal();
    panel.querySelector(".usage-title").focus();
  } catch {
    location.assign(address);
  }
}

opener?.addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (document.querySelector("main [data-use-panel]")) return;
  event.preventDefault();
  show(makeDialog(), opener.href);
});
