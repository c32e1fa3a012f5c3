/** A small picture in coloured cells without numbers: to be drawn on with the pointer, or with the cursor keys and Enter. */
import { html, nothing } from "../third_party/lit.js";
import { colourOf } from "./colours.js";
import { drawingOf, mark } from "./drawing.js";
import { told } from "./told.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */

/**
 * @typedef {object} Pixels
 * @property {string} name  distinct on the page
 * @property {string} label  what a screen reader calls it
 * @property {ArrayLike<number>} values  in row-major order
 * @property {number} rows
 * @property {number} columns
 * @property {[number, number]} range  of the palette
 * @property {import("./colours.js").Palette} [palette]
 * @property {(index: number) => string} [classes]  of a cell: `current`, `outside`
 * @property {(index: number, value: number) => string} describe  a cell's tip: name, value, formula
 * @property {(index: number, value: 1 | -1) => void} [paint]  makes it a drawing of two values
 */

/** @type {1 | -1} what the pressed pointer draws */
let brush = 1;

/** @param {Context} c @param {Pixels} of */
export function pixels(c, of) {
  const { rows, columns, name } = of;
  const inRows = Array.from({ length: rows }, (_, row) => html`<tr>${Array.from({ length: columns }, (_, column) => cell(c, of, row, column))}</tr>`);
  return html`<div class="pixels" .toSvg=${() => saved(of)}><table id="pixels-${name}" data-refusals=${name} aria-label=${of.label}
    @keydown=${(/** @type {KeyboardEvent} */ event) => walk(event, rows, columns)}><tbody>${inRows}</tbody></table></div>`;
}

/** @param {Context} c @param {Pixels} of @param {number} row @param {number} column */
function cell(c, of, row, column) {
  const index = row * of.columns + column;
  const value = of.values[index];
  /** @type {1 | -1} */
  const other = value > 0 ? -1 : 1;
  const press = (/** @type {any} */ event) => {
    if (event.button) return;
    if (event.target.hasPointerCapture?.(event.pointerId)) event.target.releasePointerCapture(event.pointerId); // so that a finger draws on
    brush = other;
    of.paint?.(index, brush);
  };
  const draw = (/** @type {PointerEvent} */ event) => { if (event.buttons & 1 && value !== brush) of.paint?.(index, brush); };
  const toggle = (/** @type {MouseEvent} */ event) => { if (event.detail === 0) of.paint?.(index, other); };
  return html`<td><button type="button" data-cell="${row},${column}" class=${of.classes?.(index) ?? ""} .style=${`--cell:${colourOf(value, of.range, of.palette ?? "signed", c.dark).fill}`}
    ${told(c, () => of.describe(index, value))} tabindex=${index === 0 ? 0 : -1}
    @pointerdown=${of.paint ? press : nothing} @pointerenter=${of.paint ? draw : nothing} @click=${of.paint ? toggle : nothing}></button></td>`;
}

/** @param {KeyboardEvent} event @param {number} rows @param {number} columns */
function walk(event, rows, columns) {
  const [row, column] = (/** @type {HTMLElement} */ (event.target).dataset.cell ?? "0,0").split(",").map(Number);
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -column], End: [0, columns - 1 - column] };
  const move = moves[/** @type {keyof typeof moves} */ (event.key)];
  if (!move) return;
  event.preventDefault();
  /** @param {number} at @param {number} count */
  const within = (at, count) => Math.max(0, Math.min(count - 1, at));
  const next = /** @type {HTMLElement} */ (event.currentTarget).querySelector(`[data-cell="${within(row + move[0], rows)},${within(column + move[1], columns)}"]`);
  if (next instanceof HTMLElement) next.focus();
}

/** @param {Pixels} of */
function saved(of) {
  const side = 32;
  let inner = "";
  for (let index = 0; index < of.rows * of.columns; index++) {
    const { fill } = colourOf(of.values[index], of.range, of.palette ?? "signed", false);
    inner += mark("rect", { x: (index % of.columns) * side + 1, y: Math.floor(index / of.columns) * side + 1, width: side - 2, height: side - 2, fill });
  }
  return drawingOf(of.columns * side, of.rows * side, of.label, inner);
}
