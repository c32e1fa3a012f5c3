/** Figures as SVG texts, for saving. */
import { written } from "../shell/language.js";

/** @param {unknown} text */
export function escaped(text) {
  return String(text).replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter] ?? "");
}

/** One element. @param {string} name @param {Record<string, string | number>} attributes @param {string} [inner] */
export function mark(name, attributes, inner = "") {
  const told = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(typeof value === "number" ? +value.toFixed(2) : value)}"`);
  return `<${name}${told.join("")}>${inner}</${name}>`;
}

/** A text at a place. @param {number} x @param {number} y @param {string} text @param {Record<string, string | number>} [more] */
export function words(x, y, text, more = {}) {
  return mark("text", { x, y, ...more }, escaped(text));
}

/** The whole figure, on white. @param {number} width @param {number} height @param {string} title @param {string} inner */
export function drawingOf(width, height, title, inner) {
  const attributes = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "system-ui, sans-serif", "font-size": 12, fill: "#1c2127" };
  return mark("svg", attributes, `<title>${escaped(title)}</title>${mark("rect", { width, height, fill: "#ffffff" })}${inner}`);
}

/** Round numbers that divide a range into some `count` parts, two at least. @param {number} from @param {number} to @param {number} [count] @returns {number[]} */
export function ticks(from, to, count = 5) {
  const rough = Math.abs(to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10);
  const found = [];
  for (let i = Math.ceil(Math.min(from, to) / step - 1e-9); i * step <= Math.max(from, to) + step * 1e-9; i++) found.push(+(i * step).toPrecision(12));
  return found.length < 2 && count < 50 ? ticks(from, to, 2 * count) : found;
}

/** Numbers along an axis: with three significant digits, or as many as neighbours need to differ. @param {(number | null)[]} values @returns {string[]} */
export function alongAxis(values) {
  const told = values.filter((value) => value !== null);
  let digits = 3;
  while (digits < 12 && new Set(told.map((value) => written(value, digits))).size < new Set(told).size) digits++;
  return values.map((value) => (value === null ? "" : written(value, digits)));
}
