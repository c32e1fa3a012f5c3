/** Input, kernel, output, and the arithmetic of the position that the kernel stands at. */
import { html } from "../../page/third_party/lit.js";
import { number, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { tex, texNumber } from "../../page/parts/formula.js";
import { matrix } from "../../page/parts/matrix.js";
import { tip } from "../../page/parts/tip.js";
import { written } from "../../page/shell/language.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const PICTURES = ["edge", "bar", "ring", "ramp", "noise", "own"];
const KERNELS = ["prewitt", "sobel", "scharr", "blur", "gauss", "sharpen", "laplace", "identity", "own"];
const EDGES = ["prewitt", "sobel", "scharr"];
/** Columns of an input that gets more room than the others. */
const LARGE = 10;

/** Which cell of the kernel lies on a cell of the padded input, if one does. @param {Context} c @param {number} row @param {number} column */
function overlaid(c, row, column) {
  const { stride, dilation } = c.settings;
  const [height, width] = c.frame.values.kernel;
  const down = (row - c.frame.values.row * stride) / dilation;
  const across = (column - c.frame.values.column * stride) / dilation;
  const isOn = Number.isInteger(down) && Number.isInteger(across) && down >= 0 && down < height && across >= 0 && across < width;
  return isOn ? [down, across] : undefined;
}

/** Cells as large as their numbers need, and small enough for all to be seen. @param {unknown} grid @param {number} columns @param {ArrayLike<number>} values */
function fitted(grid, columns, values) {
  const longest = Math.max(...Array.from(values, (value) => written(value).length));
  const least = Math.max(1.55, 0.5 * longest + 0.35);
  return html`<div class=${columns > LARGE ? "fitted large" : "fitted"} .style=${`--columns:${columns};--least:${least}rem;--most:${Math.max(2.5, least)}rem`}>${grid}</div>`;
}

/** Where a matrix is wider than its place, keep in sight what the kernel lies on and what comes of it. @param {Context} c */
function follow(c) {
  const { position } = c.frame.values;
  if (c.local.position === position) return;
  c.local.position = position;
  requestAnimationFrame(() => ["#matrix-matrix .within", "#matrix-result .current"].forEach(inSight));
}

/** @param {string} cells */
function inSight(cells) {
  const found = document.querySelectorAll(cells);
  const around = found[0]?.closest(".matrix");
  if (!around) return;
  const [outer, first, last] = [around, found[0], found[found.length - 1]].map((each) => each.getBoundingClientRect());
  if (first.left < outer.left) around.scrollLeft += first.left - outer.left - 4;
  else if (last.right > outer.right) around.scrollLeft += last.right - outer.right + 4;
}

/** @param {Context} c */
function input(c) {
  const { data, shape } = c.frame.arrays.matrix;
  const { padding } = c.settings;
  const [rows, columns] = c.frame.values.input;
  /** @param {number} row @param {number} column */
  const isInside = (row, column) => row >= padding && row < rows + padding && column >= padding && column < columns + padding;
  const grid = matrix(c, {
    name: "matrix", label: c.t("input"), values: data, rows: shape[0], columns: shape[1], current: [padding, padding],
    classes: (row, column) => `${overlaid(c, row, column) ? "within" : ""} ${isInside(row, column) ? "" : "outside"}`,
    canEdit: isInside,
    edit: (row, column, value) => c.act({ kind: "set_cell", of: "matrix", row: row - padding, column: column - padding, value }),
    describe: (row, column, value) => {
      const on = overlaid(c, row, column);
      const weight = on && c.frame.arrays.weights.data[on[0] * c.frame.values.kernel[1] + on[1]];
      return tip(
        isInside(row, column) ? c.t("cell.input", { row: row - padding + 1, column: column - padding + 1 }) : c.t("cell.padding"),
        c.number(value),
        weight !== undefined && `${c.number(value)} × ${c.number(weight)} = ${c.number(value * weight)}`,
      );
    },
  });
  return figure(c, { name: "input", title: c.t("input"), caption: c.t("input.caption", { rows, columns }), body: fitted(grid, shape[1], data), extra: html`<div class="controls">
    ${select(c, { name: "picture", options: PICTURES.filter((each) => each !== "own" || c.settings.picture === "own") })}
    ${slider(c, { name: "size", min: 3, max: 12, disabled: c.settings.picture === "own" })}
    ${slider(c, { name: "padding", min: 0, max: 4 })}
    ${c.settings.picture === "noise" ? number(c, { name: "seed", min: 0, step: 1 }) : ""}</div>` });
}

/** @param {Context} c */
function kernel(c) {
  const { data, shape } = c.frame.arrays.weights;
  const grid = matrix(c, {
    name: "weights", label: c.t("kernel.title"), values: data, rows: shape[0], columns: shape[1],
    edit: (row, column, value) => c.act({ kind: "set_cell", of: "weights", row, column, value }),
    describe: (row, column, value) => tip(c.t("cell.kernel", { row: row + 1, column: column + 1 }), c.number(value)),
  });
  return figure(c, { name: "kernel", title: c.t("kernel.title"), caption: shape.join(" × "), body: fitted(grid, shape[1], data), extra: html`<div class="controls">
    ${select(c, { name: "kernel", options: KERNELS.filter((each) => each !== "own" || c.settings.kernel === "own") })}
    ${EDGES.includes(c.settings.kernel) ? slider(c, { name: "angle", min: -180, max: 180, step: 15 }) : ""}
    ${slider(c, { name: "stride", min: 1, max: 4 })}
    ${slider(c, { name: "dilation", min: 1, max: 3 })}</div>` });
}

/** @param {Context} c */
function output(c) {
  const { data, shape } = c.frame.arrays.result;
  const { row, column } = c.frame.values;
  const grid = matrix(c, {
    name: "result", label: c.t("output"), values: data, rows: shape[0], columns: shape[1], current: [row, column], digits: 4,
    classes: (r, k) => (r === row && k === column ? "current" : ""),
    pick: (r, k) => c.frame.playing || c.act({ kind: "look", position: r * shape[1] + k }),
    describe: (r, k, value) => tip(c.t("cell.output", { row: r + 1, column: k + 1 }), c.number(value), c.t("cell.sum")),
  });
  return figure(c, { name: "output", title: c.t("output"), caption: shape.join(" × "), body: fitted(grid, shape[1], data) });
}

/** Every product and their sum. @param {Context} c */
function arithmetic(c) {
  const { row, column, sum } = c.frame.values;
  const [window, weights] = [c.frame.arrays.window.data, c.frame.arrays.weights.data];
  /** @param {number} value */
  const inBrackets = (value) => (value < 0 ? `(${texNumber(value)})` : texNumber(value));
  const products = Array.from(window, (value, at) => `${texNumber(value)}\\cdot${inBrackets(weights[at])}`);
  const width = c.frame.values.kernel[1];
  const lines = Array.from({ length: products.length / width }, (_, at) => products.slice(at * width, (at + 1) * width).join(" + "));
  const written = `\\begin{aligned} y_{${row + 1},${column + 1}} &= ${lines.join(" \\\\ &\\quad + ")} \\\\ &= ${texNumber(sum)} \\end{aligned}`;
  return html`<section class="panel"><h2>${c.t("arithmetic", { row: row + 1, column: column + 1 })}</h2>
    <p class="soft">${c.t("arithmetic.text")}</p><div class="wide" tabindex="0" role="region" aria-label=${c.t("arithmetic.region")} ${tex(written, true)}></div></section>`;
}

/** Where the output's size comes from, side by side where the sides differ. @param {Context} c */
function size(c) {
  const { stride, padding, dilation } = c.settings;
  const { input: sides, kernel: kernels, output: outcome } = c.frame.values;
  const formula = "o = \\left\\lfloor\\frac{n + 2p - d\\,(f - 1) - 1}{s}\\right\\rfloor + 1";
  /** @param {number} axis */
  const numbers = (axis) => `${outcome[axis]} = \\left\\lfloor\\frac{${sides[axis]} + 2\\cdot${padding} - ${dilation}\\,(${kernels[axis]} - 1) - 1}{${stride}}\\right\\rfloor + 1`;
  const isSquare = sides[0] === sides[1] && kernels[0] === kernels[1];
  return html`<section class="panel"><h2>${c.t("size.title")}</h2><p class="soft">${c.t("size.text")}</p>
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("size.region")}><div ${tex(formula, true)}></div>
    ${(isSquare ? [0] : [0, 1]).map((axis) => html`<div ${tex(numbers(axis), true)}></div>`)}</div></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => html`${c.t("at", { position: c.frame.values.position + 1, count: c.frame.arrays.result.data.length })}`,
  render: (c) => {
    follow(c);
    return html`<link rel="stylesheet" href="/exhibits/convolution/style.css">
    <div class="flow three">${input(c)}<span class="into" aria-hidden="true">∗</span>${kernel(c)}<span class="into" aria-hidden="true">→</span>${output(c)}</div>
    <div class="beside">${arithmetic(c)}${size(c)}</div>`;
  },
};
