/** One unit's arithmetic: every product, their sum, the bias, and the function behind. */
import { html, nothing } from "../../page/third_party/lit.js";
import { tex, texNumber } from "../../page/parts/formula.js";
import { matrix } from "../../page/parts/matrix.js";
import { tip } from "../../page/parts/tip.js";
import { partOf, sourceName } from "./making.js";
import { bracketed, largest, part, unitName } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const MOST_CELLS = 49;
const DIGITS = 3;
/** @param {number} value */
const short = (value) => texNumber(value, DIGITS);

/** @param {Context} c */
export function unit(c) {
  const { layers, unit: told } = c.frame.values;
  const at = layers[c.frame.values.chosen.layer];
  const isMap = at.shape.length === 3;
  const { layer, channel } = c.frame.values.chosen;
  const title = isMap ? c.t("unit.title", { row: told.row + 1, column: told.column + 1, channel: channel + 1, layer: at.name }) : c.t("unit.title.plain", { channel: unitName(c, layer, channel), layer: at.name });
  const lines = formulas(c);
  return html`<section class="panel unit"><h2>${title}</h2>${matrices(c)}
    ${lines.length ? html`<div class="wide" tabindex="0" role="region" aria-label=${c.t("unit.region")}>${lines.map((line) => html`<div ${tex(line, true)}></div>`)}</div>` : nothing}</section>`;
}

/** The window, the kernel and their products, of one channel. @param {Context} c */
function matrices(c) {
  const { sort, made, sizes } = c.frame.values.unit;
  const windows = c.frame.arrays["made.windows"];
  if (!windows) return nothing;
  const [, rows, columns] = sizes.windows;
  if (rows * columns > MOST_CELLS || windows.shape[1] !== rows) return html`<p class="soft">${c.t("window.large", { rows, columns })}</p>`;
  const index = sort === "conv" || sort === "dense" ? partOf(c) : 0;
  const count = rows * columns;
  const window = part(windows.data, index * count, count);
  const outside = c.frame.arrays["made.outside"]?.data;
  const read = `${sourceName(c)}, ${c.t("channel", { channel: made.channels[index] + 1 })}`;
  /** @param {number} row @param {number} column */
  const isOut = (row, column) => Boolean(outside?.[row * columns + column]);
  const most = Math.max(...window.filter((_, place) => !outside?.[place]));
  const given = grid(c, { name: "window", label: c.t("window.title", { source: read }), values: window, rows, columns,
    classes: (row, column) => `${isOut(row, column) ? "outside" : ""} ${sort === "max" && window[row * columns + column] === most && !isOut(row, column) ? "current" : ""}`,
    describe: (row, column, value) => tip(isOut(row, column) ? c.t("window.padding") : read, c.number(value), c.t("place", { row: row + 1, column: column + 1 })) });
  if (sort === "max" || sort === "mean") return html`<div class="flow arithmetic">${given}</div>`;
  const kernel = part(c.frame.arrays["made.kernels"].data, index * count, count);
  const products = window.map((value, place) => value * kernel[place]);
  return html`<div class="flow arithmetic">${given}<span class="sign" aria-hidden="true">∘</span>
    ${grid(c, { name: "kernel", label: c.t("kernel.title"), values: kernel, rows, columns, describe: (row, column, value) => tip(c.t("kernel.title"), c.number(value), c.t("place", { row: row + 1, column: column + 1 })) })}
    <span class="sign" aria-hidden="true">=</span>
    ${grid(c, { name: "products", label: c.t("products.title", { sum: c.number(made.sums[index], 3) }), values: products, rows, columns,
      describe: (row, column, value) => tip(c.t("product"), c.number(value), `${c.number(window[row * columns + column], 3)} × ${c.number(kernel[row * columns + column], 3)}`) })}</div>`;
}

/** @param {Context} c @param {import("../../page/parts/matrix.js").Matrix} of */
function grid(c, of) {
  const range = largest(of.values);
  return html`<div><small class="soft">${of.label}</small>${matrix(c, { ...of, digits: 2, range: [-range, range] })}</div>`;
}

/** @param {Context} c @returns {string[]} */
function formulas(c) {
  const { sort, made, value, then, row, column } = c.frame.values.unit;
  const isMap = c.frame.values.layers[c.frame.values.chosen.layer].shape.length === 3;
  const name = isMap ? `_{${c.frame.values.chosen.channel + 1},${row + 1},${column + 1}}` : `_{${c.frame.values.chosen.channel + 1}}`;
  const made_ = { conv: weighed, dense: weighed, terms: products, max: largestOf, mean: meanOf, curve: applied, norm: normed, sum: added, join: same }[/** @type {string} */ (sort)];
  const lines = made_ ? made_(c, made, name, value) : [];
  if (then && lines.length) lines.push(`a${name} = g(z${name}) = ${inserted(then.formula, short(value))} = ${short(then.value)}\\qquad\\text{(${then.name})}`);
  return lines;
}

/** The right side of a formula A = g(Z) with a number for Z. @param {string} formula @param {string} value */
function inserted(formula, value) {
  return formula.replace(/^A = /, "").replace(/(?<![\\a-zA-Z])Z(?![a-zA-Z])/g, bracketed(value));
}

/** @param {Context} c @param {any} made @param {string} name */
function weighed(c, made, name) {
  const index = partOf(c);
  const { sizes, sort } = c.frame.values.unit;
  const [, rows, columns] = sizes.windows;
  const count = rows * columns;
  const inner = sort === "conv" ? "\\sum_{u,v} W_{c,u,v}\\,X_{c,\\,i s+u-p,\\,j s+v-p}" : "\\sum_{i,j} W_{c,i,j}\\,X_{c,i,j}";
  const bias = made.has_bias ? " + b" : "";
  const lines = [`z = \\sum_{c=1}^{${made.channels.length + made.others}} \\underbrace{${inner}}_{s_c}${bias}`];
  if (count <= MOST_CELLS) {
    const [window, kernel] = [c.frame.arrays["made.windows"].data, c.frame.arrays["made.kernels"].data].map((data) => part(data, index * count, count));
    const terms = window.map((value, at) => `${bracketed(short(value))}\\cdot${bracketed(short(kernel[at]))}`);
    lines.push(inRows(`s_{${made.channels[index] + 1}}`, terms, made.sums[index], columns));
  }
  const sums = made.sums.map((/** @type {number} */ sum) => bracketed(short(sum)));
  if (made.others) sums.push(`\\underbrace{${bracketed(short(made.rest))}}_{${made.others}}`);
  if (made.has_bias) sums.push(`\\underbrace{${bracketed(short(made.bias))}}_{b}`);
  lines.push(inRows(`z${name}`, sums, made.total, 5));
  return lines;
}

/** A sum in as many rows as it needs. @param {string} name @param {string[]} terms @param {number} total @param {number} most  in a row */
function inRows(name, terms, total, most) {
  const rows = Array.from({ length: Math.ceil(terms.length / most) }, (_, at) => terms.slice(most * at, most * (at + 1)).join(" + "));
  return `\\begin{aligned} ${name} &= ${rows.join(" \\\\ &\\quad + ")} \\\\ &= ${short(total)} \\end{aligned}`;
}

/** @param {Context} c @param {any} made @param {string} name */
function products(c, made, name) {
  const [read, weights] = [c.frame.arrays["made.read"].data, c.frame.arrays["made.weights"].data];
  const terms = Array.from(read, (value, at) => `${bracketed(short(weights[at]))}\\cdot${bracketed(short(value))}`);
  if (made.others) terms.push(`\\underbrace{${bracketed(short(made.rest))}}_{${made.others}}`);
  if (made.has_bias) terms.push(`\\underbrace{${bracketed(short(made.bias))}}_{b}`);
  return [`z = \\sum_{f=1}^{${made.read}} w_f\\,x_f${made.has_bias ? " + b" : ""}`, inRows(`z${name}`, terms, made.total, 4)];
}

/** The numbers of the window that are within the map, as many as can be written. @param {Context} c */
function within(c) {
  const { data, shape: [, rows, columns] } = c.frame.arrays["made.windows"];
  const outside = c.frame.arrays["made.outside"].data;
  const numbers = part(data, 0, rows * columns).filter((_, at) => !outside[at]);
  return numbers.length <= MOST_CELLS ? numbers.map(short) : [...numbers.slice(0, 8).map(short), "\\dots"];
}

/** @param {Context} c @param {any} _ @param {string} name @param {number} value */
const largestOf = (c, _, name, value) => [`y${name} = \\max\\{${within(c).join(",\\; ")}\\} = ${short(value)}`];
/** @param {Context} c @param {any} made @param {string} name @param {number} value */
const meanOf = (c, made, name, value) => [`y${name} = \\tfrac{1}{${made.count}}\\left(${within(c).map(bracketed).join(" + ")}\\right) = ${short(value)}`];
/** @param {Context} _ @param {any} made @param {string} name @param {number} value */
const applied = (_, made, name, value) => [made.formula, `a${name} = ${inserted(made.formula, short(made.z))} = ${short(value)}`];
/** @param {Context} _ @param {any} made @param {string} name @param {number} value */
const normed = (_, made, name, value) => ["y = \\gamma\\,\\frac{x - \\mu}{\\sqrt{\\sigma^2 + \\varepsilon}} + \\beta",
  `y${name} = ${short(made.gamma)}\\cdot\\frac{${short(made.x)} - ${bracketed(short(made.mean))}}{\\sqrt{${short(made.variance)} + ${short(made.eps)}}} + ${bracketed(short(made.beta))} = ${short(value)}`];
/** @param {Context} _ @param {any} made @param {string} name @param {number} value */
const added = (_, made, name, value) => [`y${name} = ${made.sums.map((/** @type {number} */ sum) => bracketed(short(sum))).join(" + ")} = ${short(value)}`];
/** @param {Context} _ @param {any} _made @param {string} name @param {number} value */
const same = (_, _made, name, value) => [`y${name} = ${short(value)}`];
