// a[data-diff-link] opens the changes of the file it leads to.
function open() {
  const file = location.hash.startsWith("#file-") && document.getElementById(location.hash.slice(1));
  if (file instanceof HTMLDetailsElement) file.open = true;
}

if (document.querySelector("[data-diff-link]")) {
  addEventListener("hashchange", open);
  open();
}
