// Numbers as people write them: the same rules as edgeft_core/figures/theme.py.

function plain(value, digits) {
  const rounded = Number(value.toExponential(digits - 1));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  const text = rounded.toFixed(decimals);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

export function percent(share) {
  if (!Number.isFinite(share)) return "n/a";
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (Math.abs(value) >= 99.95) return `${value.toFixed(0)} %`;
  if (Math.abs(value) >= 0.05) return `${value.toFixed(1)} %`;
  return `${plain(value, 1)} %`;
}

export function number(value) {
  if (Number.isNaN(value)) return "n/a";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const size = Math.abs(Number(value.toExponential(2)));
  if (size >= 1e-3 && size < 1e5) return plain(value, 3);
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return `${mantissa.replace(/\.?0+$/, "")}e${Number(exponent)}`;
}

// On axes, where ticks are round.
export const roundPercent = (share) => `${Number((100 * share).toPrecision(3))} %`;

export const count = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, " ");

export const degrees = (radians) => `${((180 * radians) / Math.PI).toFixed(0)}\u00b0`;

export const FORMATS = { percent, number, count };

// A round number at most `digits` digits long.
export const rounded = (value, digits = 3) => Number(value.toPrecision(digits));

// About `wanted` round ticks from low to high.
export function ticks(low, high, wanted = 5) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= raw) ?? 10);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step) found.push(rounded(at, 12));
  return found;
}

// The smallest round number that is not below `value`: axes that move in few, clear steps.
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value * 0.999999);
}
