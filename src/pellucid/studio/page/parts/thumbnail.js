/** A field as a small picture, for who looks: `<small-field .plot=${...}>`. What it shows is said by what it stands in. */
import { place, table } from "./colours.js";

/**
 * @typedef {object} Thumbnail
 * @property {ArrayLike<number>} values  row 0 is the topmost
 * @property {number} side  rows and columns
 * @property {[number, number]} range
 * @property {boolean} dark
 */

export class SmallField extends HTMLElement {
  constructor() {
    super();
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
  }

  connectedCallback() {
    this.replaceChildren(this.canvas);
  }

  /** @param {Thumbnail} plot */
  set plot({ values, side, range: [low, high], dark }) {
    if (this.canvas.width !== side || this.canvas.height !== side) Object.assign(this.canvas, { width: side, height: side });
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const pixels = pen.createImageData(side, side);
    const colours = table("signed", dark);
    for (let i = 0; i < values.length; i++) {
      const at = 3 * place(values[i], low, high);
      for (let k = 0; k < 3; k++) pixels.data[4 * i + k] = colours[at + k];
      pixels.data[4 * i + 3] = Number.isFinite(values[i]) ? 255 : 0;
    }
    pen.putImageData(pixels, 0, 0);
  }
}

customElements.define("small-field", SmallField);
