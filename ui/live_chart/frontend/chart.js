// One chart: a plotly node that lives as long as its place in the page.

import { drawNever, drawSoon } from "./drawing.js";
import { decode, materialize } from "./figure.js";
import { groupNamed } from "./group.js";
import { loadPlotly } from "./page.js";
import { isDark, learnPalette, recolouring } from "./theme.js";

const REPORT_AFTER_MS = 300;
const CLICK_AFTER_MS = 250;
const RESEND_EVERY_MS = 3000;
const KEY_STEP = 0.2;

function part(className) {
  const element = document.createElement("div");
  element.className = className;
  return element;
}

// A value that survives JSON: typed arrays become lists.
const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : (value ?? null));

// The first x axis and those tied to it by `matches` (the rows of one figure).
function shownTogether(layout) {
  const leader = layout.xaxis.matches ?? "x";
  const axes = Object.entries(layout).filter(([name]) => /^xaxis\d*$/.test(name));
  return axes
    .filter(([name, axis]) => [name.replace("axis", ""), axis.matches].includes(leader) || name === "xaxis")
    .map(([, axis]) => axis);
}

export class Chart {
  constructor(parent) {
    this.wrapper = part("edgeft-chart");
    this.node = part("edgeft-chart-plot");
    this.line = part("edgeft-chart-line");
    this.text = part("edgeft-chart-text");
    this.wrapper.append(this.node, this.line, this.text);
    this.wrapper.setAttribute("role", "img");
    this.wrapper.setAttribute("aria-keyshortcuts", "+ - ArrowLeft ArrowRight Home");
    this.wrapper.tabIndex = 0;
    this.wrapper.dataset.waiting = "";
    parent.append(this.wrapper);
    this.figure = null;
    this.resets = 0;
    this.held = false; // the pointer is down: drawing would take the zoom box away
    this.stale = false;
    this.askedAt = -Infinity;
    this.pointer = null;
    this.abort = new AbortController();
    this.listen();
  }

  listen() {
    const options = { signal: this.abort.signal };
    this.wrapper.addEventListener("pointerdown", (event) => (this.held = event.button === 0), options);
    for (const end of ["pointerup", "pointercancel", "contextmenu", "blur"]) {
      window.addEventListener(end, () => setTimeout(() => this.release(), 0), options);
    }
    this.node.addEventListener("mousemove", (event) => (this.pointer = event), options);
    this.node.addEventListener("mouseleave", () => (this.pointer = null), options);
    this.wrapper.addEventListener("keydown", (event) => this.onKey(event), options);
    this.sizes = new ResizeObserver(() => drawSoon(this));
    this.sizes.observe(this.wrapper);
  }

  release() {
    if (!this.held) return;
    this.held = false;
    if (this.stale) drawSoon(this);
  }

  async update(component) {
    const { data } = component;
    this.component = component;
    this.wrapper.style.height = `${data.height}px`;
    this.wrapper.dataset.key = data.key;
    this.say(data.waiting);
    learnPalette(data.palette);
    this.join(groupNamed(data.group, data.key));
    const figure = decode(data.figure, this.figure);
    if (figure) this.figure = figure;
    else this.askForAll(data.figure.base);
    try {
      this.Plotly = await loadPlotly(data.plotly);
      drawSoon(this);
    } catch (error) {
      this.say(error.message);
    }
  }

  // Show `text` in place of the plot; null shows the plot.
  say(text) {
    const { label } = this.component.data;
    this.wrapper.setAttribute("aria-label", text ? `${label}. ${text}` : label);
    this.text.textContent = text ?? "";
    this.wrapper.toggleAttribute("data-waiting", Boolean(text));
  }

  join(group) {
    if (this.group === group) return;
    this.group?.charts.delete(this);
    this.group = group;
    group.charts.add(this);
  }

  askForAll(base) {
    if (performance.now() - this.askedAt < RESEND_EVERY_MS) return;
    this.askedAt = performance.now();
    this.component.setTriggerValue("resend", base);
  }

  draw() {
    this.stale = true;
    const width = this.wrapper.clientWidth;
    if (!this.figure || !this.Plotly || this.held || width === 0) return;
    this.stale = false;
    const started = performance.now();
    const { data, layout } = materialize(this.figure, recolouring(isDark(this.wrapper)));
    this.keepUserState(layout);
    layout.width = width;
    layout.height = this.component.data.height;
    this.Plotly.react(this.node, data, layout, this.config());
    this.node.dataset.drawnMs = (performance.now() - started).toFixed(1);
    this.node.dataset.draws = Number(this.node.dataset.draws ?? 0) + 1;
    if (!this.listening) this.listenToPlot();
    // The hover label, too, shows the new numbers.
    const subplot = this.pointer?.target.dataset?.subplot;
    if (subplot) this.Plotly.Fx.hover(this.node, this.pointer, subplot);
  }

  // Plotly keeps what the user changed (zoom along y, hidden traces) as long as `uirevision` stays. The range
  // of x belongs to the group.
  keepUserState(layout) {
    const revision = `${this.component.data.group}|${this.resets}`;
    layout.xaxis ??= {};
    layout.yaxis ??= {};
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) layout[name].uirevision = revision;
    }
    layout.uirevision ??= "kept";
    const { range } = this.group;
    if (!range) return;
    for (const axis of shownTogether(layout)) Object.assign(axis, { range: range.slice(), autorange: false });
  }

  config() {
    const reset = {
      name: "reset",
      title: "Show everything",
      icon: this.Plotly.Icons.home,
      click: () => this.group.reset(this),
    };
    this.fixedConfig ??= {
      displaylogo: false,
      showTips: false,
      responsive: false,
      doubleClick: false, // resets the whole group instead, see listenToPlot
      // Named one by one: the default set has a button that uploads the chart.
      modeBarButtons: [["toImage", "zoom2d", "pan2d", reset]],
      plotlyServerURL: "",
    };
    return this.fixedConfig;
  }

  listenToPlot() {
    this.listening = true;
    this.node.on("plotly_relayout", (change) => this.onRelayout(change));
    this.node.on("plotly_doubleclick", () => {
      clearTimeout(this.clickTimer);
      this.held = false;
      this.group.reset(this);
    });
    this.node.on("plotly_click", (event) => this.onClick(event));
    this.node.on("plotly_hover", (event) => this.group.hover(event.points[0].x));
    this.node.on("plotly_unhover", () => this.group.hover(null));
  }

  onRelayout(change) {
    const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range[0] !== undefined && range[1] !== undefined) {
      this.held = false;
      this.group.move(range.slice(), this);
    }
  }

  forgetZoom() {
    this.resets += 1; // another uirevision: Plotly drops what the user did to the axes
  }

  // For the server: data units, low before high; milliseconds on a date axis.
  numericRange() {
    const axis = this.node._fullLayout?.xaxis;
    if (!this.group.range || !axis) return null;
    const numbers = this.group.range.map((value) => {
      if (axis.type === "date") return axis.r2l(value);
      return axis.type === "log" ? 10 ** value : Number(value);
    });
    return numbers.sort((one, other) => one - other);
  }

  reportRange() {
    clearTimeout(this.reportTimer);
    this.reportTimer = setTimeout(() => {
      this.component.setStateValue("x_range", { at: Date.now(), range: this.numericRange() });
    }, REPORT_AFTER_MS);
  }

  onClick(event) {
    clearTimeout(this.clickTimer);
    if (!this.component.data.clicks || event.event?.detail > 1) return;
    const point = event.points[0];
    const value = {
      curve: point.curveNumber,
      point_index: plain(point.pointIndex ?? point.pointNumber ?? point.i),
      x: plain(point.x),
      y: plain(point.y),
      customdata: plain(point.customdata),
    };
    this.clickTimer = setTimeout(() => this.component.setTriggerValue("clicked", value), CLICK_AFTER_MS);
  }

  onKey(event) {
    const axis = this.node._fullLayout?.xaxis;
    if (!axis || event.ctrlKey || event.altKey || event.metaKey) return;
    const [low, high] = axis.range.map((value) => axis.r2l(value));
    const step = KEY_STEP * (high - low);
    const moves = {
      ArrowLeft: [low - step, high - step],
      ArrowRight: [low + step, high + step],
      "+": [low + step, high - step],
      "-": [low - step, high + step],
    };
    const move = moves[event.key];
    if (event.key === "Home") this.group.reset(this);
    else if (move) this.group.move(move.map((value) => axis.l2r(value)), this);
    else return;
    event.preventDefault();
  }

  // The hover line of the group; null hides it.
  showLine(x) {
    const axis = this.node._fullLayout?.xaxis;
    const pixel = x === null || !axis ? NaN : axis.d2p(x);
    const visible = pixel >= 0 && pixel <= axis._length;
    this.line.style.display = visible ? "block" : "none";
    if (!visible) return;
    const size = this.node._fullLayout._size;
    this.line.style.top = `${size.t}px`;
    this.line.style.height = `${size.h}px`;
    this.line.style.transform = `translateX(${axis._offset + pixel}px)`;
  }

  dispose() {
    drawNever(this);
    clearTimeout(this.reportTimer);
    clearTimeout(this.clickTimer);
    this.abort.abort();
    this.sizes.disconnect();
    this.group?.charts.delete(this);
    this.Plotly?.purge(this.node);
    this.wrapper.remove();
  }
}
