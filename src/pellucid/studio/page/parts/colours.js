/**
 * One meaning for each colour: orange is below zero, grey is zero, blue is above; viridis is little to much; categories
 * have the colours of Okabe and Ito, which eyes of all kinds tell apart, and a dash or a shape beside them.
 */

/** @typedef {"signed" | "sequential"} Palette */

const VIRIDIS = "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f988b1fa08822a78528ae8032b67a3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51bfde725";
const SIGNED = {
  light: [[192, 86, 10], [240, 160, 96], [232, 234, 237], [120, 176, 228], [11, 92, 173]],
  dark: [[250, 158, 84], [166, 90, 34], [52, 58, 66], [42, 96, 152], [116, 181, 245]],
};
/** Of categories, in this order. */
export const CATEGORIES = {
  light: ["#0072b2", "#c14f00", "#007a59", "#a8518a", "#8a6d00", "#2b7fb8", "#4a5058", "#7a4b00"],
  dark: ["#56b4e9", "#f08a4b", "#2fc79b", "#e29bc6", "#e6c229", "#9bd0f0", "#c3cad3", "#d9a066"],
};
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2], [1, 4], [9, 3, 2, 3, 2, 3]];
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus", "star", "ring"];

/** @param {number} index @param {boolean} dark */
export const category = (index, dark) => CATEGORIES[dark ? "dark" : "light"][index % 8];

/** @type {Record<string, Uint8Array>} */
const tables = {};

/** 256 colours, three bytes each. @param {Palette} palette @param {boolean} dark @returns {Uint8Array} */
export function table(palette, dark) {
  const key = palette === "signed" ? `signed-${dark}` : palette;
  const anchors = palette === "signed" ? SIGNED[dark ? "dark" : "light"]
    : (VIRIDIS.match(/.{6}/g) ?? []).map((six) => [0, 2, 4].map((at) => parseInt(six.slice(at, at + 2), 16)));
  return (tables[key] ??= between(anchors));
}

/** @param {number[][]} anchors */
function between(anchors) {
  const bytes = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    for (let k = 0; k < 3; k++) bytes[3 * i + k] = Math.round(anchors[low][k] + (place - low) * (anchors[low + 1][k] - anchors[low][k]));
  }
  return bytes;
}

/** Where a value stands in a palette, 0 to 255. @param {number} value @param {number} low @param {number} high */
export function place(value, low, high) {
  return Math.max(0, Math.min(255, Math.round(((value - low) / (high - low || 1)) * 255)));
}

/** The range of numbers that a palette spans; of a signed one, zero is its middle. @param {ArrayLike<number>} values @param {Palette} palette @returns {[number, number]} */
export function rangeOf(values, palette) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high && values[i] !== Infinity) high = values[i];
  }
  if (!(low <= high) || !Number.isFinite(low)) return palette === "signed" ? [-1, 1] : [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return palette === "signed" ? [-size, size] : [low, high > low ? high : low + 1];
}

/** A value's colour as CSS writes it, and whether what is written on it is white. @param {number} value @param {[number, number]} range @param {Palette} palette @param {boolean} dark */
export function colourOf(value, [low, high], palette, dark) {
  if (!Number.isFinite(value)) return { fill: dark ? "#14171b" : "#ffffff", ink: dark ? "#e7eaee" : "#1c2127" };
  const bytes = table(palette, dark);
  const at = 3 * place(value, low, high);
  const [r, g, b] = bytes.subarray(at, at + 3);
  const [x, y, z] = [r, g, b].map((each) => (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
  // the ink that contrasts more: at a luminance of 0.18 black and white do alike
  return { fill: `rgb(${r} ${g} ${b})`, ink: 0.2126 * x + 0.7152 * y + 0.0722 * z > 0.18 ? "#000000" : "#ffffff" };
}
