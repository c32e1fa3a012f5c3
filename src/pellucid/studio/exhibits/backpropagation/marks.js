/** What is known at a stop, what lights up there, and how numbers and marks are called. */
import { colourOf } from "../../page/parts/colours.js";
import { tip } from "../../page/parts/tip.js";
import { LOSS } from "./layout.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {import("./layout.js").Cell} Cell */
/** @typedef {{phase: string, tensor: string, step: string, operand: number, is_part: boolean}} Stop */

/** @param {Context} c @returns {Stop} */
export const stopOf = (c) => c.frame.values.stops[c.frame.values.at];

/** @param {Context} c @param {string} source */
export const indexOf = (c, source) => c.frame.values.tensors.findIndex((/** @type {any} */ each) => each.source === source);

/** What the stops up to here have computed: values, gradients and updates by their tensors, the loss, the loss after it. @param {Context} c */
export function known(c) {
  /** @type {{v: Set<number>, g: Set<number>, u: Set<number>, loss: boolean, after: boolean}} */
  const found = { v: new Set(), g: new Set(), u: new Set(), loss: false, after: false };
  c.frame.values.tensors.forEach((/** @type {any} */ each, /** @type {number} */ i) => { if (each.role !== "value") found.v.add(i); });
  for (const stop of c.frame.values.stops.slice(0, c.frame.values.at + 1)) {
    const tensor = indexOf(c, stop.tensor);
    if (stop.phase === "forward") found.v.add(tensor);
    else if (stop.phase === "update") found.u.add(tensor);
    else if (stop.phase === "sum" || (["begin", "backward"].includes(stop.phase) && !stop.is_part)) found.g.add(tensor);
    else if (stop.phase === "loss") found.loss = true;
    else if (stop.phase === "after") found.after = true;
  }
  return found;
}

/** The tensor that is computed here, and the number of it that is worked through. @param {Context} c */
export function now(c) {
  const stop = stopOf(c);
  return { tensor: stop.tensor === "loss" ? LOSS : indexOf(c, stop.tensor), at: c.frame.values.element, phase: stop.phase };
}

/** What a cell has to do with this stop: `current`, `now`, `read`, or nothing. @param {Context} c @param {Cell} cell */
export function roleOf(c, cell) {
  const here = now(c);
  if (cell.tensor === here.tensor) return cell.at === here.at || cell.tensor === LOSS ? "current" : "now";
  return reads(c, cell) ? "read" : "";
}

/** Whether the worked number is computed from a cell's. @param {Context} c @param {Cell} cell */
export function reads(c, cell) {
  const source = c.frame.values.tensors[cell.tensor]?.source;
  return c.frame.values.worked.reads.some((/** @type {[string, string, number]} */ [, name, at]) => name === source && (at < 0 || at === cell.at));
}

/** A number of a cell: `v` its value, `g` its gradient, `u` its value after the update. @param {Context} c @param {"v" | "g" | "u"} kind @param {Cell} cell */
export function numberOf(c, kind, cell) {
  if (cell.tensor === LOSS) return kind === "v" ? c.frame.values.losses[c.frame.values.losses.length - 1] : kind === "u" ? c.frame.values.next_loss : NaN;
  return c.frame.arrays[`${kind}${cell.tensor}`]?.data[cell.at] ?? NaN;
}

/** The largest gradient of the round. @param {Context} c */
export function largest(c) {
  let most = 0;
  for (const [name, { data }] of Object.entries(c.frame.arrays)) {
    if (name.startsWith("g")) for (const value of data) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  }
  return most || 1;
}

/** The colour of a gradient: its sign, and the cube root of its share of the largest one. @param {Context} c @param {number} value @param {number} most */
export const tint = (c, value, most) => colourOf(Number.isFinite(value) ? Math.cbrt(value / most) : NaN, [-1, 1], "signed", c.dark);

/** How a number is called: W₂[1,2], of a tensor of one number W₂. @param {Context} c @param {number} tensor @param {number} at */
export function nameOf(c, tensor, at) {
  if (tensor === LOSS) return "E";
  const { plain, shape } = c.frame.values.tensors[tensor];
  const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
  if (count < 2) return plain;
  const places = [];
  for (let axis = shape.length - 1, rest = at; axis >= 0; axis--) {
    places.unshift((rest % shape[axis]) + 1);
    rest = Math.floor(rest / shape[axis]);
  }
  return `${plain}[${places.join(",")}]`;
}

/** What a cell says. @param {Context} c @param {Cell} cell @param {ReturnType<typeof known>} seen */
export function told(c, cell, seen) {
  const name = nameOf(c, cell.tensor, cell.at);
  const written = (/** @type {"v" | "g" | "u"} */ kind) => hidden(c, numberOf(c, kind, cell), c.settings.digits);
  const isLoss = cell.tensor === LOSS;
  const [hasValue, hasAfter] = isLoss ? [seen.loss, seen.after] : [seen.v.has(cell.tensor), seen.u.has(cell.tensor)];
  return tip(
    `${name} (${isLoss ? c.t("loss.of") : c.t(`role.${c.frame.values.tensors[cell.tensor].role}`)})`,
    hasValue ? `${name} = ${written("v")}` : c.t("mark.later"),
    seen.g.has(cell.tensor) && `∂E/∂${name} = ${written("g")}`,
    hasAfter && `${name}′ = ${written("u")}`,
  );
}

/** A number, or a question mark where the reader is asked for it. @param {Context} c @param {number} value @param {number} digits */
export const hidden = (c, value, digits) => (c.frame.values.hidden && !Number.isFinite(value) ? "?" : c.number(value, digits));
