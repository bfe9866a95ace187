// a[data-remark] opens the form of a comment below its line instead of loading the page anew with the form there.
import { enhance } from "./attach.js";

const LINES = ".remark-row";
let row = document.querySelector("tr[data-remark-form]");
let opened = null;

function newRow() {
  const made = document.querySelector("template[data-remark-template]").content.querySelector("tr").cloneNode(true);
  enhance(made.querySelector("form"));
  return made;
}

function open(link) {
  const asked = new URL(link.href).searchParams.get("comment");
  const [, path, side, line] = /^(.*):(old|new):(\d+)$/s.exec(asked);
  row ??= newRow();
  const form = row.querySelector("form");
  for (const [name, value] of Object.entries({ path, side, line })) form.elements[name].value = value;
  form.querySelector("[data-remark-place]").textContent = side === "old" ? `Line ${line} of the old version` : `Line ${line}`;
  let last = link.closest("tr");
  while (last.nextElementSibling?.matches(LINES) && last.nextElementSibling !== row) last = last.nextElementSibling;
  last.after(row);
  opened = link;
  form.querySelector("textarea").focus();
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[data-remark]");
  if (link) {
    event.preventDefault();
    open(link);
    return;
  }
  // What was typed stays in the form, for the next line.
  if (row && event.target.closest?.("[data-remark-cancel]") && row.contains(event.target)) {
    event.preventDefault();
    row.remove();
    opened?.focus();
  }
});
