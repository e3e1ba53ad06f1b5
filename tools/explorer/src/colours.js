// Colours of points. Groups: M. A. Petroff, "Accessible color sequences for data visualization", 2021, then further
// colours from drlim.plotting; quantities: viridis. Readers with colour blindness can tell both apart.

export const THEMES = {
  light: { page: [1, 1, 1], missing: [178, 180, 186], ink: "#222428", line: "#5b5f69", similar: "#bd1f01", other: "#3f90da" },
  dark: { page: [0.075, 0.08, 0.095], missing: [98, 102, 112], ink: "#e8e9ec", line: "#a9adb8", similar: "#ff7a5c", other: "#6db3f2" },
};

// Coefficients of a polynomial of degree 6 that is viridis to 1/255 or two (Matt Zucker, public domain).
const VIRIDIS = [
  [0.2777273272234177, 0.005407344544966578, 0.3340998053353061],
  [0.1050930431085774, 1.404613529898575, 1.384590162594685],
  [-0.3308618287255563, 0.214847559468213, 0.09509516302823659],
  [-4.634230498983486, -5.799100973351585, -19.33244095627987],
  [6.228269936347081, 14.17993336680509, 56.69055260068105],
  [4.776384997670288, -13.74514537774601, -65.35303263337234],
  [-5.435455855934631, 4.645852612178535, 26.3124352495832],
];

/** Return the colour of a share from 0 to 1, three numbers up to 255. */
export function viridis(share) {
  return [0, 1, 2].map((channel) => {
    let value = 0;
    for (let power = 6; power >= 0; power--) value = value * share + VIRIDIS[power][channel];
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  });
}

const SHADES = Array.from({ length: 256 }, (_, place) => viridis(place / 255));

/** Return three numbers of a colour such as "#3f90da". */
export function rgb(hex) {
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

export function css([red, green, blue]) {
  return `rgb(${red},${green},${blue})`;
}

/** Return a colour that stands out on a dark page: the darkest ones of the palette are made lighter. */
function onPage(colour, theme) {
  if (theme !== "dark") return colour;
  const light = (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255;
  const share = Math.max(0, Math.min(0.6, 0.45 - light) / 0.8);
  return colour.map((value) => Math.round(value + share * (255 - value)));
}

/** Return the colour of a group by its code from 1; palettes repeat. */
export function groupColour(palette, code, theme) {
  return code === 0 ? THEMES[theme].missing : onPage(rgb(palette[(code - 1) % palette.length]), theme);
}

/** Return the least and largest value of a column that are finite, and the range of its colours. */
export function rangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Return four bytes a point, of which the last is 128: see points.js. */
export function pointColours(column, n, palette, theme) {
  const colours = new Uint8Array(4 * n);
  const words = new Uint32Array(colours.buffer);
  const word = ([red, green, blue]) => (0x80000000 | (blue << 16) | (green << 8) | red) >>> 0; // little-endian
  if (!column) words.fill(word(groupColour(palette, 1, theme)));
  else if (column.kind === "category") {
    const table = Uint32Array.from({ length: column.categories.length + 1 }, (_, code) =>
      word(groupColour(palette, code, theme)),
    );
    for (let i = 0; i < n; i++) words[i] = table[column.values[i]];
  } else {
    const [low, high] = rangeOf(column.values);
    const factor = high > low ? 255 / (high - low) : 0;
    const table = Uint32Array.from(SHADES, word);
    const missing = word(THEMES[theme].missing);
    for (let i = 0; i < n; i++) {
      const value = column.values[i];
      words[i] = Number.isFinite(value) ? table[Math.round((value - low) * factor)] : missing;
    }
  }
  return colours;
}
