// <range-slider>: two choices, the least and the most, become a slider with two thumbs. The choices stay in the form and are
// what it sends; each mark of theirs is a step, so that the scale is as theirs (each about three times the one before).
const WAIT_MS = 200;

class RangeSlider extends HTMLElement {
  connectedCallback() {
    if (this.querySelector(".range-track")) return;
    this.choices = [...this.querySelectorAll("select")];
    if (this.choices.length !== 2) return;
    const marks = new Map();
    for (const option of this.choices.flatMap((choice) => [...choice.options])) {
      if (option.value) marks.set(Number(option.value), option);
    }
    this.marks = [...marks.keys()].sort((a, b) => a - b);
    this.labels = this.marks.map((mark) => marks.get(mark).label);
    for (const choice of this.choices) choice.closest(".field").hidden = true;
    this.thumbs = this.choices.map((choice, end) => this.thumb(choice, end));
    const track = document.createElement("div");
    track.className = "range-track";
    track.append(...this.thumbs);
    this.said = document.createElement("output");
    this.said.className = "range-said";
    this.said.setAttribute("aria-live", "off");
    this.append(this.said, track);
    this.show();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  // Step 0 of the lower thumb and the last step of the upper one stand for "Any".
  thumb(choice, end) {
    const thumb = document.createElement("input");
    const any = end ? this.marks.length + 1 : 0;
    const at = choice.value ? this.marks.indexOf(Number(choice.value)) + 1 : any;
    Object.assign(thumb, { type: "range", id: `slider-${choice.name}`, className: "range-thumb", min: 0, max: this.marks.length + 1 });
    thumb.value = at;
    thumb.setAttribute("aria-label", `${this.dataset.label}, ${choice.labels[0].textContent.toLowerCase()}`);
    thumb.addEventListener("input", (event) => {
      event.stopPropagation();
      this.show(end);
    });
    thumb.addEventListener("change", (event) => {
      event.stopPropagation();
      this.choose(end);
    });
    return thumb;
  }

  // Thumbs stop at one another, and so that either end has a mark.
  show(moved) {
    const last = this.marks.length + 1;
    const [low, high] = this.thumbs;
    if (moved === 0) low.value = Math.min(low.value, high.value, last - 1);
    if (moved === 1) high.value = Math.max(low.value, high.value, 1);
    const [from, to] = this.thumbs.map((thumb) => Number(thumb.value));
    this.style.setProperty("--from", from / last);
    this.style.setProperty("--to", to / last);
    // Where both are, the one that has somewhere to go is on top.
    low.classList.toggle("range-thumb-top", from > last / 2);
    const [least, most] = [this.labels[from - 1], this.labels[to - 1]];
    low.setAttribute("aria-valuetext", least ?? "Any");
    high.setAttribute("aria-valuetext", most ?? "Any");
    if (least && most) this.said.textContent = `${least} to ${most}`;
    else if (least) this.said.textContent = `At least ${least}`;
    else this.said.textContent = most ? `At most ${most}` : "Any";
  }

  choose(end) {
    const [choice, at] = [this.choices[end], Number(this.thumbs[end].value) - 1];
    const value = at in this.marks ? String(this.marks[at]) : "";
    if (![...choice.options].some((option) => option.value === value)) choice.add(new Option(this.labels[at], value));
    if (choice.value === value) return;
    choice.value = value;
    // A key that is held down asks once.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => choice.dispatchEvent(new Event("change", { bubbles: true })), WAIT_MS);
  }
}

customElements.define("range-slider", RangeSlider);
