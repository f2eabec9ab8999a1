// Charts that move together along x: one visible range, one hover line.

const groups = new Map();

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

class Group {
  constructor() {
    this.charts = new Set();
    this.range = null; // as Plotly writes it, or null: all of x
  }

  // The user moved `source` to `range`. Only `source` tells the server; all charts follow here.
  move(range, source) {
    if (same(range, this.range)) return;
    this.range = range;
    this.hover(null);
    for (const chart of this.charts) chart.draw();
    source.reportRange();
  }

  // Everything as the figures want it, along y too.
  reset(source) {
    this.range = null;
    this.hover(null);
    for (const chart of this.charts) {
      chart.forgetZoom();
      chart.draw();
    }
    source.reportRange();
  }

  hover(x) {
    for (const chart of this.charts) chart.showLine(x);
  }
}

export function groupNamed(name, key) {
  const id = name === null ? `alone:${key}` : `group:${name}`;
  if (!groups.has(id)) groups.set(id, new Group());
  return groups.get(id);
}
