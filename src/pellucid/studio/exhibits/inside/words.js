/** Shapes, kinds and formulas as they are written. */

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** What stands here is drawn in so many turns while the network learns. */
export const TURNS = 4;

/** A shape (C, H, W) as height × width × channels, as the arrows write it. @param {number[]} shape */
export const dimensions = (shape) => (shape.length === 3 ? `${shape[1]}×${shape[2]}×${shape[0]}` : shape.join("×"));

/** What a layer is, in words where there are any for its class. @param {Context} c @param {string} kind */
export function kindOf(c, kind) {
  const told = c.t(`kind.${kind}`);
  return told === `kind.${kind}` ? kind : told;
}

/** A unit that is no map by its number; one of the answer by what it stands for, too. @param {Context} c @param {number} layer @param {number} unit */
export function unitName(c, layer, unit) {
  const { layers, answer } = c.frame.values;
  const name = layer === layers.length - 1 ? answer.names[unit] : undefined;
  return name === undefined ? String(unit + 1) : `${unit + 1} (“${name}”)`;
}

/** A receptive field's size. @param {Context} c @param {string} field */
export const extent = (c, field) => (field === "all" ? c.t("field.all") : field.replaceAll("x", " × "));

/** A number inside a formula, in brackets where it is below zero. @param {string} text */
export const bracketed = (text) => (text.startsWith("-") ? `(${text})` : text);

/** Numbers in a row of a matrix of pictures. @param {ArrayLike<number>} values @param {number} from @param {number} count */
export const part = (values, from, count) => Array.prototype.slice.call(values, from, from + count);

/** The size of the largest number, 1 where there is none. @param {ArrayLike<number>} values */
export function largest(values) {
  let found = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > found) found = Math.abs(values[i]);
  return Number.isFinite(found) && found ? found : 1;
}
