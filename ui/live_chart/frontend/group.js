// Charts that move together along x: one visible range, one hover line.

const groups = new Map();

class Group {
  constructor() {
    this.charts = new Set();
    this.range = null; // as Plotly writes it, or null: all of x
  }

  // `source` is the chart that the user moved; only that one tells the server.
  move(range, source) {
    if (JSON.stringify(range) === JSON.stringify(this.range) && range !== null) return;
    this.range = range;
    for (const chart of this.charts) {
      if (range === null) chart.forgetZoom();
      if (chart !== source || range === null) chart.redraw();
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
