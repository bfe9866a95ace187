// [data-copy="text"] copies that text; [data-copy] alone copies the nearest [data-copy-source].
import { showToast } from "./toast.js";

const CONFIRMATION_MS = 1600;

function sourceText(button) {
  if (button.dataset.copy) return button.dataset.copy;
  const code = button.closest("[data-copy-source]")?.querySelector("pre code");
  if (!code) return "";
  const clone = code.cloneNode(true);
  for (const skipped of clone.querySelectorAll("[data-copy-skip]")) skipped.remove();
  return clone.textContent.trim();
}

async function writeText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http has no clipboard interface, and many a hub starts that way.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser does not copy");
}

// For parts that come into the page later, too.
export function enhanceCopyButtons(scope) {
  for (const button of scope.querySelectorAll("[data-copy]")) enhance(button);
}

function enhance(button) {
  const use = button.querySelector("use");
  const icon = use?.getAttribute("href");
  let timer;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await writeText(sourceText(button));
    } catch {
      showToast("It could not be copied: select the text instead.", "error");
      return;
    }
    button.dataset.copied = "";
    use?.setAttribute("href", icon.replace(/#.*/, "#check"));
    showToast("Copied");
    clearTimeout(timer);
    timer = setTimeout(() => {
      delete button.dataset.copied;
      use?.setAttribute("href", icon);
    }, CONFIRMATION_MS);
  });
}

enhanceCopyButtons(document);
