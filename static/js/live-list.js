// In form[data-live-list], a choice, a word or a [data-live-link] brings the new list into the page: the same address is
// fetched and the parts marked [data-live] are exchanged. Whatever goes wrong, the browser just goes there.
const TYPING_MS = 250;
// A day is put together from parts; each makes another one.
const DAY_MS = 900;

const form = document.querySelector("form[data-live-list]");

function addressOf(form) {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(fields).toString();
  return query ? `${form.getAttribute("action")}?${query}` : form.getAttribute("action");
}

// The values of a facet are asked for by what is typed into its box, together with all that is chosen.
async function find(input, status) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  query.set("facet", input.dataset.facetSearch);
  const asked = input.value;
  try {
    const response = await fetch(`${form.getAttribute("action")}.values?${query}`, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".facet-values");
    // Another letter was typed meanwhile, or the list was exchanged.
    if (!fresh || input.value !== asked || !input.isConnected) return;
    input.closest(".facet-more").querySelector(".facet-values").replaceWith(fresh);
    status.textContent = `${fresh.querySelectorAll("input").length} values`;
  } catch {
    form.requestSubmit();
  }
}

function enhance(scope, status) {
  for (const button of scope.querySelectorAll(".filters-apply, [data-facet-search] + button")) button.hidden = true;
  for (const input of scope.querySelectorAll("[data-facet-search]")) {
    let timer;
    input.addEventListener("input", (event) => {
      event.stopPropagation();
      clearTimeout(timer);
      timer = setTimeout(() => find(input, status), TYPING_MS);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }
}

// What the reader had opened, and where they were, stays; and what they type, unless they go to another step of the history.
function exchange(fresh, status, keepsTyped) {
  const open = new Map([...form.querySelectorAll("details[id]")].map((details) => [details.id, details.open]));
  const active = document.activeElement;
  const box = active?.matches("input[type=checkbox]");
  const place = box ? `input[name="${active.name}"][value="${CSS.escape(active.value)}"]` : active?.id && `#${active.id}`;
  const typed = keepsTyped && active?.matches("input[type=search]") ? [active.value, active.selectionStart] : null;
  for (const part of form.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other) part.replaceChildren(...other.childNodes);
  }
  for (const details of form.querySelectorAll("details[id]")) if (open.has(details.id)) details.open = open.get(details.id);
  const summary = fresh.querySelector(".filters-toggle > summary");
  if (summary) form.querySelector(".filters-toggle > summary").replaceChildren(...summary.childNodes);
  document.title = fresh.title;
  enhance(form, status);
  const focused = place ? form.querySelector(place) : null;
  focused?.focus({ preventScroll: true });
  if (focused && typed) {
    focused.value = typed[0];
    focused.setSelectionRange(typed[1], typed[1]);
  }
}

if (form) {
  const status = document.createElement("div");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  document.body.append(status);
  let running = null;
  let timer;

  const show = async (address, remember) => {
    clearTimeout(timer);
    running?.abort();
    const abort = new AbortController();
    running = abort;
    form.dataset.loading = "";
    try {
      const response = await fetch(address, { signal: abort.signal, headers: { accept: "text/html" } });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      exchange(fresh, status, remember !== "nothing");
      // Words typed one after another are one step back.
      const typing = remember === "typing";
      if (typing && history.state?.typing) history.replaceState({ typing }, "", address);
      else if (remember !== "nothing") history.pushState({ typing }, "", address);
      const total = form.querySelector(".list-total");
      status.textContent = total ? `${total.firstElementChild.nextSibling.textContent} found` : "";
    } catch (error) {
      if (error.name !== "AbortError") location.assign(address);
    } finally {
      if (running === abort) delete form.dataset.loading;
    }
  };

  enhance(form, status);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(addressOf(form), "push");
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox]")) show(addressOf(form), "push");
    if (event.target.matches("input[type=date]") && event.target.checkValidity()) {
      clearTimeout(timer);
      timer = setTimeout(() => show(addressOf(form), "push"), DAY_MS);
    }
  });
  form.addEventListener("input", (event) => {
    if (event.target.name !== "search") return;
    clearTimeout(timer);
    timer = setTimeout(() => show(addressOf(form), "typing"), TYPING_MS);
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-live-link], .pager a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    show(link.href, "push");
    if (link.closest(".pager")) form.scrollIntoView();
  });
  addEventListener("popstate", () => {
    if (location.pathname === form.getAttribute("action")) show(location.href, "nothing");
  });
}
