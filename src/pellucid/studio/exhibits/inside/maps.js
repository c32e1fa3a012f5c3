/** One map, or the image, as a picture of squares with frames over it: `<map-picture .plot=${...}>`. */
import { place, table } from "../../page/parts/colours.js";
import { drawingOf, mark } from "../../page/parts/drawing.js";
import { hideTip, say, showTip } from "../../page/parts/tip.js";

/**
 * @typedef {object} Frame  a rectangle over the picture, in units of the map
 * @property {number} top
 * @property {number} left
 * @property {number} height
 * @property {number} width
 * @property {"field" | "window" | "unit"} kind
 *
 * @typedef {object} MapPlot
 * @property {ArrayLike<number>} values  row by row; of an image bytes, channel by channel
 * @property {number} rows  as they are drawn
 * @property {number} columns
 * @property {number} [channels]  1 or 3 makes it an image of bytes
 * @property {[number, number]} [size]  rows and columns of the map itself, where it is drawn smaller
 * @property {number} [range]  the size of the number that is fully coloured
 * @property {Frame[]} [frames]
 * @property {string} [label]  what a screen reader calls it; without one it is said by what it stands in
 * @property {(row: number, column: number, value: number) => string} [describe]  a place's tip
 * @property {(row: number, column: number) => void} [pick]
 * @property {[number, number]} [at]  where the keyboard's cursor begins
 * @property {boolean} dark
 */

const SVG = "http://www.w3.org/2000/svg";

export class MapPicture extends HTMLElement {
  constructor() {
    super();
    this.canvas = document.createElement("canvas");
    this.over = document.createElementNS(SVG, "svg");
    this.over.setAttribute("aria-hidden", "true");
    this.over.setAttribute("preserveAspectRatio", "none");
    /** @type {MapPlot | undefined} */
    this.shown = undefined;
    /** @type {[number, number]} */
    this.cursor = [0, 0];
    this.drawn = ""; // the frames that stand over it
  }

  connectedCallback() {
    this.replaceChildren(this.canvas);
    if (this.over.firstChild) this.append(this.over);
    this.canvas.onpointermove = (event) => this.onPoint(event);
    this.canvas.onpointerleave = () => hideTip();
    this.canvas.onclick = (event) => this.shown?.pick?.(...this.placeOf(event));
    this.canvas.onkeydown = (event) => this.onKey(event);
    this.canvas.onfocus = () => { if (this.canvas.matches(":focus-visible")) this.tell(); };
    this.canvas.onblur = () => hideTip();
  }

  /** @param {MapPlot} plot */
  set plot(plot) {
    this.shown = plot;
    const { canvas } = this;
    if (plot.label) {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", plot.label);
      canvas.tabIndex = plot.describe || plot.pick ? 0 : -1;
    } else if (!canvas.hasAttribute("aria-hidden")) canvas.setAttribute("aria-hidden", "true");
    if (plot.at && document.activeElement !== canvas) this.cursor = plot.at;
    this.paint();
  }

  paint() {
    const plot = this.shown;
    if (!plot) return;
    const { rows, columns } = plot;
    if (this.canvas.width !== columns || this.canvas.height !== rows) Object.assign(this.canvas, { width: columns, height: rows });
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const pixels = pen.createImageData(columns, rows);
    if (plot.channels) paintBytes(pixels.data, plot.values, plot.channels);
    else paintSigned(pixels.data, plot.values, plot.range ?? 1, plot.dark);
    pen.putImageData(pixels, 0, 0);
    this.paintFrames(plot);
  }

  /** @param {MapPlot} plot */
  paintFrames(plot) {
    const [height, width] = plot.size ?? [plot.rows, plot.columns];
    const drawn = JSON.stringify([width, height, plot.frames]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.over.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.over.replaceChildren(...(plot.frames ?? []).map((frame) => {
      const rect = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries(clipped(frame, width, height))) rect.setAttribute(name, String(value));
      rect.setAttribute("class", frame.kind);
      rect.setAttribute("vector-effect", "non-scaling-stroke");
      return rect;
    }));
    // an empty one over every picture would double what the browser has to put together
    if (!this.over.firstChild) this.over.remove();
    else if (!this.over.isConnected) this.append(this.over);
  }

  /** Which place of the map the pointer is on. @param {MouseEvent} event @returns {[number, number]} */
  placeOf(event) {
    const [height, width] = this.whole();
    const box = this.canvas.getBoundingClientRect();
    /** @param {number} share @param {number} count */
    const within = (share, count) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
    return [within((event.clientY - box.top) / box.height, height), within((event.clientX - box.left) / box.width, width)];
  }

  /** @returns {[number, number]} */
  whole() {
    const { size, rows = 1, columns = 1 } = this.shown ?? {};
    return size ?? [rows, columns];
  }

  /** @param {number} row @param {number} column */
  valueAt(row, column) {
    const { values, rows, columns } = /** @type {MapPlot} */ (this.shown);
    const [height, width] = this.whole();
    return values[Math.floor((row * rows) / height) * columns + Math.floor((column * columns) / width)];
  }

  /** @param {PointerEvent} event */
  onPoint(event) {
    const at = this.placeOf(event);
    const said = this.shown?.describe?.(...at, this.valueAt(...at));
    if (said) showTip(said, event.clientX, event.clientY);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (move && (this.shown?.describe || this.shown?.pick)) {
      const [height, width] = this.whole();
      /** @param {number} at @param {number} count */
      const within = (at, count) => Math.max(0, Math.min(count - 1, at));
      this.cursor = [within(this.cursor[0] + move[0], height), within(this.cursor[1] + move[1], width)];
      this.shown.pick?.(...this.cursor);
      this.tell();
    } else if (event.key === "Enter") this.shown?.pick?.(...this.cursor);
    else return;
    event.preventDefault();
  }

  /** Say what stands at the cursor. */
  tell() {
    const said = this.shown?.describe?.(...this.cursor, this.valueAt(...this.cursor));
    if (!said) return;
    const [height, width] = this.whole();
    const box = this.canvas.getBoundingClientRect();
    showTip(said, box.left + ((this.cursor[1] + 0.5) / width) * box.width, box.top + ((this.cursor[0] + 0.5) / height) * box.height);
    say(said.replaceAll("\n", ", "));
  }

  toSvg() {
    const [height, width] = this.whole();
    const side = 320 / Math.max(height, width);
    const strokes = { field: "#6b3fa0", window: "#6b3fa0", unit: "#1c2127" };
    const frames = (this.shown?.frames ?? []).map((frame) => {
      const box = clipped(frame, width, height);
      return mark("rect", { x: box.x * side, y: box.y * side, width: box.width * side, height: box.height * side, fill: "none", stroke: strokes[frame.kind], "stroke-width": 2.5 });
    });
    const whole = { width: width * side, height: height * side };
    return drawingOf(whole.width, whole.height, this.shown?.label ?? "", mark("image", { ...whole, "image-rendering": "pixelated", preserveAspectRatio: "none", href: this.canvas.toDataURL() }) + frames.join(""));
  }
}

/** A frame within the picture: what lies in the border outside of it is cut off. @param {Frame} frame @param {number} width @param {number} height */
function clipped({ top, left, height: tall, width: wide }, width, height) {
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  return { x, y, width: Math.max(0, Math.min(width, left + wide) - x), height: Math.max(0, Math.min(height, top + tall) - y) };
}

/** @param {Uint8ClampedArray} into @param {ArrayLike<number>} values @param {number} channels */
function paintBytes(into, values, channels) {
  const count = values.length / channels;
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) into[4 * i + k] = values[(channels === 1 ? 0 : k) * count + i];
    into[4 * i + 3] = 255;
  }
}

/** @param {Uint8ClampedArray} into @param {ArrayLike<number>} values @param {number} range @param {boolean} dark */
function paintSigned(into, values, range, dark) {
  const colours = table("signed", dark);
  for (let i = 0; i < values.length; i++) {
    const at = 3 * place(values[i], -range, range);
    for (let k = 0; k < 3; k++) into[4 * i + k] = colours[at + k];
    into[4 * i + 3] = Number.isFinite(values[i]) ? 255 : 0;
  }
}

customElements.define("map-picture", MapPicture);
