/** A field over a plane, with points on it: `<field-canvas .plot=${...}>`. */
import { written } from "../shell/language.js";
import { rangeOf } from "./colours.js";
import { asSvg, paintAxes, paintCursor, paintField, paintLevels, paintLine, paintPoints, pixelOf } from "./field_painting.js";
import { hideTip, say, showTip } from "./tip.js";

/**
 * @typedef {object} Side
 * @property {number} from
 * @property {number} to
 * @property {string} label  with its unit
 *
 * @typedef {object} Points
 * @property {ArrayLike<number>} x
 * @property {ArrayLike<number>} y
 * @property {ArrayLike<number>} [category]  whole numbers from 0; colour and shape
 * @property {ArrayLike<number>} [value]  in place of a category: coloured as the field is
 * @property {number} [radius]
 * @property {(index: number) => string} [describe]
 *
 * @typedef {object} FieldPlot
 * @property {string} label  what a screen reader calls it
 * @property {string} summary  the figure in words: its text twin
 * @property {Side} x
 * @property {Side} y  from is below
 * @property {boolean} dark
 * @property {ArrayLike<number>} [values]  row 0 is the topmost; NaN is left blank
 * @property {number} [rows]
 * @property {number} [columns]
 * @property {import("./colours.js").Palette} [palette]
 * @property {[number, number]} [range]
 * @property {string} [meaning]  of the colour, with its unit; beside the colours of the legend
 * @property {number[]} [levels]  lines of equal value
 * @property {Points[]} [points]
 * @property {{x: ArrayLike<number>, y: ArrayLike<number>, category?: number, name?: string}[]} [lines]  paths over the field
 * @property {(x: number, y: number, value: number) => string} [describe]
 * @property {(x: number, y: number) => void} [pick]  on a click, and on Enter at the cursor
 * @property {(x: number, y: number) => void} [drag]  while the pointer moves pressed
 * @property {number} [ratio]  height by width, 1 unless told
 * @property {boolean} [crisp]  every value a square of its own, as in a matrix; else they run into each other
 * @property {boolean} [bare]  neither axes nor legend: a small picture
 *
 * @typedef {{left: number, top: number, width: number, height: number, whole: [number, number]}} Box
 */

export class FieldCanvas extends HTMLElement {
  constructor() {
    super();
    this.canvas = document.createElement("canvas");
    this.twin = Object.assign(document.createElement("p"), { className: "unseen" });
    this.image = document.createElement("canvas");
    /** Axes and legend as they were last painted: letters take longer than all else. */
    this.axes = document.createElement("canvas");
    this.axesKey = "";
    this.still = Object.assign(document.createElement("canvas"), { width: 0 });
    /** @type {unknown[]} */
    this.stillKey = [];
    /** @type {FieldPlot | undefined} */
    this.shown = undefined;
    /** @type {[number, number] | undefined} */
    this.cursor = undefined;
    /** In CSS pixels; kept, because asking makes the browser lay the page out. */
    this.across = 0;
    /** @type {{dark: boolean, ink: string, soft: string, paper: string, font: string} | undefined} */
    this.inked = undefined;
    this.watcher = new ResizeObserver(() => {
      this.across = this.clientWidth;
      this.paint();
    });
  }

  connectedCallback() {
    this.replaceChildren(this.canvas, this.twin);
    this.canvas.setAttribute("role", "img");
    this.watcher.observe(this);
    this.canvas.onpointermove = (event) => this.onPoint(event);
    this.canvas.onpointerleave = () => this.leave();
    this.canvas.onclick = (event) => this.shown?.pick?.(...this.at(event));
    this.canvas.onkeydown = (event) => this.onKey(event);
    this.canvas.onfocus = () => this.canvas.matches(":focus-visible") && this.move(0, 0);
    this.canvas.onblur = () => this.leave();
  }

  disconnectedCallback() {
    this.watcher.disconnect();
  }

  /** @param {FieldPlot} plot */
  set plot(plot) {
    this.shown = plot;
    this.canvas.tabIndex = plot.bare && !plot.describe ? -1 : 0;
    if (this.canvas.getAttribute("aria-label") !== plot.label) this.canvas.setAttribute("aria-label", plot.label);
    if (this.twin.textContent !== plot.summary) this.twin.textContent = plot.summary;
    this.paint();
  }

  /**
   * Where the plane stands in the element, in CSS pixels.
   *
   * @returns {Box}
   */
  box() {
    const { bare = false, meaning, ratio = 1 } = this.shown ?? {};
    const width = this.across;
    const left = bare ? 0 : 46;
    const right = bare ? 0 : meaning ? 74 : 10;
    const [top, bottom] = bare ? [0, 0] : [8, 40];
    const inner = Math.max(10, width - left - right);
    return { left, top, width: inner, height: inner * ratio, whole: [width, inner * ratio + top + bottom] };
  }

  /** The page's colours and font, asked for again when the theme changes. @param {boolean} dark */
  inks(dark) {
    if (this.inked?.dark !== dark) {
      const style = getComputedStyle(this);
      const [ink, soft, paper] = ["--ink", "--soft", "--paper"].map((name) => style.getPropertyValue(name));
      this.inked = { dark, ink, soft, paper, font: `12px ${style.fontFamily}` };
    }
    return this.inked;
  }

  paint() {
    const plot = this.shown;
    if (!plot || !this.isConnected) return;
    this.across ||= this.clientWidth;
    if (!this.across) return;
    const box = this.box();
    const density = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = box.whole.map((side) => Math.round(side * density));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, ...box.whole);
    const { ink, soft, paper, font } = this.inks(plot.dark);
    pen.font = font;
    const range = plot.range ?? rangeOf(plot.values ?? [], plot.palette ?? "signed");
    if (plot.values) this.paintField(pen, plot, box, range);
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.width, box.height);
    pen.clip();
    if (plot.levels && plot.values) paintLevels(pen, plot, box, ink);
    for (const [index, line] of (plot.lines ?? []).entries()) paintLine(pen, plot, box, line, index);
    this.paintPoints(pen, plot, box, range, paper);
    if (this.cursor) paintCursor(pen, ...this.toPixels(...this.cursor), ink);
    pen.restore();
    if (!plot.bare) this.paintAxes(pen, plot, box, range, soft);
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range */
  paintField(pen, plot, box, range) {
    paintField(pen, plot, box, range, this.image);
  }

  /** Points that are those of the last painting are kept as a picture. @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {string} paper */
  paintPoints(pen, plot, box, range, paper) {
    const [first, ...others] = plot.points ?? [];
    if (!first) return;
    const { width, height } = this.canvas;
    const key = [first.x, first.y, first.category, first.radius, width, height, plot.dark, ...Object.values(plot.x), ...Object.values(plot.y)];
    const isSame = !first.value && key.every((each, i) => each === this.stillKey[i]);
    this.stillKey = key;
    if (!isSame) {
      this.still.width = 0;
      paintPoints(pen, plot, box, first, range, paper);
    } else {
      if (!this.still.width) {
        Object.assign(this.still, { width, height });
        const inner = /** @type {CanvasRenderingContext2D} */ (this.still.getContext("2d"));
        inner.setTransform(pen.getTransform());
        paintPoints(inner, plot, box, first, range, paper);
      }
      pen.drawImage(this.still, 0, 0, ...box.whole);
    }
    for (const points of others) paintPoints(pen, plot, box, points, range, paper);
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {string} soft */
  paintAxes(pen, plot, box, range, soft) {
    const { width, height } = this.canvas;
    const key = JSON.stringify([width, height, plot.x, plot.y, plot.meaning, plot.palette, plot.dark, range]);
    if (key !== this.axesKey) {
      this.axesKey = key;
      Object.assign(this.axes, { width, height }); // which empties it
      const inner = /** @type {CanvasRenderingContext2D} */ (this.axes.getContext("2d"));
      inner.setTransform(pen.getTransform());
      inner.font = pen.font;
      paintAxes(inner, plot, box, range, soft);
    }
    pen.drawImage(this.axes, 0, 0, ...box.whole);
  }

  /** From the plane to pixels. @param {number} x @param {number} y @returns {[number, number]} */
  toPixels(x, y) {
    return pixelOf(/** @type {FieldPlot} */ (this.shown), this.box(), x, y);
  }

  /** Where on the plane the pointer is. @param {MouseEvent} event @returns {[number, number]} */
  at(event) {
    const plot = /** @type {FieldPlot} */ (this.shown);
    const box = this.box();
    const { left, top } = this.canvas.getBoundingClientRect();
    const across = Math.max(0, Math.min(1, (event.clientX - left - box.left) / box.width));
    const down = Math.max(0, Math.min(1, (event.clientY - top - box.top) / box.height));
    return [plot.x.from + across * (plot.x.to - plot.x.from), plot.y.to - down * (plot.y.to - plot.y.from)];
  }

  /** What stands at a place: the nearest point, or the field. @param {number} x @param {number} y */
  told(x, y) {
    const plot = /** @type {FieldPlot} */ (this.shown);
    const [px, py] = this.toPixels(x, y);
    for (const points of plot.points ?? []) {
      for (let i = 0; points.describe && i < points.x.length; i++) {
        const [qx, qy] = this.toPixels(points.x[i], points.y[i]);
        if (Math.hypot(px - qx, py - qy) < (points.radius ?? 4) + 3) return points.describe(i);
      }
    }
    const value = this.valueAt(x, y);
    return plot.describe?.(x, y, value) ?? [plot.label, `${plot.x.label} ${written(x, 3)}, ${plot.y.label} ${written(y, 3)}`, plot.values && `${plot.meaning ?? ""} ${written(value)}`].filter(Boolean).join("\n");
  }

  /** @param {number} x @param {number} y */
  valueAt(x, y) {
    const { rows = 0, columns = 0, values, x: across, y: up } = /** @type {FieldPlot} */ (this.shown);
    if (!values) return NaN;
    const column = Math.min(columns - 1, Math.floor(((x - across.from) / (across.to - across.from)) * columns));
    const row = Math.min(rows - 1, Math.floor(((up.to - y) / (up.to - up.from)) * rows));
    return values[row * columns + column];
  }

  /** @param {PointerEvent} event */
  onPoint(event) {
    if (!this.shown) return;
    const [x, y] = this.at(event);
    if (event.buttons && this.shown.drag) this.shown.drag(x, y);
    showTip(this.told(x, y), event.clientX, event.clientY);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (move) this.move(move[0] / (event.shiftKey ? 100 : 20), move[1] / (event.shiftKey ? 100 : 20));
    else if (event.key === "Enter" && this.cursor) this.shown?.pick?.(...this.cursor);
    else return;
    event.preventDefault();
  }

  /** Move the cursor by parts of the plane, and tell what is there. @param {number} across @param {number} up */
  move(across, up) {
    const plot = this.shown;
    if (!plot) return;
    const [x, y] = this.cursor ?? [(plot.x.from + plot.x.to) / 2, (plot.y.from + plot.y.to) / 2];
    /** @param {number} value @param {Side} side @param {number} by */
    const within = (value, side, by) => Math.max(Math.min(side.from, side.to), Math.min(Math.max(side.from, side.to), value + by * (side.to - side.from)));
    this.cursor = [within(x, plot.x, across), within(y, plot.y, up)];
    this.paint();
    const told = this.told(...this.cursor);
    const { left, top } = this.canvas.getBoundingClientRect();
    const [px, py] = this.toPixels(...this.cursor);
    showTip(told, left + px, top + py);
    say(told.replaceAll("\n", ", "));
  }

  leave() {
    this.cursor = undefined;
    hideTip();
    this.paint();
  }

  /** The figure as an SVG text: the field as a picture in it, all else as lines and letters. */
  toSvg() {
    return this.shown ? asSvg(this.shown, this.box(), this.image) : "";
  }
}

customElements.define("field-canvas", FieldCanvas);
