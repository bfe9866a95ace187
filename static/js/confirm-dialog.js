// Asks before a form[data-confirm="question"] is sent; data-confirm-label names the button that agrees.
function ask(question, label) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const text = document.createElement("p");
  text.id = "confirm-question";
  text.textContent = question;
  dialog.setAttribute("aria-labelledby", text.id);

  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "form-actions";
  for (const [value, caption, style] of [["", "Cancel", "button"], ["yes", label, "button button-danger"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.className = style;
    button.textContent = caption;
    form.append(button);
  }
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await ask(form.dataset.confirm, form.dataset.confirmLabel ?? "Yes")) form.submit();
  });
}
