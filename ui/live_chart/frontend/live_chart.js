// Streamlit calls `mount` for every new message and theme; the chart itself stays.

import { Chart } from "./chart.js";
import { addStyle } from "./page.js";

const charts = new WeakMap();

export async function mount(component) {
  addStyle();
  const parent = component.parentElement;
  let chart = charts.get(parent);
  if (!chart) {
    chart = new Chart(parent);
    charts.set(parent, chart);
  }
  await chart.update(component);
  // Streamlit also calls this for an update that a newer one overtook: the chart goes only with its element.
  return () =>
    setTimeout(() => {
      if (parent.isConnected) return;
      charts.delete(parent);
      chart.dispose();
    }, 0);
}
