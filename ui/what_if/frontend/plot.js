// A small chart on a canvas, drawn anew within a millisecond. It knows nothing of what it shows.
//
// A scene is { x: [low, high], y: [low, high], xTicks, yTicks, xText, yText, xTitle, yTitle, layers, marks, probe }.
// Layers are drawn in order: { kind: "area" | "line" | "bars" | "dots" | "shape", x, y, colour, ... } in data units.
// Marks are labelled vertical lines. `probe(x, y)` answers what to say where the pointer rests.

const FONT = "11px";
const ROOM = { left: 40, right: 10, top: 8, bottom: 30 };
const MARK_GAP = 12;

export class Plot {
  constructor(parent, { height, label }) {
    this.box = document.createElement("div");
    this.box.className = "lab-plot";
    this.box.style.height = `${height}px`;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.tip = document.createElement("div");
    this.tip.className = "lab-tip";
    this.box.append(this.canvas, this.tip);
    parent.append(this.box);
    this.scene = null;
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", (event) => this.scene?.click?.(...this.dataAt(event)));
    this.sizes = new ResizeObserver(() => this.scene && this.draw(this.scene, this.ink));
    this.sizes.observe(this.box);
  }

  draw(scene, ink) {
    this.scene = scene;
    this.ink = ink;
    const [width, height] = [this.box.clientWidth, this.box.clientHeight];
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const room = scene.room ?? ROOM;
    this.place = { left: room.left, top: room.top, w: width - room.left - room.right, h: height - room.top - room.bottom };
    if (scene.equal) this.keepShape(scene);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `${FONT} ${ink.font}`;
    this.axes(pen, scene);
    pen.save();
    pen.beginPath();
    pen.rect(this.place.left, this.place.top - 1, this.place.w, this.place.h + 1);
    pen.clip();
    for (const layer of scene.layers) this.layer(pen, layer);
    pen.restore();
    this.marks(pen, scene.marks ?? []);
  }

  // One unit is as long in x as in y.
  keepShape(scene) {
    const { place } = this;
    const unit = Math.min(place.w / (scene.x[1] - scene.x[0]), place.h / (scene.y[1] - scene.y[0]));
    const [w, h] = [unit * (scene.x[1] - scene.x[0]), unit * (scene.y[1] - scene.y[0])];
    this.place = { left: place.left + (place.w - w) / 2, top: place.top + (place.h - h) / 2, w, h };
  }

  px(x) {
    const [low, high] = this.scene.x;
    return this.place.left + ((x - low) / (high - low)) * this.place.w;
  }

  py(y) {
    const [low, high] = this.scene.y;
    return this.place.top + (1 - (y - low) / (high - low)) * this.place.h;
  }

  axes(pen, scene) {
    const { left, top, w, h } = this.place;
    pen.lineWidth = 1;
    pen.strokeStyle = this.ink.grid;
    pen.fillStyle = this.ink.muted;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const tick of scene.yTicks ?? []) {
      const y = Math.round(this.py(tick)) + 0.5;
      this.stroke(pen, [[left, y], [left + w, y]]);
      pen.fillText(scene.yText(tick), left - 5, y);
    }
    pen.textBaseline = "top";
    pen.textAlign = "center";
    for (const tick of scene.xTicks ?? []) {
      const text = scene.xText(tick);
      const half = pen.measureText(text).width / 2;
      const x = Math.min(left + w - half + 6, Math.max(left + half - 6, this.px(tick)));
      pen.fillText(text, x, top + h + 4);
    }
    if (scene.xTicks) this.stroke(pen, [[left, top + h + 0.5], [left + w, top + h + 0.5]]);
    if (scene.xTitle) pen.fillText(scene.xTitle, left + w / 2, top + h + (scene.xTicks?.length ? 17 : 5));
    if (scene.yTitle) {
      pen.textAlign = "left";
      pen.fillText(scene.yTitle, left + 4, top);
    }
  }

  stroke(pen, points) {
    pen.beginPath();
    points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }

  layer(pen, layer) {
    pen.globalAlpha = layer.alpha ?? 1;
    pen.strokeStyle = layer.colour;
    pen.fillStyle = layer.colour;
    pen.lineWidth = layer.width ?? 1.6;
    pen.setLineDash(layer.dash ?? []);
    this[layer.kind](pen, layer);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  // Points without a value are passed over; with `gaps` the line ends before and begins anew after them.
  line(pen, { x, y, gaps = false }) {
    let points = [];
    for (let at = 0; at < x.length; at += 1) {
      if (Number.isFinite(y[at])) points.push([this.px(x[at]), this.py(y[at])]);
      else if (gaps) {
        this.stroke(pen, points);
        points = [];
      }
    }
    this.stroke(pen, points);
  }

  // Counts per bin as steps; x holds the edges, one more than y.
  steps(x, y) {
    const points = [[this.px(x[0]), this.py(0)]];
    for (let at = 0; at < y.length; at += 1) points.push([this.px(x[at]), this.py(y[at])], [this.px(x[at + 1]), this.py(y[at])]);
    points.push([this.px(x[y.length]), this.py(0)]);
    return points;
  }

  area(pen, layer) {
    const points = this.steps(layer.x, layer.y);
    if (layer.fill !== false) {
      const alpha = pen.globalAlpha;
      pen.globalAlpha = alpha * 0.22;
      pen.beginPath();
      points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.fill();
      pen.globalAlpha = alpha;
    }
    this.stroke(pen, points);
  }

  bars(pen, { x, y, wide }) {
    for (let at = 0; at < x.length; at += 1) {
      if (!y[at]) continue;
      const [from, to] = [this.px(x[at] - wide / 2), this.px(x[at] + wide / 2)];
      pen.fillRect(from, this.py(y[at]), Math.max(1, to - from), this.py(0) - this.py(y[at]));
    }
  }

  dots(pen, { x, y, radius = 2.5, hollow = false }) {
    for (let at = 0; at < x.length; at += 1) {
      if (!Number.isFinite(y[at])) continue;
      pen.beginPath();
      pen.arc(this.px(x[at]), this.py(y[at]), typeof radius === "number" ? radius : radius[at], 0, 2 * Math.PI);
      if (hollow) pen.stroke();
      else pen.fill();
    }
  }

  shape(pen, { x, y }) {
    pen.beginPath();
    for (let at = 0; at < x.length; at += 1) pen[at ? "lineTo" : "moveTo"](this.px(x[at]), this.py(y[at]));
    pen.closePath();
    pen.fill();
  }

  text(pen, { x, y, words, align = "center" }) {
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.fillText(words, this.px(x), this.py(y));
  }

  // Labels run along their lines: at the top or the bottom, left or right of the line, wherever first no other one lies.
  marks(pen, marks) {
    const { left, top, w, h } = this.place;
    const inside = marks.filter(({ x }) => x >= this.scene.x[0] && x <= this.scene.x[1]).sort((a, b) => a.x - b.x);
    const taken = [];
    for (const mark of inside) {
      const x = Math.round(this.px(mark.x)) + 0.5;
      pen.strokeStyle = mark.colour;
      pen.fillStyle = mark.colour;
      pen.lineWidth = 1;
      pen.setLineDash([4, 3]);
      this.stroke(pen, [[x, top], [x, top + h]]);
      pen.setLineDash([]);
      const long = pen.measureText(mark.text).width + MARK_GAP / 2;
      const spot = ["right", "left"] // the end of the turned text: "right" is the top
        .flatMap((end) => [x - 6, x + 7].map((at) => ({ end, at, low: end === "right" ? 0 : h - long })))
        .find(({ at, low }) => at - left > MARK_GAP / 2 && at - left < w + 4 && taken.every((one) => Math.abs(one.at - at) >= MARK_GAP || one.low >= low + long || low >= one.high));
      if (!spot) continue;
      taken.push({ at: spot.at, low: spot.low, high: spot.low + long });
      pen.save();
      pen.translate(spot.at, spot.end === "right" ? top + 2 : top + h - 3);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = spot.end;
      pen.textBaseline = "middle";
      pen.fillText(mark.text, 0, 0);
      pen.restore();
    }
  }

  dataAt(event) {
    const { left, top, w, h } = this.place;
    const { x, y } = this.scene;
    const box = this.canvas.getBoundingClientRect();
    const share = [(event.clientX - box.left - left) / w, 1 - (event.clientY - box.top - top) / h];
    return [x[0] + share[0] * (x[1] - x[0]), y[0] + share[1] * (y[1] - y[0])];
  }

  point(event) {
    const words = event && this.scene?.probe ? this.scene.probe(...this.dataAt(event)) : "";
    this.tip.textContent = words ?? "";
    this.tip.style.display = words ? "block" : "none";
    if (!words) return;
    const box = this.box.getBoundingClientRect();
    const x = event.clientX - box.left;
    this.tip.style.left = x > box.width / 2 ? "auto" : `${x + 12}px`;
    this.tip.style.right = x > box.width / 2 ? `${box.width - x + 12}px` : "auto";
    this.tip.style.top = `${Math.max(0, event.clientY - box.top - 34)}px`;
  }

  dispose() {
    this.sizes.disconnect();
  }
}
