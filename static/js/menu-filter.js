// [data-menu-filter] in a menu leaves those of its entries whose text contains what was typed.
for (const input of document.querySelectorAll("input[data-menu-filter]")) {
  input.hidden = false;
  const menu = input.closest("details");
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const item of menu.querySelectorAll("[data-menu-entry]")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    menu.querySelector("[data-menu-entry]:not([hidden])")?.click();
  });
  menu.addEventListener("toggle", () => { if (menu.open) input.focus(); });
}
