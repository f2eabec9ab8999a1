// What a setting of the head makes of a sample. The same formulas as edgeft_core/labs/what_if, where their sources
// are named; tests/browser/test_what_if_computing.py holds both equal.
//
// A view is { cos, labels, n, c, dim }: cos is a Float32Array of n rows of c cosines.
// A head is { kind, scale, temperature, margin_rad, label_smoothing }; centring chooses the view.

export const SATURATED = 0.99;
export const LOWEST_LOG10_PROB = -6;
export const PROB_BINS = 48;
export const LOSS_BINS = 40;
export const COSINE_BINS = 60;
export const CALIBRATION_BINS = 15;
export const CURVE_POINTS = 51;
const HARDEST_POINT = 5; // of CURVE_POINTS - 1: a tenth
const SMALLEST_SIN_SQUARED = 1e-6;

export const sEff = (head) => head.scale / head.temperature;

export function withMargin(cos, head) {
  const m = head.margin_rad;
  if (head.kind === "softmax") return cos;
  if (head.kind === "cosface") return cos - m;
  if (cos <= -Math.cos(m)) return cos - m * Math.sin(m);
  return cos * Math.cos(m) - Math.sqrt(Math.max(1 - cos * cos, SMALLEST_SIN_SQUARED)) * Math.sin(m);
}

export function marginSlope(cos, head) {
  const m = head.margin_rad;
  if (head.kind !== "arcface" || cos <= -Math.cos(m)) return 1;
  const square = 1 - cos * cos;
  const cotangent = square < SMALLEST_SIN_SQUARED ? 0 : cos / Math.sqrt(square);
  return Math.cos(m) + cotangent * Math.sin(m);
}

const onTarget = (head, c) => 1 - head.label_smoothing + head.label_smoothing / c;

export const reach = (head, c) => 1 / (1 + (c - 1) * Math.exp(-sEff(head)));

export function firstLoss(head, c, dim) {
  const drop = { arcface: Math.sin(head.margin_rad), cosface: head.margin_rad, softmax: 0 }[head.kind];
  return Math.log(c) + sEff(head) ** 2 / (2 * dim) + onTarget(head, c) * sEff(head) * drop;
}

export function plateauLoss(head, c) {
  const gap = { arcface: 1 - Math.cos(head.margin_rad), cosface: head.margin_rad, softmax: 0 }[head.kind] * sEff(head);
  return Math.log(c - 1 + Math.exp(-gap)) + onTarget(head, c) * gap;
}

// What does not depend on any slider: the two largest cosines, sums, spread, histograms.
export function prepare(view) {
  const { cos, labels, n, c } = view;
  const fixed = {
    ...view,
    own: new Float64Array(n),
    rival: new Float64Array(n),
    rivalClass: new Int32Array(n),
    sum: new Float64Array(n),
    exps: new Float64Array(c), // scratch
  };
  let across = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < n; i += 1) {
    const start = i * c;
    let sum = 0;
    let squares = 0;
    let rival = -Infinity;
    for (let k = 0; k < c; k += 1) {
      const x = cos[start + k];
      sum += x;
      if (x < low) low = x;
      if (x > high) high = x;
      if (k !== labels[i] && x > rival) {
        rival = x;
        fixed.rivalClass[i] = k;
      }
    }
    for (let k = 0; k < c; k += 1) squares += (cos[start + k] - sum / c) ** 2;
    across += Math.sqrt(squares / c);
    fixed.own[i] = cos[start + labels[i]];
    fixed.rival[i] = rival;
    fixed.sum[i] = sum;
  }
  fixed.stdClasses = across / n;
  fixed.stdSamples = stdSamples(view);
  fixed.bins = cosineBins(fixed, low, high);
  return fixed;
}

function stdSamples({ cos, n, c }) {
  const mean = new Float64Array(c);
  const squares = new Float64Array(c);
  for (let at = 0, i = 0; i < n; i += 1) for (let k = 0; k < c; k += 1, at += 1) mean[k] += cos[at] / n;
  for (let at = 0, i = 0; i < n; i += 1) for (let k = 0; k < c; k += 1, at += 1) squares[k] += (cos[at] - mean[k]) ** 2;
  let total = 0;
  for (let k = 0; k < c; k += 1) total += Math.sqrt(squares[k] / n);
  return total / c;
}

// Shares of the cosines to the own class and to all others per bin; s / T only stretches the axis under them.
function cosineBins({ cos, labels, n, c }, low, high) {
  const pad = Math.max(1e-3, 0.02 * (high - low));
  const [from, to] = [low - pad, high + pad];
  const own = new Float64Array(COSINE_BINS);
  const others = new Float64Array(COSINE_BINS);
  const scale = COSINE_BINS / (to - from);
  for (let at = 0, i = 0; i < n; i += 1) {
    for (let k = 0; k < c; k += 1, at += 1) {
      const bin = Math.min(COSINE_BINS - 1, Math.floor((cos[at] - from) * scale));
      if (k === labels[i]) own[bin] += 1 / n;
      else others[bin] += 1 / (n * (c - 1));
    }
  }
  return { own, others, from, to };
}

// Everything that one setting makes of a prepared view.
export function compute(fixed, head) {
  const { cos, labels, n, c } = fixed;
  const s = sEff(head);
  const smooth = head.label_smoothing;
  const found = {
    loss: new Float64Array(n),
    ownProb: new Float64Array(n),
    topProb: new Float64Array(n),
    predicted: new Int32Array(n),
    rank: new Int32Array(n),
    pull: new Float64Array(n),
    classPull: new Float64Array(c),
    counts: new Int32Array(c),
    ownProbBins: new Int32Array(PROB_BINS),
    topProbBins: new Int32Array(PROB_BINS),
  };
  const total = { loss: 0, plain: 0, own: 0, top: 0, saturated: 0, kept: 0, pull: 0, top1: 0, top5: 0 };
  const { exps } = fixed;
  for (let i = 0; i < n; i += 1) {
    const start = i * c;
    const label = labels[i];
    const own = fixed.own[i] * s;
    const scored = withMargin(fixed.own[i], head) * s;
    const rival = fixed.rival[i] * s;
    // The others' part of both sums, relative to the strongest of them.
    let others = 0;
    let rank = 0;
    let predicted = 0;
    let best = -Infinity;
    for (let k = 0; k < c; k += 1) {
      const logit = cos[start + k] * s;
      if (logit > best) {
        best = logit;
        predicted = k;
      }
      if (logit >= own) rank += 1;
      const e = Math.exp(logit - rival);
      exps[k] = e;
      if (k !== label) others += e;
    }
    const plainZ = logAdd(rival + Math.log(others), own);
    const z = logAdd(rival + Math.log(others), scored);
    const meanLogit = ((fixed.sum[i] - fixed.own[i]) * s + scored) / c;
    const loss = (1 - smooth) * (z - scored) + smooth * (z - meanLogit);
    const logOwn = own - plainZ;
    const logTop = best - plainZ;
    // The gradient at every cosine.
    const unit = Math.exp(rival - z);
    const spare = smooth / c;
    let pull = 0;
    for (let k = 0; k < c; k += 1) {
      if (k === label) continue;
      const g = Math.abs(exps[k] * unit - spare) * s;
      pull += g;
      found.classPull[k] += g;
    }
    const miss = Math.exp(scored - z) - (1 - smooth) - spare;
    const g = Math.abs(miss * marginSlope(fixed.own[i], head)) * s;
    pull += g;
    found.classPull[label] += g;

    found.loss[i] = loss;
    found.ownProb[i] = Math.exp(logOwn);
    found.topProb[i] = Math.exp(logTop);
    found.predicted[i] = predicted;
    found.rank[i] = rank;
    found.pull[i] = pull;
    found.counts[predicted] += 1;
    found.ownProbBins[probBin(logOwn)] += 1;
    found.topProbBins[probBin(logTop)] += 1;
    total.loss += loss;
    total.plain -= logOwn;
    total.own += found.ownProb[i];
    total.top += found.topProb[i];
    total.saturated += found.topProb[i] > SATURATED;
    total.kept += scored > rival;
    total.pull += pull;
    total.top1 += rank <= 1;
    total.top5 += rank <= 5;
  }
  found.calibration = calibration(found.topProb, found.rank);
  const images = concentration(found.pull);
  const classes = concentration(found.classPull);
  found.sampleCurve = images.curve;
  found.classCurve = classes.curve;
  found.readings = {
    s_eff: s,
    reach: reach(head, c),
    first_loss: firstLoss(head, c, fixed.dim),
    plateau_loss: plateauLoss(head, c),
    loss: total.loss / n,
    plain_loss: total.plain / n,
    own_prob: total.own / n,
    top_prob: total.top / n,
    saturated: total.saturated / n,
    ece: found.calibration.error,
    logit_std_samples: fixed.stdSamples * s,
    logit_std_classes: fixed.stdClasses * s,
    margin_kept: total.kept / n,
    pull: total.pull / n,
    pulling_images: images.effective,
    pulled_classes: classes.effective,
    hardest_tenth: images.curve[HARDEST_POINT],
    top1: total.top1 / n,
    top5: total.top5 / n,
    ...usage(found.counts, n),
  };
  return found;
}

function logAdd(a, b) {
  const top = Math.max(a, b);
  return top + Math.log1p(Math.exp(Math.min(a, b) - top));
}

function probBin(logProb) {
  const place = Math.floor(((logProb / Math.LN10 - LOWEST_LOG10_PROB) / -LOWEST_LOG10_PROB) * PROB_BINS);
  return Math.min(PROB_BINS - 1, Math.max(0, place));
}

export function calibration(topProb, rank) {
  const bins = CALIBRATION_BINS;
  const count = new Int32Array(bins);
  const confidence = new Float64Array(bins);
  const accuracy = new Float64Array(bins);
  for (let i = 0; i < topProb.length; i += 1) {
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(topProb[i] * bins) - 1));
    count[bin] += 1;
    confidence[bin] += topProb[i];
    accuracy[bin] += rank[i] === 1;
  }
  let error = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    error += Math.abs(accuracy[bin] - confidence[bin]) / topProb.length;
    confidence[bin] /= count[bin];
    accuracy[bin] /= count[bin];
  }
  return { count, confidence, accuracy, error };
}

// What the largest 0 to 100 % hold together, and how many equal ones would share as unevenly.
export function concentration(pull) {
  const sorted = Float64Array.from(pull).sort().reverse();
  const n = sorted.length;
  let total = 0;
  for (const one of sorted) total += one;
  const held = new Float64Array(n + 1);
  let entropy = 0;
  for (let i = 0; i < n; i += 1) {
    const share = total > 0 ? sorted[i] / total : 1 / n;
    held[i + 1] = held[i] + share;
    if (share > 0) entropy -= share * Math.log(share);
  }
  const curve = Float64Array.from({ length: CURVE_POINTS }, (_, point) => {
    const at = (point / (CURVE_POINTS - 1)) * n;
    const below = Math.min(n, Math.floor(at + 1e-9));
    return held[below] + (at - below) * ((held[below + 1] ?? 1) - held[below]);
  });
  return { curve, effective: Math.exp(entropy) };
}

function usage(counts, n) {
  let entropy = 0;
  let unique = 0;
  let most = 0;
  for (const count of counts) {
    if (!count) continue;
    unique += 1;
    most = Math.max(most, count);
    entropy -= (count / n) * Math.log(count / n);
  }
  return { unique, effective: Math.exp(entropy), max_share: most / n };
}

export function histogram(values, top, bins = LOSS_BINS) {
  const counts = new Int32Array(bins);
  for (const value of values) counts[Math.min(bins - 1, Math.max(0, Math.floor((value / top) * bins)))] += 1;
  return counts;
}
