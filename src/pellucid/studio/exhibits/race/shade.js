/** How a loss over the plane is coloured: by its logarithm where it spans decades, around zero where it has no least. */

/**
 * @typedef {object} Shade
 * @property {"log" | "linear" | "signed"} scale
 * @property {Float64Array} values  what is coloured
 * @property {[number, number]} range
 * @property {number[]} contours
 */

/** The highest over the tenth part from which on the logarithm is shown. */
const SPAN = 10;
const LEVELS = 14;

/** @param {ArrayLike<number>} field @param {number | null} least @returns {Shade} */
export function shaded(field, least) {
  const known = Array.from(field).filter(Number.isFinite).sort((a, b) => a - b);
  if (!known.length) return { scale: "linear", values: Float64Array.from(field), range: [0, 1], contours: [] };
  /** @param {number[]} sorted @param {number} share */
  const quantile = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))];
  if (least === null) {
    const far = Math.max(Math.abs(quantile(known, 0.02)), Math.abs(quantile(known, 0.98)));
    return { scale: "signed", values: Float64Array.from(field), range: [-far, far], contours: between(-far, far) };
  }
  const [low, high] = [quantile(known, 0.1) - least, quantile(known, 0.98) - least];
  if (!(high > SPAN * low)) {
    const from = Math.min(known[0], least);
    return { scale: "linear", values: Float64Array.from(field), range: [from, high + least], contours: between(from, high + least) };
  }
  // the bottom of a valley lies between the places that are computed, and would reach down without end
  const floor = Math.max(quantile(known, 0.003) - least, high * 1e-6);
  const values = Float64Array.from(field, (value) => (Number.isFinite(value) ? Math.log10(Math.max(value - least, floor)) : NaN));
  const range = /** @type {[number, number]} */ ([Math.log10(floor), Math.log10(high)]);
  return { scale: "log", values, range, contours: between(...range) };
}

/** @param {number} low @param {number} high */
const between = (low, high) => Array.from({ length: LEVELS }, (_, i) => low + ((i + 1) / (LEVELS + 1)) * (high - low));
