/** A matrix of numbers in coloured cells: to be read, walked through with the cursor keys, and edited. */
import { html, nothing } from "../third_party/lit.js";
import { colourOf, rangeOf } from "./colours.js";
import { drawingOf, mark, words } from "./drawing.js";
import { inPieces } from "./kept.js";
import { settled } from "./settled.js";
import { told } from "./told.js";
import { written } from "../shell/language.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */

/**
 * @typedef {object} Matrix
 * @property {string} name  distinct on the page
 * @property {string} label  what a screen reader calls it
 * @property {ArrayLike<number>} values  in row-major order
 * @property {number} rows
 * @property {number} columns
 * @property {import("./colours.js").Palette} [palette]
 * @property {[number, number]} [range]  of the palette; the values' own by default
 * @property {(row: number, column: number) => string} [classes]  of a cell: `current`, `within`, `outside`
 * @property {(row: number, column: number, value: number) => string} [describe]  a cell's tip: name, value, formula
 * @property {(row: number, column: number, value: number) => void} [edit]  makes cells editable
 * @property {(row: number, column: number) => boolean} [canEdit]
 * @property {(row: number, column: number) => void} [pick]  on hover, focus and click
 * @property {[number, number]} [current]  the cell that the Tab key comes to
 * @property {number} [digits]
 * @property {import("./kept.js").Pieces} [pieces]  a wide one's columns are drawn in pieces while it plays
 */

/** @param {Context} c @param {Matrix} of */
export function matrix(c, of) {
  const { name, rows, columns, palette = "signed", current = [0, 0] } = of;
  const range = of.range ?? rangeOf(of.values, palette);
  const inRows = Array.from({ length: rows }, (_, row) => html`<tr>${inPieces(c, columns, of.pieces, (column) => cell(c, of, row, column, range))}</tr>`);
  return html`<div class="matrix" .toSvg=${() => saved(of, range)}><table id="matrix-${name}" data-refusals=${name} aria-label=${of.label}
    @keydown=${(/** @type {KeyboardEvent} */ event) => walk(event, rows, columns)} data-current=${current.join()}>
    <tbody>${inRows}</tbody></table></div>`;
}

/** @param {Context} c @param {Matrix} of @param {number} row @param {number} column @param {[number, number]} range */
function cell(c, of, row, column, range) {
  const value = of.values[row * of.columns + column];
  const { fill, ink } = colourOf(value, range, of.palette ?? "signed", c.dark);
  const said = told(c, () => of.describe?.(row, column, value) ?? `${of.label}\n${written(value)}`);
  const isCurrent = row === (of.current?.[0] ?? 0) && column === (of.current?.[1] ?? 0);
  const pick = of.pick ? () => of.pick?.(row, column) : nothing;
  const place = `${row},${column}`;
  const inner = of.edit && (of.canEdit?.(row, column) ?? true)
    ? html`<input ${said} data-cell=${place} inputmode="decimal" autocomplete="off" tabindex=${isCurrent ? 0 : -1}
        .value=${settled(plain(value, of.digits))} @focus=${(/** @type {any} */ event) => { event.target.select(); of.pick?.(row, column); }}
        @change=${(/** @type {any} */ event) => take(event.target, (number) => of.edit?.(row, column, number), plain(value, of.digits))}>`
    : html`<button ${said} type="button" data-cell=${place} tabindex=${isCurrent ? 0 : -1}
        @focus=${pick} @click=${pick}>${written(value, of.digits ?? 3)}</button>`;
  return html`<td class=${of.classes?.(row, column) ?? ""} .style=${`--cell:${fill};--cell-ink:${ink}`} @pointerenter=${pick}>${inner}</td>`;
}

/** @param {number} value @param {number} [digits] */
const plain = (value, digits = 4) => (Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "");

/** @param {HTMLInputElement} input @param {(value: number) => void} done @param {string} before */
function take(input, done, before) {
  const value = Number(input.value.replace("−", "-").replace(",", "."));
  if (input.value.trim() !== "" && Number.isFinite(value)) done(value);
  else input.value = before;
}

/** Cursor keys move between cells, Home and End along a row. @param {KeyboardEvent} event @param {number} rows @param {number} columns */
function walk(event, rows, columns) {
  const at = /** @type {HTMLElement} */ (event.target);
  const [row, column] = (at.dataset.cell ?? "0,0").split(",").map(Number);
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -column], End: [0, columns - 1 - column] };
  const move = moves[/** @type {keyof typeof moves} */ (event.key)];
  if (!move || (at instanceof HTMLInputElement && move[1] && isInside(at, move[1]))) return;
  const next = /** @type {HTMLElement} */ (event.currentTarget).querySelector(`[data-cell="${clamp(row + move[0], rows)},${clamp(column + move[1], columns)}"]`);
  event.preventDefault();
  if (next instanceof HTMLElement) next.focus();
}

/** Whether the caret has a way to go inside the text. @param {HTMLInputElement} input @param {number} way */
function isInside(input, way) {
  const isAll = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  return !isAll && (way < 0 ? input.selectionStart !== 0 : input.selectionEnd !== input.value.length);
}

/** @param {number} at @param {number} count */
const clamp = (at, count) => Math.max(0, Math.min(count - 1, at));

/** @param {Matrix} of @param {[number, number]} range */
function saved(of, range) {
  const side = 44;
  let inner = "";
  for (let row = 0; row < of.rows; row++) {
    for (let column = 0; column < of.columns; column++) {
      const value = of.values[row * of.columns + column];
      const { fill, ink } = colourOf(value, range, of.palette ?? "signed", false);
      const edge = of.classes?.(row, column).includes("current") ? { stroke: "#1c2127", "stroke-width": 2.5 } : { stroke: "#ffffff", "stroke-width": 1 };
      inner += mark("rect", { x: column * side + 1, y: row * side + 1, width: side - 2, height: side - 2, fill, ...edge });
      inner += words(column * side + side / 2, row * side + side / 2 + 4, written(value, 3), { "text-anchor": "middle", fill: ink });
    }
  }
  return drawingOf(of.columns * side, of.rows * side, of.label, inner);
}
