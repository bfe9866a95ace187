// Closes an open details[data-menu] on Escape, on a click elsewhere and when another one opens.
const menus = [...document.querySelectorAll("details[data-menu]")];

function closeAllBut(kept) {
  for (const menu of menus) if (menu !== kept) menu.open = false;
}

for (const menu of menus) {
  menu.addEventListener("toggle", () => { if (menu.open) closeAllBut(menu); });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.addEventListener("click", (event) => closeAllBut(event.target.closest("details[data-menu]")));
