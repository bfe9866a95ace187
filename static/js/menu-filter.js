// [data-menu-filter] in a menu leaves those of its entries whose text contains what was typed. A name that no entry has can be
// made by the form [data-menu-create], where there is one.
for (const input of document.querySelectorAll("input[data-menu-filter]")) {
  input.hidden = false;
  const menu = input.closest("details");
  const create = menu.querySelector("[data-menu-create]");
  const entries = [...menu.querySelectorAll("[data-menu-entry]")];

  const offer = (typed) => {
    create.hidden = !typed || entries.some((item) => item.textContent.trim() === typed);
    create.elements.name.value = typed;
    for (const part of create.querySelectorAll("[data-menu-typed]")) part.textContent = typed;
  };
  input.addEventListener("input", () => {
    const typed = input.value.trim();
    for (const item of entries) item.hidden = !item.textContent.toLowerCase().includes(typed.toLowerCase());
    if (create) offer(typed);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    menu.querySelector("[data-menu-entry]:not([hidden])")?.click();
  });
  menu.addEventListener("toggle", () => { if (menu.open) input.focus(); });
}
