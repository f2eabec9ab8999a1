// What all charts of a browser page share: the plotly script, loaded once, and a style sheet.

const STYLE = `
.edgeft-chart { position: relative; width: 100%; overflow: hidden; border-radius: 4px; outline: none; }
.edgeft-chart:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
.edgeft-chart-plot { position: absolute; inset: 0; }
.edgeft-chart-line { position: absolute; left: 0; width: 0; pointer-events: none; display: none;
  border-left: 1px dotted var(--st-text-color); opacity: 0.6; }
.edgeft-chart-text { position: absolute; inset: 0; display: none; align-items: center; justify-content: center;
  padding: 8px 16px; text-align: center; font: 14px var(--st-font); color: var(--st-text-color); opacity: 0.8; }
/* Streamlit fades what the running script has not sent yet; the numbers on a chart are still true. */
[data-stale="true"]:has(.edgeft-chart) { opacity: 1 !important; transition: none !important; }
.edgeft-chart[data-waiting] .edgeft-chart-plot { visibility: hidden; }
.edgeft-chart[data-waiting] .edgeft-chart-text { display: flex; }
.edgeft-chart .modebar-container { top: auto !important; bottom: 2px; height: 24px !important; }
.edgeft-chart .modebar { top: auto !important; bottom: 0; }
.edgeft-chart:hover .modebar { background: var(--st-background-color); }
`;

let plotly;

export function addStyle() {
  if (document.getElementById("edgeft-chart-style")) return;
  const style = document.createElement("style");
  style.id = "edgeft-chart-style";
  style.textContent = STYLE;
  document.head.append(style);
}

// The plotly library; another attempt is made by the next update if the server could not be reached.
export function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      plotly = undefined;
      script.remove();
      reject(new Error("The chart library could not be loaded. Is the server still running?"));
    };
    document.head.append(script);
  });
  return plotly;
}
