/**
 * A field of classes: `<class-field .plot=${...}>`. Each place has the colour of its likeliest class, the paler the less
 * likely. `kinds` holds the classes, `values` their probabilities; all else is a field's.
 */
import { CATEGORIES } from "./colours.js";
import { FieldCanvas } from "./field.js";

/** @typedef {import("./field.js").FieldPlot & {kinds: ArrayLike<number>}} ClassPlot */

/** @param {string} six */
const bytes = (six) => [1, 3, 5].map((at) => parseInt(six.slice(at, at + 2), 16));

export class ClassField extends FieldCanvas {
  /** @param {CanvasRenderingContext2D} pen @param {import("./field.js").FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} box */
  paintField(pen, plot, box) {
    const { rows = 0, columns = 0, values = [] } = plot;
    const { kinds } = /** @type {ClassPlot} */ (plot);
    const colours = CATEGORIES[plot.dark ? "dark" : "light"].map(bytes);
    const paper = plot.dark ? [20, 23, 27] : [255, 255, 255];
    if (this.image.width !== columns || this.image.height !== rows) Object.assign(this.image, { width: columns, height: rows });
    const inner = /** @type {CanvasRenderingContext2D} */ (this.image.getContext("2d"));
    const pixels = inner.createImageData(columns, rows);
    for (let i = 0; i < values.length; i++) {
      // the points on the field have the full colour: the field stays paler than they are
      const share = Number.isFinite(values[i]) ? 0.12 + 0.5 * values[i] : 0;
      const colour = colours[kinds[i] % colours.length];
      for (let k = 0; k < 3; k++) pixels.data[4 * i + k] = paper[k] + share * (colour[k] - paper[k]);
      pixels.data[4 * i + 3] = 255;
    }
    inner.putImageData(pixels, 0, 0);
    pen.drawImage(this.image, box.left, box.top, box.width, box.height);
  }
}

customElements.define("class-field", ClassField);
