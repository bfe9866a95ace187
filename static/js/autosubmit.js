// Sends a form[data-autosubmit] when one of its choices changes, leaving empty fields out of the address.
for (const form of document.querySelectorAll("form[data-autosubmit]")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
  // Coming back by the browser's history must not find the fields disabled.
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}
