// The lab: sliders on the right, pictures on the left, everything computed here. Streamlit calls `mount` for every
// message and theme; the lab itself stays.

import { isDark } from "../ui.live_chart.assets.frontend/theme.js";
import { compute, prepare, sEff } from "./computing.js";
import { FORMATS, count, number, percent } from "./numbers.js";
import { Plot } from "./plot.js";
import * as scenes from "./scenes.js";
import { Choice, Slider, Toggle } from "./sliders.js";
import { STYLE } from "./style.js";

const HEIGHTS = { predictions: 150, logits: 170, probability: 170, loss: 170, gradient: 180, calibration: 180, angles: 270, plane: 300 };
const KEYS = {
  predictions: [["top", "predicted"], ["reference", "true (circles)"]],
  logits: [["own", "own class"], ["other", "all others"]],
  probability: [["own", "own class"], ["top", "predicted class"]],
  loss: [],
  gradient: [["top", "images"], ["classes", "class weights"]],
  calibration: [],
  angles: [["own", "right (hollow: not by the margin)"], ["other", "wrong"]],
  plane: [["own", "own class"], ["other", "rival's class"], ["muted", "everybody else"]],
};
const WORDS = { arcface: "ArcFace", cosface: "CosFace", softmax: "softmax" };
const MAX_KEPT = 3;
const RESEND_EVERY_MS = 3000;

// Samples by token: a message that only changes a word does not carry them again.
const samples = new Map();
const labs = new WeakMap();

function floats(packed) {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return new Float32Array(bytes.buffer);
}

function keep(token, sample) {
  const labels = Int32Array.from(sample.labels);
  const shared = { labels, n: labels.length, c: sample.classes, dim: sample.dim };
  const view = (cos, between) => prepare({ ...shared, cos: floats(cos), between: floats(between) });
  samples.set(token, {
    ...shared,
    names: sample.names,
    plain: view(sample.cos, sample.rival),
    centred: view(sample.centred, sample.centred_rival),
  });
  if (samples.size > MAX_KEPT) samples.delete(samples.keys().next().value);
}

function made(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

class Lab {
  constructor(parent) {
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.root = made("div", "lab");
    this.panels = made("div", "lab-panels");
    this.side = made("div", "lab-side");
    this.root.append(this.panels, this.side);
    parent.replaceChildren(style, this.root);
    this.picked = 0;
    this.drawnFor = "";
    this.askedAt = -Infinity;
    this.timings = [];
  }

  update(component) {
    const { data } = component;
    this.component = component;
    if (data.sample) keep(data.token, data.sample);
    if (!samples.has(data.token)) {
      this.askForAll(data.token);
      return;
    }
    if (this.token !== data.token) this.takeUp(data);
    this.data = data;
    const inForce = JSON.stringify(data.head);
    if (inForce !== this.inForceText) {
      // What was tried stays tried when other values come into force; an untouched slider follows them.
      const touched = this.inForceText && JSON.stringify(this.head) !== this.inForceText;
      if (!touched) this.head = { ...data.head };
      this.inForceText = inForce;
      this.was = null;
    }
    if (!this.plots) this.build();
    this.say();
    this.redraw();
  }

  askForAll(token) {
    if (performance.now() - this.askedAt < RESEND_EVERY_MS) return;
    this.askedAt = performance.now();
    this.component.setTriggerValue("resend", token);
  }

  takeUp(data) {
    this.token = data.token;
    this.sample = samples.get(data.token);
    this.was = null;
    this.picked = this.typical();
  }

  // A picture of the plane begins with an image that is as far from its class as half of them.
  typical() {
    const { own } = this.sample.plain;
    const order = Array.from(own.keys()).sort((a, b) => own[a] - own[b]);
    return order[Math.floor(order.length / 2)] ?? 0;
  }

  build() {
    this.plots = {};
    this.readings = {};
    const band = made("div", "lab-band");
    this.panels.append(band);
    this.addPanel(band, "predictions", "");
    this.verdict = made("div", "lab-verdict");
    band.append(this.verdict);
    for (const name of ["logits", "probability", "loss"]) this.addPanel(this.panels, name, "");
    for (const name of ["gradient", "calibration", "angles", "plane"]) this.addPanel(this.panels, name, "wide");
    this.planeWords = made("p", "lab-words");
    this.plots.plane.box.parentElement.append(this.planeWords);
    this.buildSide();
  }

  addPanel(parent, name, wide) {
    const { title, text, readings } = this.data.words.panels[name];
    const panel = made("section", `lab-panel ${wide}`);
    panel.dataset.panel = name;
    const about = made("span", "about", "?");
    about.title = text;
    this.keys ??= {};
    this.keys[name] = made("span", "lab-keys");
    panel.append(made("h4", "", title), about, this.keys[name]);
    if (readings.length) {
      this.readings[name] = made("div", "lab-readings");
      panel.append(this.readings[name]);
    }
    parent.append(panel);
    this.plots[name] = new Plot(panel, { height: HEIGHTS[name], label: `${title}. ${text}` });
  }

  buildSide() {
    const { settings } = this.data;
    const to = (key) => (value) => this.move({ [key]: value });
    this.widgets = {
      kind: new Choice(this.side, settings.kind, WORDS, to("kind")),
      temperature: new Slider(this.side, "temperature", settings.temperature, to("temperature")),
      scale: new Slider(this.side, "scale", settings.scale, to("scale")),
    };
    this.reach = made("div", "lab-reach");
    this.side.append(this.reach);
    Object.assign(this.widgets, {
      margin_rad: new Slider(this.side, "margin_rad", settings.margin_rad, to("margin_rad")),
      label_smoothing: new Slider(this.side, "label_smoothing", settings.label_smoothing, to("label_smoothing")),
      centre: new Toggle(this.side, settings.centre, "changes predictions", to("centre")),
    });
    const buttons = made("div", "lab-buttons");
    const button = (className, words, press) => {
      const one = made("button", className, words);
      one.type = "button";
      one.addEventListener("click", press);
      buttons.append(one);
      return one;
    };
    this.applyButton = button("primary", "", () => this.ask("apply"));
    this.startButton = button("", "Start a run with these", () => this.ask("start"));
    this.backButton = button("", "Back to what is in force", () => this.move(this.data.head));
    this.side.append(buttons);
    this.said = made("div", "lab-said");
    this.said.setAttribute("role", "status");
    this.side.append(this.said);
  }

  ask(verb) {
    this.component.setTriggerValue("asked", { verb, head: this.head, at: Date.now() });
  }

  move(change) {
    this.head = { ...this.head, ...change };
    this.movedAt ??= performance.now();
    this.redraw();
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const started = performance.now();
    const { sample, head, data } = this;
    const same = JSON.stringify(head) === JSON.stringify(data.head);
    const viewOf = (settings) => (settings.centre ? sample.centred : sample.plain);
    this.was ??= compute(viewOf(data.head), data.head);
    const now = same ? this.was : compute(viewOf(head), head);
    const computed = performance.now();
    const shown = {
      view: viewOf(head), head, inForce: data.head, was: this.was, now, names: sample.names, labels: sample.labels,
      n: sample.n, c: sample.c, picked: this.picked,
      pick: (at) => {
        this.picked = at;
        this.redraw();
      },
    };
    const ink = this.ink();
    for (const [name, plot] of Object.entries(this.plots)) {
      const scene = scenes[name](shown, ink);
      plot.draw(scene, ink);
      if (name === "plane") this.planeWords.textContent = scene.words;
    }
    this.showReadings(now);
    this.showVerdict(now, head);
    this.showSide(now, head, same);
    this.note(started, computed);
  }

  ink() {
    const dark = isDark(this.root);
    const ink = Object.fromEntries(Object.entries(this.data.ink).map(([role, pair]) => [role, pair[dark ? 1 : 0]]));
    ink.font = getComputedStyle(this.root).fontFamily;
    if (dark !== this.dark) {
      this.dark = dark;
      this.root.style.colorScheme = dark ? "dark" : "light";
      for (const [name, keys] of Object.entries(KEYS)) {
        this.keys[name].replaceChildren(
          ...keys.map(([role, words]) => {
            const key = made("span", "");
            const patch = made("i", "");
            patch.style.background = ink[role];
            key.append(patch, words);
            return key;
          }),
        );
      }
    }
    return ink;
  }

  showReadings(now) {
    const { panels, readings } = this.data.words;
    const { n, c } = this.sample;
    for (const [name, place] of Object.entries(this.readings)) {
      place.replaceChildren(
        ...panels[name].readings.map((key) => {
          const { title, format, meaning, of } = readings[key];
          const [before, value] = [this.was, now].map((one) => FORMATS[format](one.readings[key]));
          const item = made("span", value === before ? "" : "changed");
          item.title = meaning;
          item.dataset.reading = key;
          item.dataset.value = now.readings[key];
          const total = of ? ` of ${count(of === "images" ? n : c)}` : "";
          const chance = { top1: 1 / c, top5: Math.min(1, 5 / c) }[key];
          const beside = chance ? ` (guessing ${percent(chance)})` : "";
          item.append(made("b", "", value), `${total} ${title}${beside}`, value === before ? "" : `, in force ${before}`);
          return item;
        }),
      );
    }
  }

  showVerdict(now, head) {
    const { n } = this.sample;
    let moved = 0;
    let ranked = 0;
    for (let at = 0; at < n; at += 1) {
      moved += now.predicted[at] !== this.was.predicted[at];
      ranked += now.rank[at] <= 5 !== this.was.rank[at] <= 5;
    }
    const centring = head.centre !== this.data.head.centre;
    const strong = made("strong", "", `${count(moved)} of ${count(n)}`);
    strong.dataset.moved = moved;
    strong.dataset.ranked = ranked;
    const words = centring
      ? `predictions differ from those in force, and ${count(ranked)} Top-5 hits: centring turns the embeddings, so it can change who is predicted.`
      : "predictions differ from those in force. Temperature, scale, margin, type and smoothing never change a prediction, a Top-k or this picture: they only change what training will do. Centring changes them.";
    this.verdict.replaceChildren(strong, made("p", "", words));
  }

  showSide(now, head, same) {
    const { head: inForce, landmarks } = this.data;
    const { adacos, cosface, even } = landmarks;
    const at = (value, text, above = false, side = "") => ({ value, text, above, side });
    this.widgets.kind.show(head.kind, inForce.kind);
    this.widgets.temperature.show(head.temperature, inForce.temperature, [
      at(head.scale / adacos, "AdaCos", false, "right"), at(head.scale / even, "reach 50 %", false, "left"),
      at(head.scale / cosface, "CosFace 95 %", true),
    ]);
    this.widgets.scale.show(head.scale, inForce.scale, [
      at(even * head.temperature, "reach 50 %", false, "right"), at(adacos * head.temperature, "AdaCos", false, "left"),
      at(cosface * head.temperature, "CosFace 95 %", true),
    ]);
    const gap = this.medianGap(head);
    this.widgets.margin_rad.show(head.margin_rad, inForce.margin_rad, gap > 0 ? [at(gap, "half keep it", true)] : []);
    this.widgets.label_smoothing.show(head.label_smoothing, inForce.label_smoothing, []);
    this.widgets.centre.show(head.centre);
    const low = now.readings.reach < 0.5;
    this.reach.replaceChildren(
      "s / T = ", made("b", "", number(sEff(head))), ": a probability of up to ", made("b", "", percent(now.readings.reach)),
      made("div", "lab-remark", `${low ? "\u25b2 low. " : ""}AdaCos would take ${number(adacos)}, CosFace at least ${number(cosface)} for 95\u00a0%.`),
    );
    this.showButtons(same);
  }

  // The margin that half of the images would keep: the median of how much nearer they are to their own class.
  medianGap(head) {
    const view = head.centre ? this.sample.centred : this.sample.plain;
    const angles = (cos) => Math.acos(Math.min(1, Math.max(-1, cos)));
    view.gaps ??= Float64Array.from(view.own, (own, at) => angles(view.rival[at]) - angles(own)).sort();
    view.cosineGaps ??= Float64Array.from(view.own, (own, at) => own - view.rival[at]).sort();
    const gaps = head.kind === "cosface" ? view.cosineGaps : view.gaps;
    return gaps[Math.floor(gaps.length / 2)];
  }

  showButtons(same) {
    const changed = Object.keys(this.head).filter((key) => this.head[key] !== this.data.head[key]);
    const live = changed.filter((key) => key !== "kind");
    const { apply } = this.data;
    this.applyButton.textContent = live.length > 1 ? `Apply ${live.length} changes to the running job` : "Apply to the running job";
    this.applyButton.disabled = !apply.can || !live.length;
    this.applyButton.style.display = apply.shown ? "" : "none";
    const kind = changed.includes("kind") && apply.can ? "The type of head cannot change while a run goes; start one with it. " : "";
    this.applyButton.title = apply.why || kind || (live.length ? "One command: all take effect in the same step." : "Move a slider first.");
    this.backButton.disabled = same;
    if (!this.data.said.text) this.said.textContent = kind || apply.why;
  }

  say() {
    const { said, apply } = this.data;
    this.said.textContent = said.text || apply.why;
    this.said.toggleAttribute("data-wrong", said.wrong);
  }

  // For measurements: how long computing and drawing took, and how long ago the hand moved.
  note(started, computed) {
    const ended = performance.now();
    const since = this.movedAt ?? started;
    this.movedAt = undefined;
    this.timings.push({ compute: computed - started, draw: ended - computed, total: ended - since });
    if (this.timings.length > 500) this.timings.shift();
    this.root.dataset.draws = Number(this.root.dataset.draws ?? 0) + 1;
    this.root.dataset.timings = JSON.stringify(this.timings.slice(-60));
  }

  dispose() {
    if (this.frame) cancelAnimationFrame(this.frame);
    for (const plot of Object.values(this.plots ?? {})) plot.dispose();
  }
}

export function mount(component) {
  const parent = component.parentElement;
  let lab = labs.get(parent);
  if (!lab) {
    lab = new Lab(parent);
    labs.set(parent, lab);
  }
  lab.update(component);
  // Streamlit also calls this for an update that a newer one overtook: the lab goes only with its element.
  return () =>
    setTimeout(() => {
      if (parent.isConnected) return;
      labs.delete(parent);
      lab.dispose();
    }, 0);
}
