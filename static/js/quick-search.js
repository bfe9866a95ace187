// form[data-quick-search]: a combobox (WAI-ARIA, list autocomplete with manual selection). Arrows walk through the suggestions,
// Enter goes there or searches, Escape closes. "/" brings the focus here from anywhere on a page.
const TYPING_MS = 120;
const GROUPS = [
  ["models", "Models", "box", "kind-model", (item) => [item.id, `/${item.id}`]],
  ["datasets", "Datasets", "database", "kind-dataset", (item) => [item.id, `/datasets/${item.id}`]],
  ["spaces", "Spaces", "app-window", "kind-space", (item) => [item.id, `/spaces/${item.id}`]],
  ["orgs", "Organizations", "building-2", "", (item) => [item.name, `/${item.name}`, item.fullname]],
  ["users", "Users", "user", "", (item) => [item.user, `/${item.user}`, item.fullname]],
  ["tasks", "Tasks", "layout-grid", "", (item) => [item.label, `/tasks/${item.id}`]],
];

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function option(number, icons, icon, kind, [label, href, note]) {
  const link = element("a", `suggestion ${kind}`);
  link.id = `site-suggestion-${number}`;
  link.href = href;
  link.tabIndex = -1;
  link.setAttribute("role", "option");
  link.setAttribute("aria-selected", "false");
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#${icon}`);
  picture.append(use);
  link.append(picture, element("span", "", label));
  if (note && note !== label) link.append(element("span", "suggestion-note", note));
  return link;
}

// The groups with something in them, and last the search over everything.
function fill(list, found, typed, icons) {
  list.replaceChildren();
  let number = 0;
  for (const [key, title, icon, kind, read] of GROUPS) {
    if (!found[key]?.length) continue;
    const group = element("div", "");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", title);
    const heading = element("span", "suggestion-heading", title);
    heading.setAttribute("aria-hidden", "true");
    group.append(heading, ...found[key].map((item) => option(number++, icons, icon, kind, read(item))));
    list.append(group);
  }
  const total = GROUPS.reduce((sum, [key]) => sum + (found[`${key}Count`] ?? 0), 0);
  const all = option(number, icons, "search", "suggestion-all", [`Search all for “${typed}”`, `/search?q=${encodeURIComponent(typed)}`, `${total.toLocaleString("en")} found`]);
  list.append(all);
}

for (const form of document.querySelectorAll("form[data-quick-search]")) {
  const input = form.querySelector("input");
  const list = form.querySelector("[role=listbox]");
  const icons = form.querySelector("use").getAttribute("href").replace(/#.*/, "");
  let timer;
  let asking = null;
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
    input.setAttribute(name, value);
  }

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");
  const show = (open) => {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) select(null);
  };
  const select = (target) => {
    chosen()?.setAttribute("aria-selected", "false");
    target?.setAttribute("aria-selected", "true");
    target?.scrollIntoView({ block: "nearest" });
    if (target) input.setAttribute("aria-activedescendant", target.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const step = (by) => {
    // One place more than there are options: the box itself.
    const all = options();
    const at = (all.indexOf(chosen()) + 1 + by + all.length + 1) % (all.length + 1);
    select(all[at - 1] ?? null);
  };
  const ask = async () => {
    asking?.abort();
    const typed = input.value.trim();
    if (!typed) return show(false);
    asking = new AbortController();
    try {
      const response = await fetch(`/api/quicksearch?limit=4&q=${encodeURIComponent(typed)}`, { signal: asking.signal });
      if (!response.ok || input.value.trim() !== typed) return undefined;
      fill(list, await response.json(), typed, icons);
      select(null);
      show(document.activeElement === input);
    } catch (error) {
      // Without suggestions the box still searches.
      if (error.name !== "AbortError") show(false);
    }
    return undefined;
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });
  input.addEventListener("focus", () => { if (list.childElementCount && input.value.trim()) show(true); });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) show(false); });
  // A press would take the focus from the box and close the list before the click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.childElementCount) {
      event.preventDefault();
      if (list.hidden) show(true);
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      location.assign(chosen().href);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.isContentEditable) return;
    if (event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });
}
