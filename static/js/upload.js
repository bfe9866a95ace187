// form[data-upload]: files can be dropped, are listed before they go, and show how far they are.
const UNITS = ["B", "kB", "MB", "GB", "TB"];

function sizeText(bytes) {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}

function list(files, into) {
  into.replaceChildren(...[...files].map((file) => {
    const item = document.createElement("li");
    const [name, size] = [document.createElement("span"), document.createElement("span")];
    name.textContent = file.name;
    size.textContent = sizeText(file.size);
    size.className = "cell-muted";
    item.append(name, size);
    return item;
  }));
  into.hidden = files.length === 0;
}

function send(form, progress, status) {
  const request = new XMLHttpRequest();
  const started = performance.now();
  request.open("POST", form.action);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = loaded / total;
    const speed = loaded / ((performance.now() - started) / 1000);
    status.textContent = loaded < total
      ? `${sizeText(loaded)} of ${sizeText(total)}, ${sizeText(speed)}/s`
      : "Committing…";
  });
  const refuse = (reason) => {
    status.textContent = reason;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  };
  // The hub's answer is a page: the folder, or the form with what is wrong.
  request.addEventListener("load", () => {
    if (request.status < 400) return location.assign(request.responseURL);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    refuse(page.querySelector(".field-error, .error-page p")?.textContent.trim() ?? "The upload was refused.");
  });
  request.addEventListener("error", () => refuse("The connection broke off. Nothing was changed; try again."));
  request.send(new FormData(form));
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop-zone]");
  const panel = form.querySelector("[data-upload-progress]");
  form.querySelector("[data-drop-hint]").hidden = false;
  input.addEventListener("change", () => list(input.files, form.querySelector("[data-upload-list]")));
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.dataset.over = "";
    });
  }
  zone.addEventListener("dragleave", () => delete zone.dataset.over);
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    panel.hidden = false;
    send(form, panel.querySelector("progress"), panel.querySelector("[data-upload-status]"));
  });
}
