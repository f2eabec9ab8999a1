// Figures as they travel: JSON texts and numeric arrays, whole (keyframe) or as a patch against a keyframe.

const ARRAY_TYPES = { i4: Int32Array, f4: Float32Array, f8: Float64Array };
const MAX_KEPT = 64;

// Keyframes by token: a chart that is taken away and comes back needs no new one.
const keyframes = new Map();

function unpack(packed) {
  const text = atob(packed.bdata);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return new ARRAY_TYPES[packed.dtype](bytes.buffer);
}

// Arrays of two dimensions travel column by column, because heat maps grow to the right.
function shaped(flat, shape) {
  if (!shape) return flat;
  const [rows, columns] = shape;
  return Array.from({ length: rows }, (_, row) => {
    const line = new flat.constructor(columns);
    for (let column = 0; column < columns; column += 1) line[column] = flat[column * rows + row];
    return line;
  });
}

function keep(message) {
  const flat = message.arrays.map(unpack);
  const keyframe = {
    token: message.token,
    traces: message.traces,
    layout: message.layout,
    refs: message.refs,
    flat,
    arrays: flat.map((array, i) => shaped(array, message.arrays[i].shape)),
  };
  keyframes.delete(message.token);
  keyframes.set(message.token, keyframe);
  if (keyframes.size > MAX_KEPT) keyframes.delete(keyframes.keys().next().value);
  return keyframe;
}

function patched(base, message) {
  const arrays = base.arrays.slice();
  for (const [index, length, packed] of message.arrays ?? []) {
    const tail = unpack(packed);
    const joined = new tail.constructor(length + tail.length);
    joined.set(base.flat[index].subarray(0, length));
    joined.set(tail, length);
    arrays[index] = shaped(joined, packed.shape);
  }
  const traces = base.traces.slice();
  for (const [index, text] of Object.entries(message.traces ?? {})) traces[index] = text;
  return { base, traces, layout: message.layout ?? base.layout, refs: base.refs, arrays };
}

// The figure of a message; null where the keyframe that it refers to never arrived. `shown` is the figure
// that the chart shows now.
export function decode(message, shown) {
  if (message.token) {
    const keyframe = keep(message);
    return { ...keyframe, base: keyframe };
  }
  const base = shown?.base.token === message.base ? shown.base : keyframes.get(message.base);
  return base ? patched(base, message) : null;
}

// Fresh objects for Plotly, which writes into what it is given. Arrays are shared: the same array means
// "unchanged" to Plotly.
export function materialize(figure, recolour) {
  const data = figure.traces.map((text) => JSON.parse(recolour(text)));
  for (const [trace, path, index] of figure.refs) {
    const names = path.split(".");
    const last = names.pop();
    let target = data[trace];
    for (const name of names) target = target[name] ??= {};
    target[last] = figure.arrays[index];
  }
  return { data, layout: JSON.parse(recolour(figure.layout)) };
}
