// A grid of faces: click or arrow keys choose one. Names are set as text, never as HTML.

const STYLE = `
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 8px; padding: 3px; }
.face { all: unset; cursor: pointer; display: flex; flex-direction: column; min-width: 0; border-radius: 4px;
  color: var(--st-text-color); font: 12px/1.35 var(--st-font); }
.face:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 3px; }
.face[aria-selected="true"] { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.picture { position: relative; border: 3px solid; border-radius: 4px; aspect-ratio: 1; overflow: hidden;
  background: var(--st-secondary-background-color); }
.picture img { width: 100%; height: 100%; object-fit: cover; display: block; }
.sign { position: absolute; right: 0; top: 0; padding: 0 4px; border-radius: 0 0 0 4px; font: 600 11px/1.5 var(--st-font);
  color: var(--st-background-color); }
.words { padding: 2px 1px 0; min-height: 1.35em; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.quiet { opacity: 0.75; }
`;

const mounted = new WeakMap();

function line(className, text) {
  const element = document.createElement("div");
  element.className = `words ${className}`;
  element.textContent = text;
  element.title = text;
  return element;
}

function tile(face, data) {
  const button = document.createElement("button");
  button.className = "face";
  button.type = "button";
  button.dataset.item = face.item;
  button.setAttribute("role", "option");
  button.setAttribute("aria-label", `${face.true}, ${face.right ? "right" : "wrong"}: predicted ${face.predicted}, ${face.prob}`);
  const picture = document.createElement("div");
  picture.className = "picture";
  picture.style.borderColor = face.right ? data.colours.right : data.colours.wrong;
  if (face.src) {
    const image = document.createElement("img");
    image.src = face.src;
    image.alt = `Face of ${face.true}`;
    picture.append(image);
  }
  const sign = document.createElement("span");
  sign.className = "sign";
  sign.style.background = face.right ? data.colours.right : data.colours.wrong;
  sign.textContent = `${face.right ? "\u2713" : "\u2715"} ${face.prob}`;
  picture.append(sign);
  button.append(picture, line("", face.true), line("quiet", face.right ? "" : `\u2192 ${face.predicted}`));
  return button;
}

function choose(state, item, focus) {
  for (const button of state.grid.children) {
    const chosen = button.dataset.item === item;
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) button.focus({ preventScroll: false });
  }
}

function move(state, key) {
  const tiles = [...state.grid.children];
  const at = tiles.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const columns = getComputedStyle(state.grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (key === "Home") return tiles[0];
  if (key === "End") return tiles[tiles.length - 1];
  return tiles[Math.min(tiles.length - 1, Math.max(0, at + step))];
}

export default function ({ parentElement, setTriggerValue, data }) {
  let state = mounted.get(parentElement);
  if (!state) {
    state = { grid: document.createElement("div"), shown: "" };
    const style = document.createElement("style");
    style.textContent = STYLE;
    state.grid.className = "faces";
    state.grid.setAttribute("role", "listbox");
    state.grid.setAttribute("aria-label", "Samples");
    state.grid.addEventListener("click", (event) => {
      const button = event.target.closest(".face");
      if (button) state.pick(button, false);
    });
    state.grid.addEventListener("keydown", (event) => {
      if (!/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      const button = move(state, event.key);
      if (button) state.pick(button, true);
    });
    parentElement.replaceChildren(style, state.grid);
    mounted.set(parentElement, state);
  }
  state.pick = (button, focus) => {
    choose(state, button.dataset.item, focus);
    clearTimeout(state.timer); // held arrow keys report where they stop
    state.timer = setTimeout(() => setTriggerValue("chosen", button.dataset.item), focus ? 120 : 0);
  };
  const shown = JSON.stringify([data.faces, data.colours]);
  if (shown !== state.shown) {
    state.grid.replaceChildren(...data.faces.map((face) => tile(face, data)));
    state.shown = shown;
  }
  choose(state, data.chosen, false);
}
