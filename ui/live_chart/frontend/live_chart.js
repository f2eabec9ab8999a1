// A plotly figure that is updated in place. Streamlit calls `mount` for every new message and theme.

import { decode, materialize } from "./figure.js";
import { groupNamed } from "./group.js";
import { isDark, learnPalette, recolouring } from "./theme.js";

const REPORT_AFTER_MS = 300;
const CLICK_AFTER_MS = 250;
const RESEND_EVERY_MS = 3000;
const KEY_STEP = 0.2;

const STYLE = `
.edgeft-chart { position: relative; width: 100%; overflow: hidden; border-radius: 4px; outline: none; }
.edgeft-chart:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
.edgeft-chart-plot { position: absolute; inset: 0; }
.edgeft-chart-line { position: absolute; left: 0; width: 0; pointer-events: none; display: none;
  border-left: 1px solid var(--st-text-color); opacity: 0.35; }
.edgeft-chart-text { position: absolute; inset: 0; display: none; align-items: center; justify-content: center;
  padding: 8px 16px; text-align: center; font: 14px var(--st-font); color: var(--st-text-color); opacity: 0.75; }
.edgeft-chart[data-waiting] .edgeft-chart-plot { visibility: hidden; }
.edgeft-chart[data-waiting] .edgeft-chart-text { display: flex; }
`;

let plotlyScript;

function loadPlotly(url) {
  plotlyScript ??= new Promise((resolve, reject) => {
    if (!document.getElementById("edgeft-chart-style")) {
      const style = document.createElement("style");
      style.id = "edgeft-chart-style";
      style.textContent = STYLE;
      document.head.append(style);
    }
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      plotlyScript = undefined;
      script.remove();
      reject(new Error(`The chart library could not be loaded from ${url}. Is the server still running?`));
    };
    document.head.append(script);
  });
  return plotlyScript;
}

function part(className) {
  const element = document.createElement("div");
  element.className = className;
  return element;
}

class Chart {
  constructor(parent) {
    this.wrapper = part("edgeft-chart");
    this.node = part("edgeft-chart-plot");
    this.line = part("edgeft-chart-line");
    this.text = part("edgeft-chart-text");
    this.wrapper.append(this.node, this.line, this.text);
    this.wrapper.setAttribute("role", "img");
    this.wrapper.tabIndex = 0;
    this.wrapper.dataset.waiting = "";
    parent.append(this.wrapper);
    this.figure = null;
    this.resets = 0;
    this.held = false; // the pointer is down: redrawing would take the zoom box away
    this.stale = false;
    this.askedAt = 0;
    this.abort = new AbortController();
    this.listen();
  }

  listen() {
    const options = { signal: this.abort.signal };
    this.wrapper.addEventListener("pointerdown", () => { this.held = true; }, options);
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      window.addEventListener(end, () => setTimeout(() => this.release(), 0), options);
    }
    document.addEventListener("visibilitychange", () => this.stale && this.redraw(), options);
    this.wrapper.addEventListener("keydown", (event) => this.onKey(event), options);
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.wrapper);
  }

  release() {
    if (!this.held) return;
    this.held = false;
    if (this.stale) this.redraw();
  }

  async update(component) {
    const { data } = component;
    this.component = component;
    this.wrapper.style.height = `${data.height}px`;
    this.wrapper.setAttribute("aria-label", data.waiting ? `${data.label}. ${data.waiting}` : data.label);
    this.text.textContent = data.waiting ?? "";
    this.wrapper.toggleAttribute("data-waiting", Boolean(data.waiting));
    learnPalette(data.palette);
    this.join(groupNamed(data.group, data.key));
    const figure = decode(data.figure);
    if (figure) this.figure = figure;
    else this.askForAll(data.figure.base);
    this.Plotly = await loadPlotly(data.plotly);
    this.redraw();
  }

  join(group) {
    if (this.group === group) return;
    this.group?.charts.delete(this);
    this.group = group;
    group.charts.add(this);
  }

  askForAll(base) {
    if (performance.now() - this.askedAt < RESEND_EVERY_MS) return;
    this.askedAt = performance.now() || 1;
    this.component.setTriggerValue("resend", base);
  }

  redraw() {
    this.stale = true;
    const width = this.wrapper.clientWidth;
    if (!this.figure || !this.Plotly || this.held || document.hidden || width === 0) return;
    this.stale = false;
    const { data, layout } = materialize(this.figure, recolouring(isDark(this.wrapper)));
    const x = (layout.xaxis ??= {});
    this.spec = { ...x };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) layout[name].uirevision = `${this.component.data.group}|${this.resets}`;
    }
    (layout.yaxis ??= {}).uirevision ??= `${this.component.data.group}|${this.resets}`;
    layout.uirevision ??= "kept";
    layout.width = width;
    layout.height = this.component.data.height;
    if (this.group.range) Object.assign(x, { range: this.group.range.slice(), autorange: false });
    const started = performance.now();
    this.Plotly.react(this.node, data, layout, this.config());
    this.node.dataset.drawnMs = (performance.now() - started).toFixed(1);
    this.node.dataset.draws = Number(this.node.dataset.draws ?? 0) + 1;
    if (!this.listening) this.listenToPlot();
  }

  config() {
    this.fixedConfig ??= {
      displaylogo: false,
      responsive: false,
      doubleClick: false, // listenToPlot resets the whole group
      modeBarButtonsToRemove: ["autoScale2d", "resetScale2d", "select2d", "lasso2d"],
      modeBarButtonsToAdd: [
        { name: "reset", title: "Reset axes", icon: this.Plotly.Icons.home, click: () => this.group.move(null, this) },
      ],
    };
    return this.fixedConfig;
  }

  listenToPlot() {
    this.listening = true;
    this.node.on("plotly_relayout", (change) => this.onRelayout(change));
    this.node.on("plotly_doubleclick", () => {
      clearTimeout(this.clickTimer);
      this.group.move(null, this);
    });
    this.node.on("plotly_click", (event) => this.onClick(event));
    this.node.on("plotly_hover", (event) => this.group.hover(event.points[0].x));
    this.node.on("plotly_unhover", () => this.group.hover(null));
  }

  onRelayout(change) {
    const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range[0] !== undefined && range[1] !== undefined) this.group.move(range.slice(), this);
    else if (change["xaxis.autorange"]) this.group.move(null, this);
  }

  forgetZoom() {
    this.resets += 1; // another uirevision: Plotly drops what the user did to the axes
  }

  // Numbers for the server: data units; milliseconds on a date axis.
  numericRange() {
    const range = this.group.range;
    if (!range) return null;
    const axis = this.node._fullLayout.xaxis;
    return range.map((value) => {
      if (axis.type === "date") {
        return typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`);
      }
      return axis.type === "log" ? 10 ** value : Number(value);
    });
  }

  reportRange() {
    clearTimeout(this.reportTimer);
    this.reportTimer = setTimeout(() => {
      this.component.setStateValue("x_range", { at: Date.now(), range: this.numericRange() });
    }, REPORT_AFTER_MS);
  }

  onClick(event) {
    clearTimeout(this.clickTimer);
    if (event.event?.detail > 1) return;
    const point = event.points[0];
    const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value ?? null);
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
    if (event.key === "Home") this.group.move(null, this);
    else if (moves[event.key]) {
      this.group.move(moves[event.key].map((value) => axis.l2r(value)), this);
      this.redraw();
    } else return;
    event.preventDefault();
  }

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
    clearTimeout(this.reportTimer);
    clearTimeout(this.clickTimer);
    this.abort.abort();
    this.sizes.disconnect();
    this.group?.charts.delete(this);
    this.Plotly?.purge(this.node);
    this.wrapper.remove();
  }
}

const charts = new WeakMap();

export async function mount(component) {
  const parent = component.parentElement;
  let chart = charts.get(parent);
  if (!chart) {
    chart = new Chart(parent);
    charts.set(parent, chart);
  }
  await chart.update(component);
  // Streamlit also calls this for an update that a newer one overtook: the chart goes only with its element.
  return () => setTimeout(() => {
    if (parent.isConnected) return;
    charts.delete(parent);
    chart.dispose();
  }, 0);
}
