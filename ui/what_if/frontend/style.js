// The lab's own rules; colours come from Streamlit's theme.

export const STYLE = `
.lab { display: grid; grid-template-columns: minmax(0, 1fr) 290px; gap: 0 1.5rem; color: var(--st-text-color);
  font: 13px/1.4 var(--st-font); }
.lab-panels { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 0.9rem 1.4rem; align-content: start; }
.lab-panel { grid-column: span 2; min-width: 0; }
.lab-panel.wide { grid-column: span 3; }
.lab-panel h4 { margin: 0; padding: 0; font: 600 14px/1.3 var(--st-font); display: inline; }
.lab-panel .about { color: var(--st-gray-text-color); cursor: help; margin-left: 0.3rem; }
.lab-keys { display: inline-flex; gap: 0.6rem; float: right; font-size: 11px; color: var(--st-gray-text-color); }
.lab-keys i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 4px; }
.lab-readings { display: flex; flex-wrap: wrap; column-gap: 0.8rem; min-height: 2.9em; align-content: flex-start;
  font-size: 12px; color: var(--st-gray-text-color); }
.lab-readings span { white-space: nowrap; }
.lab-readings b { color: var(--st-text-color); font-weight: 600; font-variant-numeric: tabular-nums; }
.lab-readings .changed b { color: var(--st-link-color); }
.lab-plot { position: relative; width: 100%; }
.lab-plot canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.lab-tip { display: none; position: absolute; z-index: 2; max-width: 260px; padding: 3px 7px; pointer-events: none;
  border: 1px solid var(--st-border-color); border-radius: 4px; background: var(--st-secondary-background-color); font-size: 12px; }
.lab-band { grid-column: 1 / -1; display: grid; grid-template-columns: subgrid; border-radius: 6px; padding: 0.7rem 0.9rem;
  background: var(--st-secondary-background-color); }
.lab-band .lab-panel { grid-column: span 4; }
.lab-verdict { grid-column: span 2; align-self: center; }
.lab-verdict strong { display: block; font: 600 26px/1.25 var(--st-font); font-variant-numeric: tabular-nums; }
.lab-verdict p { margin: 0.2rem 0 0; color: var(--st-gray-text-color); }
.lab-words { margin: 0.1rem 0 0; font-size: 12px; color: var(--st-gray-text-color); min-height: 2.8em; }
.lab-side { position: sticky; top: 3.2rem; align-self: start; display: flex; flex-direction: column; gap: 0.55rem; }
.lab-setting-head { display: flex; justify-content: space-between; gap: 0.5rem; }
.lab-setting-head output { font-variant-numeric: tabular-nums; white-space: nowrap; }
.lab-setting output.changed { color: var(--st-link-color); font-weight: 600; }
.lab-setting input[type="range"] { appearance: none; width: 100%; margin: 0; height: 18px; display: block; cursor: pointer;
  background: none; --track: linear-gradient(to right, var(--st-primary-color) var(--at), var(--st-border-color) var(--at)); }
.lab-setting input::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--track); }
.lab-setting input::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track); }
.lab-setting input::-webkit-slider-thumb { appearance: none; width: 16px; height: 16px; margin-top: -6px; border-radius: 50%;
  background: var(--st-primary-color); }
.lab-setting input::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 50%; background: var(--st-primary-color); }
.lab-setting input:focus-visible, .lab button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.lab-marks { position: relative; height: 15px; margin: 0 8px; }
.lab-mark { all: unset; position: absolute; cursor: pointer; font-size: 10.5px; line-height: 11px; white-space: nowrap;
  color: var(--st-gray-text-color); }
.lab-mark:hover { color: var(--st-link-color); }
.lab-mark::before { content: ""; position: absolute; left: 0; height: 4px; border-left: 1px solid currentColor; }
.below .lab-mark { top: 0; padding-top: 4px; }
.below .lab-mark::before { top: 0; }
.above .lab-mark { bottom: 0; padding-bottom: 4px; }
.above .lab-mark::before { bottom: 0; }
.lab-mark[data-side="middle"] { transform: translateX(-50%); }
.lab-mark[data-side="middle"]::before { left: 50%; }
.lab-mark[data-side="left"] { padding-left: 3px; }
.lab-mark[data-side="right"] { transform: translateX(-100%); padding-right: 3px; }
.lab-mark[data-side="right"]::before { left: auto; right: 0; }
.lab-mark.in-force { width: 8px; height: 8px; transform: translateX(-50%); color: var(--st-text-color); padding: 0; }
.lab-mark.in-force::before { left: 0; top: 1px; height: 0; border: 4px solid transparent; border-top-width: 0;
  border-bottom: 6px solid currentColor; }
.lab-choice { display: flex; border: 1px solid var(--st-border-color); border-radius: 4px; overflow: hidden; margin-top: 3px; }
.lab-choice button { all: unset; flex: 1; text-align: center; padding: 3px 0; cursor: pointer; font-size: 12px; }
.lab-choice button[aria-checked="true"] { background: var(--st-primary-color); color: #fff; }
.lab-toggle { display: flex; align-items: baseline; gap: 0.4rem; cursor: pointer; }
.lab-toggle input { accent-color: var(--st-primary-color); margin: 0; align-self: center; }
.lab-remark { color: var(--st-gray-text-color); font-size: 12px; }
.lab-reach { padding: 0.4rem 0.6rem; border-radius: 4px; background: var(--st-secondary-background-color); }
.lab-buttons { display: flex; flex-direction: column; gap: 0.4rem; margin-top: 0.3rem; }
.lab-buttons button { all: unset; box-sizing: border-box; cursor: pointer; text-align: center; padding: 6px 10px; border-radius: 4px;
  border: 1px solid var(--st-border-color); }
.lab-buttons button:hover { border-color: var(--st-primary-color); }
.lab-buttons button.primary { background: var(--st-primary-color); border-color: var(--st-primary-color); color: #fff; }
.lab-buttons button:disabled { opacity: 0.45; cursor: default; }
.lab-said { font-size: 12px; color: var(--st-gray-text-color); min-height: 1.4em; }
.lab-said[data-wrong] { color: var(--st-red-text-color); }
[data-stale="true"]:has(.lab) { opacity: 1 !important; transition: none !important; }
@media (max-width: 1100px) { .lab { grid-template-columns: minmax(0, 1fr); } .lab-side { position: static; order: -1; } }
`;
