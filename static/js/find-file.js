// `t` goes to a[data-go-to-file]. On the page itself, form[data-find] shows what fits while somebody types, and the arrow
// keys walk through it.
const TYPING_MS = 120;

const link = document.querySelector("a[data-go-to-file]");
document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select, [contenteditable]");
  if (!link || event.key !== "t" || writes || event.metaKey || event.ctrlKey || event.altKey) return;
  event.preventDefault();
  location.assign(link.href);
});

const form = document.querySelector("form[data-find]");
if (form) {
  const input = form.querySelector("input");
  let running = null;
  let timer;
  // Whether something was typed that the results do not show yet.
  let stale = false;

  const show = async () => {
    running?.abort();
    const abort = new AbortController();
    running = abort;
    const asked = input.value;
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    try {
      const response = await fetch(address, { signal: abort.signal, headers: { accept: "text/html" } });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      const results = document.querySelector("[data-find-results]");
      // More may have been typed meanwhile.
      stale = input.value !== asked;
      const walking = results.contains(document.activeElement);
      results.replaceChildren(...fresh.querySelector("[data-find-results]").childNodes);
      if (walking) (results.querySelector("a") ?? input).focus();
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  };

  const move = (step) => {
    const stops = [input, ...document.querySelectorAll("[data-find-results] a")];
    const at = stops.indexOf(document.activeElement);
    if (at >= 0) stops[at + step]?.focus();
  };

  input.addEventListener("input", () => {
    stale = true;
    clearTimeout(timer);
    timer = setTimeout(show, TYPING_MS);
  });
  form.addEventListener("submit", (event) => {
    const first = document.querySelector("[data-find-results] a");
    if (!input.value || !first) return;
    event.preventDefault();
    clearTimeout(timer);
    show().then(() => document.querySelector("[data-find-results] a")?.click());
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (document.activeElement !== input && !document.activeElement.closest("[data-find-results]")) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    clearTimeout(timer);
    if (stale) show().then(() => move(step));
    else move(step);
  });
}
