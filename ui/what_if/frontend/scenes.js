// From outcomes to scenes: what each panel shows. `view` is the prepared sample under the head that is tried, `was` and
// `now` are the outcomes of the settings in force and of those that are tried.

import { CALIBRATION_BINS, CURVE_POINTS, LOSS_BINS, LOWEST_LOG10_PROB, PROB_BINS, histogram, sEff, withMargin } from "./computing.js";
import { count, degrees, number, percent, roundPercent, roundUp, rounded, ticks } from "./numbers.js";

const BARS = 24;
const DEGREE = Math.PI / 180;
const range = (n) => Array.from({ length: n }, (_, at) => at);
const edges = (low, high, bins) => range(bins + 1).map((at) => low + ((high - low) * at) / bins);
const most = (...arrays) => Math.max(1e-12, ...arrays.map((one) => one.reduce((a, b) => Math.max(a, b), 0)));

// Where an axis of shares ends: round, and never above everything.
const shareAxis = (...arrays) => Math.min(1, roundUp(most(...arrays)));

// A histogram of what is in force, behind that of what is tried.
const shadow = (x, y, ink) => ({ kind: "area", x, y, colour: ink.reference, fill: false, width: 1, dash: [2, 2] });

export function predictions({ was, now, names, labels, n }, ink) {
  const order = range(now.counts.length).sort((a, b) => now.counts[b] - now.counts[a] || a - b).slice(0, BARS);
  const labelled = new Int32Array(now.counts.length);
  for (const label of labels) labelled[label] += 1;
  const [tried, before, true_] = [now.counts, was.counts, labelled].map((counts) => order.map((k) => counts[k] / n));
  const top = shareAxis(tried, before);
  return {
    x: [-0.7, Math.max(order.length, 8) - 0.3],
    y: [0, top * 1.04],
    yTicks: ticks(0, top, 3),
    yText: roundPercent,
    xTicks: [],
    xText: String,
    xTitle: order.length < now.counts.length ? `${BARS} most predicted of ${count(now.counts.length)} classes` : "classes, most predicted first",
    room: { left: 46, right: 10, top: 8, bottom: 22 },
    layers: [
      { kind: "bars", x: range(order.length), y: tried, wide: 0.7, colour: ink.top },
      { kind: "dots", x: range(order.length), y: true_, colour: ink.reference, radius: 3, hollow: true, width: 1.3 },
    ],
    probe(x) {
      const k = order[Math.round(x)];
      if (k === undefined) return "";
      return `${names[k] ?? k}: predicted for ${percent(now.counts[k] / n)}, is the label of ${percent(labelled[k] / n)}`;
    },
  };
}

export function logits({ view, head, inForce }, ink) {
  const { own, others, from, to } = view.bins;
  const s = sEff(head);
  // The axis keeps a few fixed widths, so that stretching is seen as stretching.
  const widest = Math.max(s, sEff(inForce));
  const [low, high] = [from < 0 ? -roundUp(-from * widest) : 0, to > 0 ? roundUp(to * widest) : 0];
  const top = most(own, others) * 1.1;
  const at = edges(from * s, to * s, own.length);
  const old = edges(from * sEff(inForce), to * sEff(inForce), own.length);
  return {
    x: [low, high],
    y: [0, top],
    xTicks: ticks(low, high, 5),
    xText: number,
    xTitle: "logit s cos / T",
    room: { left: 10, right: 10, top: 8, bottom: 32 },
    layers: [
      ...(s === sEff(inForce) ? [] : [shadow(old, others, ink), shadow(old, own, ink)]),
      { kind: "area", x: at, y: others, colour: ink.other },
      { kind: "area", x: at, y: own, colour: ink.own },
    ],
    probe(x) {
      const bin = Math.floor(((x / s - from) / (to - from)) * own.length);
      if (!(bin >= 0 && bin < own.length)) return "";
      return `logit ${number(rounded(x))}: ${percent(own[bin])} of own classes, ${percent(others[bin])} of all others`;
    },
  };
}

export function probability({ was, now, n, c }, ink) {
  const at = edges(LOWEST_LOG10_PROB, 0, PROB_BINS);
  const [own, top, before] = [now.ownProbBins, now.topProbBins, was.ownProbBins].map((bins) => Array.from(bins, (one) => one / n));
  const high = shareAxis(own, top, before);
  return {
    x: [LOWEST_LOG10_PROB, 0.05],
    y: [0, high * 1.04],
    xTicks: [-6, -4, -2, 0],
    xText: (tick) => roundPercent(10 ** tick),
    yTicks: ticks(0, high, 3),
    yText: roundPercent,
    xTitle: "probability (log scale)",
    layers: [
      ...(was === now ? [] : [shadow(at, before, ink)]),
      { kind: "area", x: at, y: top, colour: ink.top },
      { kind: "area", x: at, y: own, colour: ink.own },
    ],
    marks: [
      { x: Math.log10(1 / c), text: "guessing", colour: ink.reference },
      { x: Math.log10(now.readings.reach), text: "reach of s/T", colour: ink.reference },
    ],
    probe(x) {
      const bin = Math.floor(((x - LOWEST_LOG10_PROB) / -LOWEST_LOG10_PROB) * PROB_BINS);
      if (!(bin >= 0 && bin < PROB_BINS)) return "";
      return `about ${percent(10 ** at[bin])}: own class of ${percent(own[bin])} of the images, predicted class of ${percent(top[bin])}`;
    },
  };
}

export function loss({ was, now, n, c }, ink) {
  const { first_loss: first, plateau_loss: plateau } = now.readings;
  const top = roundUp(Math.max(1, ...[now, was].map((one) => one.loss.reduce((a, b) => Math.max(a, b), 0)), plateau * 1.05, Math.log(c) * 1.05));
  const at = edges(0, top, LOSS_BINS);
  const [tried, before] = [now, was].map((one) => Array.from(histogram(one.loss, top), (counted) => counted / n));
  const high = shareAxis(tried, before);
  return {
    x: [0, top],
    y: [0, high * 1.04],
    xTicks: ticks(0, top, 5),
    xText: number,
    yTicks: ticks(0, high, 3),
    yText: roundPercent,
    xTitle: "loss (nats)",
    layers: [...(was === now ? [] : [shadow(at, before, ink)]), { kind: "area", x: at, y: tried, colour: ink.top }],
    marks: [
      { x: now.readings.loss, text: "mean", colour: ink.top },
      { x: plateau, text: "collapse plateau", colour: ink.reference },
      { x: first, text: "expected first loss", colour: ink.reference },
      { x: Math.log(c), text: "guessing, ln C", colour: ink.reference },
    ],
    probe(x) {
      const bin = Math.floor((x / top) * LOSS_BINS);
      return bin >= 0 && bin < LOSS_BINS ? `loss ${number(rounded(at[bin]))} to ${number(rounded(at[bin + 1]))}: ${percent(tried[bin])} of the images` : "";
    },
  };
}

export function gradient({ was, now }, ink) {
  const at = range(CURVE_POINTS).map((point) => point / (CURVE_POINTS - 1));
  return {
    x: [0, 1],
    y: [0, 1.02],
    xTicks: [0, 0.25, 0.5, 0.75, 1],
    xText: roundPercent,
    yTicks: [0, 0.5, 1],
    yText: roundPercent,
    xTitle: "the hardest ... of all",
    layers: [
      { kind: "line", x: [0, 1], y: [0, 1], colour: ink.reference, dash: [4, 3], width: 1 },
      ...(was === now ? [] : [was.sampleCurve, was.classCurve].map((y) => ({ kind: "line", x: at, y, colour: ink.reference, dash: [2, 2], width: 1 }))),
      { kind: "line", x: at, y: now.classCurve, colour: ink.classes },
      { kind: "line", x: at, y: now.sampleCurve, colour: ink.top },
    ],
    probe(x) {
      const point = Math.round(x * (CURVE_POINTS - 1));
      if (!(point >= 0 && point < CURVE_POINTS)) return "";
      return `the hardest ${percent(at[point])} of the images make ${percent(now.sampleCurve[point])} of the gradient; as many classes get ${percent(now.classCurve[point])}`;
    },
  };
}

export function calibration({ was, now, n }, ink) {
  const found = now.calibration;
  const largest = Math.sqrt(Math.max(...found.count));
  const radius = Array.from(found.count, (one) => (one ? 2.5 + (6 * Math.sqrt(one)) / largest : 0));
  const before = was.calibration;
  return {
    x: [0, 1.02],
    y: [0, 1.04],
    xTicks: [0, 0.25, 0.5, 0.75, 1],
    xText: roundPercent,
    yTicks: [0, 0.5, 1],
    yText: roundPercent,
    xTitle: "how sure of the predicted class",
    yTitle: "how often right",
    layers: [
      { kind: "line", x: [0, 1], y: [0, 1], colour: ink.reference, dash: [4, 3], width: 1 },
      ...(was === now ? [] : [{ kind: "line", x: before.confidence, y: before.accuracy, colour: ink.reference, dash: [2, 2], width: 1 }]),
      { kind: "line", x: found.confidence, y: found.accuracy, colour: ink.top, alpha: 0.6 },
      { kind: "dots", x: found.confidence, y: found.accuracy, radius, colour: ink.top },
    ],
    probe(x) {
      const bin = Math.floor(x * CALIBRATION_BINS);
      if (!found.count[bin]) return "";
      return `${count(found.count[bin])} of ${count(n)} images are ${percent(found.confidence[bin])} sure and right in ${percent(found.accuracy[bin])}`;
    },
  };
}

const angle = (cos) => Math.acos(Math.min(1, Math.max(-1, cos))) / DEGREE;

// 0 wrong, 1 right but not by the margin, 2 right by the margin.
export function standing(view, head, at) {
  if (view.own[at] <= view.rival[at]) return 0;
  return withMargin(view.own[at], head) > view.rival[at] ? 2 : 1;
}

export function angles({ view, head, names, labels, picked, pick }, ink) {
  const { n } = view;
  const [own, rival] = [view.own, view.rival].map((cosines) => Float64Array.from(cosines, angle));
  const low = Math.max(0, 10 * Math.floor(Math.min(...own, ...rival) / 10 - 0.5));
  const high = Math.min(180, 10 * Math.ceil(Math.max(...own, ...rival) / 10 + 0.5));
  const line = edges(low, high, 90);
  const wanted = line.map((theta) => angle(withMargin(Math.cos(theta * DEGREE), head)));
  const outside = Math.min(...wanted) >= high;
  const dots = [0, 1, 2].map((kind) => range(n).filter((at) => standing(view, head, at) === kind));
  const layer = (places, more) => ({ kind: "dots", x: places.map((at) => own[at]), y: places.map((at) => rival[at]), radius: 2, alpha: 0.75, ...more });
  const nearest = (x, y) => {
    let best = 0;
    let least = Infinity;
    for (let at = 0; at < n; at += 1) {
      const far = (own[at] - x) ** 2 + (rival[at] - y) ** 2;
      if (far < least) [best, least] = [at, far];
    }
    return least < ((high - low) / 12) ** 2 ? best : -1;
  };
  return {
    x: [low, high],
    y: [low, high],
    xTicks: ticks(low, high, 5),
    xText: (tick) => `${tick}\u00b0`,
    yTicks: ticks(low, high, 4),
    yText: (tick) => `${tick}\u00b0`,
    xTitle: "angle to the own class weight",
    yTitle: "to the strongest rival",
    layers: [
      { kind: "line", x: [low, high], y: [low, high], colour: ink.reference, dash: [4, 3], width: 1 },
      layer(dots[0], { colour: ink.other }),
      layer(dots[1], { colour: ink.own, hollow: true, width: 1 }),
      layer(dots[2], { colour: ink.own }),
      ...(head.kind === "softmax" ? [] : [{ kind: "line", x: line, y: wanted, colour: ink.changed, width: 2 }]),
      ...(outside ? [{ kind: "text", x: high, y: high - 0.04 * (high - low), words: "the margin's line is above this picture", colour: ink.changed, align: "right" }] : []),
      { kind: "dots", x: [own[picked]], y: [rival[picked]], radius: 6, hollow: true, colour: ink.text, width: 1.6 },
    ],
    click: (x, y) => nearest(x, y) >= 0 && pick(nearest(x, y)),
    probe(x, y) {
      const at = nearest(x, y);
      if (at < 0) return "";
      return `${names[labels[at]] ?? labels[at]}: ${own[at].toFixed(0)}\u00b0 from its own class, ${rival[at].toFixed(0)}\u00b0 from ${names[view.rivalClass[at]] ?? view.rivalClass[at]}`;
    },
  };
}

// Half angle of the cone around the own class weight in which nobody can lose to a rival `between` radians away.
export function cone(between, head) {
  if (head.kind === "softmax") return between / 2;
  if (head.kind === "arcface") return (between - head.margin_rad) / 2;
  let [low, high] = [0, between / 2]; // cos a - m = cos(between - a)
  if (1 - head.margin_rad < Math.cos(between)) return -1;
  for (let halving = 0; halving < 40; halving += 1) {
    const middle = (low + high) / 2;
    if (Math.cos(middle) - head.margin_rad > Math.cos(between - middle)) low = middle;
    else high = middle;
  }
  return low;
}

export function plane({ view, head, names, labels, picked }, ink) {
  const { cos, n, c } = view;
  const [a, b, between] = [labels[picked], view.rivalClass[picked], view.between[picked]];
  const sine = Math.max(1e-3, Math.sin(between));
  const across = (up, toRival) => (toRival - Math.cos(between) * up) / sine;
  const ups = Float64Array.from(range(n), (at) => cos[at * c + a]);
  const rights = Float64Array.from(range(n), (at) => across(ups[at], cos[at * c + b]));
  const dots = (wanted, more) => {
    const places = range(n).filter(wanted);
    return { kind: "dots", x: places.map((at) => rights[at]), y: places.map((at) => ups[at]), ...more };
  };
  const half = cone(between, head);
  const circle = edges(0, 2 * Math.PI, 120);
  const bow = half > 0 ? edges(-half, half, 40) : [];
  const side = (theta) => (half > 0 ? [{ kind: "line", ...ray(theta), colour: ink.own, width: 1 }] : []);
  const rows = edges(-1, 1, 120);
  const border = rows.map((up) => across(up, withMargin(up, head)));
  const inside = rows.map((up, at) => (up ** 2 + border[at] ** 2 <= 1.001 ? up : NaN));
  const ray = (theta) => ({ x: [0, Math.sin(theta)], y: [0, Math.cos(theta)] });
  const ends = [
    { x: 0, y: 1.1, words: `${names[a] ?? a} (own)`, colour: ink.own },
    { x: 1.06 * Math.sin(between), y: 1.06 * Math.cos(between), words: `${names[b] ?? b} (rival)`, colour: ink.other, align: "left" },
  ];
  return {
    x: [-1.25, 1.95],
    y: [-1.08, 1.2],
    equal: true,
    room: { left: 4, right: 4, top: 4, bottom: 4 },
    layers: [
      // Who is in the cone is projected into the cap above it: out of the plane there is room for the rest.
      { kind: "shape", x: bow.map(Math.sin), y: bow.map(Math.cos), colour: ink.own, alpha: 0.22 },
      { kind: "line", x: circle.map(Math.sin), y: circle.map(Math.cos), colour: ink.grid, width: 1 },
      { kind: "line", x: [-Math.sin(between / 2), Math.sin(between / 2)], y: [-Math.cos(between / 2), Math.cos(between / 2)], colour: ink.reference, dash: [4, 3], width: 1 },
      dots((at) => labels[at] !== a && labels[at] !== b, { colour: ink.muted, alpha: 0.3, radius: 1.8 }),
      dots((at) => labels[at] === b, { colour: ink.other, radius: 3.2 }),
      dots((at) => labels[at] === a, { colour: ink.own, radius: 3.2 }),
      ...(head.kind === "softmax" ? [] : [{ kind: "line", x: border, y: inside, gaps: true, colour: ink.changed, width: 2 }]),
      ...side(-half),
      ...side(half),
      { kind: "line", ...ray(0), colour: ink.own, width: 2.4 },
      { kind: "line", ...ray(between), colour: ink.other, width: 2.4 },
      { kind: "dots", x: [rights[picked]], y: [ups[picked]], radius: 6, hollow: true, colour: ink.text, width: 1.6 },
      ...ends.map((one) => ({ kind: "text", ...one })),
    ],
    words: half > 0
      ? `The weights are ${degrees(between)} apart. Predictions change at half of that (dashed). An embedding in the cone of ${degrees(half)} lies in the shaded cap: it ${head.kind === "softmax" ? "is surely predicted right against this rival" : "surely keeps the margin"}.`
      : `The weights are ${degrees(between)} apart: nobody can keep a margin that large against this rival. There is no cone.`,
  };
}
