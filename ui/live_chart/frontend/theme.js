// Light and dark: a figure is drawn for one of them by the server and recoloured here, without asking again.

const HEX = /#[0-9a-f]{6}\b/gi;
const RGBA = /rgba\((\d+), (\d+), (\d+), ([\d.]+)\)/g;

const toDark = new Map();
const toLight = new Map();

export function learnPalette(pairs) {
  for (const [light, dark] of pairs ?? []) {
    toDark.set(light, dark);
    toLight.set(dark, light);
  }
}

const darkness = new Map();

function luminance(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = "#ffffff";
  probe.fillStyle = colour; // any CSS colour; reads back as #rrggbb or rgba(...)
  const [red, green, blue] = probe.fillStyle.startsWith("#")
    ? [1, 3, 5].map((start) => parseInt(probe.fillStyle.slice(start, start + 2), 16))
    : probe.fillStyle.match(/[\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// Whether the page around `element` is dark, by the background that Streamlit tells its components.
export function isDark(element) {
  const background = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  if (!darkness.has(background)) darkness.set(background, luminance(background) < 128);
  return darkness.get(background);
}

const channel = (number) => Number(number).toString(16).padStart(2, "0");

// A function that replaces the colours of the other theme in a JSON text. Only colours of the palette change.
export function recolouring(dark) {
  const map = dark ? toDark : toLight;
  return (text) =>
    text
      .replace(HEX, (hex) => map.get(hex.toLowerCase()) ?? hex)
      .replace(RGBA, (all, red, green, blue, alpha) => {
        const other = map.get(`#${channel(red)}${channel(green)}${channel(blue)}`);
        if (!other || alpha === "0") return all;
        const parts = [1, 3, 5].map((start) => parseInt(other.slice(start, start + 2), 16));
        return `rgba(${parts.join(", ")}, ${alpha})`;
      });
}
