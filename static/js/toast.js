// showToast says in a corner of the page what came of something small. It leaves when it was read; an error stays until it is
// closed, because somebody has to do something about it.
const READING_MS = 4000;
const SPRITE = new URL("../img/icons.svg", import.meta.url);
const NAMESPACE = "http://www.w3.org/2000/svg";

const area = document.createElement("div");
area.className = "toast-area";
area.setAttribute("role", "status");
document.body.append(area);

function icon(name) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  const use = document.createElementNS(NAMESPACE, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${SPRITE.pathname}#${name}`);
  svg.append(use);
  return svg;
}

function closeButton(toast) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-quiet button-icon button-small";
  button.setAttribute("aria-label", "Close");
  button.append(icon("x"));
  button.addEventListener("click", () => toast.remove());
  return button;
}

export function showToast(text, kind = "success") {
  const toast = document.createElement("div");
  toast.className = `toast toast-${kind}`;
  const words = document.createElement("p");
  words.textContent = text;
  toast.append(icon(kind === "error" ? "circle-alert" : "circle-check"), words);
  if (kind === "error") toast.append(closeButton(toast));
  else setTimeout(() => toast.remove(), READING_MS);
  // One at a time: what is newer says more.
  area.replaceChildren(toast);
}
