// The settings: one row each, with the value in force and the landmarks on its track.

import { number, rounded } from "./numbers.js";

const STOPS = 1000;

function made(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// A slider over one number of the head.
export class Slider {
  constructor(parent, key, setting, onMove) {
    this.setting = setting;
    this.row = made("div", "lab-setting");
    const head = made("div", "lab-setting-head");
    this.name = made("label", "", setting.unit ? `${setting.title} (${setting.unit})` : setting.title);
    this.name.title = setting.text;
    this.name.htmlFor = `lab-${key}`;
    this.value = made("output", "");
    head.append(this.name, this.value);
    this.above = made("div", "lab-marks above");
    this.input = document.createElement("input");
    Object.assign(this.input, { type: "range", min: 0, max: STOPS, step: 1, id: `lab-${key}` });
    this.below = made("div", "lab-marks below");
    this.row.append(head, this.above, this.input, this.below);
    parent.append(this.row);
    this.onMove = onMove;
    this.input.addEventListener("input", () => onMove(this.valueAt(Number(this.input.value))));
    this.input.addEventListener("keydown", (event) => {
      const step = { PageUp: 50, PageDown: -50 }[event.key];
      if (!step) return;
      event.preventDefault();
      const place = Math.min(STOPS, Math.max(0, Number(this.input.value) + step));
      onMove(this.valueAt(place));
    });
  }

  valueAt(place) {
    const { minimum, maximum, log } = this.setting;
    if (place <= 0) return minimum;
    if (place >= STOPS) return maximum;
    const share = place / STOPS;
    return log ? rounded(minimum * (maximum / minimum) ** share) : Math.round(100 * (minimum + (maximum - minimum) * share)) / 100;
  }

  shareOf(value) {
    const { minimum, maximum, log } = this.setting;
    return log ? Math.log(value / minimum) / Math.log(maximum / minimum) : (value - minimum) / (maximum - minimum);
  }

  // landmarks: [{ value, text, above, side }]; side says on which side of its tick a label ends ("" = by the place).
  show(value, inForce, landmarks) {
    this.input.value = Math.round(STOPS * this.shareOf(value));
    this.input.style.setProperty("--at", `${100 * this.shareOf(value)}%`);
    this.input.setAttribute("aria-valuetext", number(value));
    this.value.textContent = value === inForce ? number(value) : `${number(inForce)} \u2192 ${number(value)}`;
    this.value.classList.toggle("changed", value !== inForce);
    const marks = [{ value: inForce, text: "in force", inForce: true }, ...landmarks];
    const inside = marks.filter((one) => one.value >= this.setting.minimum && one.value <= this.setting.maximum);
    const drawn = JSON.stringify(inside);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.above.replaceChildren(...inside.filter((one) => one.above).map((one) => this.mark(one)));
    this.below.replaceChildren(...inside.filter((one) => !one.above).map((one) => this.mark(one)));
  }

  mark({ value, text, inForce, side }) {
    const share = this.shareOf(value);
    const mark = made("button", inForce ? "lab-mark in-force" : "lab-mark", inForce ? "" : text);
    mark.type = "button";
    mark.title = `${text}: ${number(value)}. Click to go there.`;
    mark.setAttribute("aria-label", mark.title);
    mark.style.left = `${100 * share}%`;
    mark.dataset.side = side || (share > 0.75 ? "right" : share < 0.25 ? "left" : "middle");
    mark.addEventListener("click", () => this.onMove(inForce ? value : rounded(value)));
    return mark;
  }
}

export class Choice {
  constructor(parent, setting, words, onMove) {
    this.row = made("div", "lab-setting");
    const head = made("div", "lab-setting-head");
    head.append(made("span", "", setting.title));
    this.value = made("output", "");
    head.append(this.value);
    this.group = made("div", "lab-choice");
    this.group.setAttribute("role", "radiogroup");
    this.group.setAttribute("aria-label", setting.title);
    this.words = words;
    this.buttons = setting.choices.map((choice) => {
      const button = made("button", "", words[choice] ?? choice);
      button.type = "button";
      button.setAttribute("role", "radio");
      button.addEventListener("click", () => onMove(choice));
      return [choice, button];
    });
    this.group.append(...this.buttons.map(([, button]) => button));
    this.row.append(head, this.group);
    parent.append(this.row);
  }

  show(value, inForce) {
    for (const [choice, button] of this.buttons) button.setAttribute("aria-checked", String(choice === value));
    this.value.textContent = value === inForce ? "" : `in force: ${this.words[inForce] ?? inForce}`;
    this.value.classList.toggle("changed", value !== inForce);
  }
}

export class Toggle {
  constructor(parent, setting, remark, onMove) {
    this.row = made("label", "lab-setting lab-toggle");
    this.row.title = setting.text;
    this.input = document.createElement("input");
    this.input.type = "checkbox";
    this.input.addEventListener("change", () => onMove(this.input.checked));
    this.row.append(this.input, made("span", "", setting.title), made("span", "lab-remark", remark));
    parent.append(this.row);
  }

  show(value) {
    this.input.checked = value;
  }
}
