// When charts are drawn: in animation frames, a few milliseconds each, so that a page of charts never blocks
// a slider. A hidden tab has no animation frames: it draws nothing and catches up when shown.

const BUDGET_MS = 12;

const waiting = new Set();
let scheduled = false;

function drawSome() {
  scheduled = false;
  const started = performance.now();
  for (const chart of waiting) {
    waiting.delete(chart);
    chart.draw();
    if (performance.now() - started > BUDGET_MS) break;
  }
  if (waiting.size) schedule();
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(drawSome);
}

export function drawSoon(chart) {
  waiting.add(chart);
  schedule();
}

export function drawNever(chart) {
  waiting.delete(chart);
}
