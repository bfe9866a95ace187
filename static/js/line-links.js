// In [data-line-links], #L3-L9 marks a range of lines; shift-click on a line number makes one.
const RANGE = /^#L(\d+)(?:-L(\d+))?$/;

function mark() {
  for (const line of document.querySelectorAll(".code-line[data-selected]")) delete line.dataset.selected;
  const match = RANGE.exec(location.hash);
  if (!match) return;
  const ends = [Number(match[1]), Number(match[2] ?? match[1])];
  for (let number = Math.min(...ends); number <= Math.max(...ends); number += 1) {
    const line = document.getElementById(`L${number}`);
    if (!line) break;
    line.dataset.selected = "";
  }
  if (match[2]) document.getElementById(`L${Math.min(...ends)}`)?.scrollIntoView({ block: "center" });
}

const view = document.querySelector("[data-line-links]");
if (view) {
  view.addEventListener("click", (event) => {
    const number = event.target.closest(".code-line-number");
    const match = RANGE.exec(location.hash);
    if (!number || !event.shiftKey || !match) return;
    event.preventDefault();
    location.hash = `L${match[1]}-L${number.dataset.line}`;
  });
  addEventListener("hashchange", mark);
  mark();
}
