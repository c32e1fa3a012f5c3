/** A field over a plane, with points on it: `<field-canvas .plot=${...}>`. */
import { contours } from "../third_party/d3-contour.js";
import { written } from "../shell/language.js";
import { SHAPES, category, colourOf, place, rangeOf, table } from "./colours.js";
import { drawingOf, mark, ticks, words } from "./drawing.js";
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
 * @property {boolean} [bare]  neither axes nor legend: a small picture
 */

export class FieldCanvas extends HTMLElement {
  constructor() {
    super();
    this.canvas = document.createElement("canvas");
    this.twin = Object.assign(document.createElement("p"), { className: "unseen" });
    this.image = document.createElement("canvas");
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
   * @returns {{left: number, top: number, width: number, height: number, whole: [number, number]}}
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
    if (plot.levels && plot.values) this.paintLevels(pen, plot, box, ink);
    for (const [index, line] of (plot.lines ?? []).entries()) this.paintLine(pen, plot, box, line, index);
    for (const points of plot.points ?? []) this.paintPoints(pen, plot, box, points, range, paper);
    if (this.cursor) cross(pen, ...this.toPixels(...this.cursor), ink);
    pen.restore();
    if (!plot.bare) this.paintAxes(pen, plot, box, range, soft);
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} box @param {[number, number]} range */
  paintField(pen, plot, box, [low, high]) {
    const { rows = 0, columns = 0, values = [] } = plot;
    const colours = table(plot.palette ?? "signed", plot.dark);
    if (this.image.width !== columns || this.image.height !== rows) Object.assign(this.image, { width: columns, height: rows });
    const inner = /** @type {CanvasRenderingContext2D} */ (this.image.getContext("2d"));
    const pixels = inner.createImageData(columns, rows);
    for (let i = 0; i < values.length; i++) {
      const at = 3 * place(values[i], low, high);
      pixels.data[4 * i] = colours[at];
      pixels.data[4 * i + 1] = colours[at + 1];
      pixels.data[4 * i + 2] = colours[at + 2];
      pixels.data[4 * i + 3] = Number.isNaN(values[i]) ? 0 : 255;
    }
    inner.putImageData(pixels, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(this.image, box.left, box.top, box.width, box.height);
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} box @param {string} ink */
  paintLevels(pen, plot, box, ink) {
    const { rows = 1, columns = 1, values = [], levels = [] } = plot;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.25;
    const make = contours().size([columns, rows]);
    for (const level of levels) {
      pen.beginPath();
      for (const polygon of make.contour(/** @type {number[]} */ (/** @type {unknown} */ (values)), level).coordinates) {
        for (const ring of polygon) {
          ring.forEach(([x, y], at) => {
            // lines along the edge of the field are the polygon's, not the level's
            const isEdge = x <= 0 || y <= 0 || x >= columns || y >= rows;
            const [px, py] = [box.left + (x / columns) * box.width, box.top + (y / rows) * box.height];
            if (at && !isEdge) pen.lineTo(px, py);
            else pen.moveTo(px, py);
          });
        }
      }
      pen.stroke();
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} _box @param {NonNullable<FieldPlot["lines"]>[number]} line @param {number} index */
  paintLine(pen, plot, _box, line, index) {
    pen.beginPath();
    for (let i = 0; i < line.x.length; i++) pen.lineTo(...this.toPixels(line.x[i], line.y[i]));
    pen.lineWidth = 2;
    pen.strokeStyle = category(line.category ?? index, plot.dark);
    pen.stroke();
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} _box @param {Points} points @param {[number, number]} range @param {string} paper */
  paintPoints(pen, plot, _box, points, range, paper) {
    const radius = points.radius ?? 4;
    pen.lineWidth = 1.25;
    pen.strokeStyle = paper;
    for (let i = 0; i < points.x.length; i++) {
      const kind = points.category?.[i] ?? 0;
      const colour = points.value ? colourOf(points.value[i], range, plot.palette ?? "signed", plot.dark).fill : category(kind, plot.dark);
      pen.fillStyle = colour;
      pen.beginPath();
      trace(pen, SHAPES[kind % SHAPES.length], ...this.toPixels(points.x[i], points.y[i]), radius);
      pen.fill();
      pen.stroke();
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {FieldPlot} plot @param {ReturnType<FieldCanvas["box"]>} box @param {[number, number]} range @param {string} soft */
  paintAxes(pen, plot, box, [low, high], soft) {
    const [bottom, right] = [box.top + box.height, box.left + box.width];
    pen.fillStyle = pen.strokeStyle = soft;
    pen.lineWidth = 1;
    pen.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
    pen.textAlign = "center";
    for (const at of ticks(plot.x.from, plot.x.to, box.width / 70)) pen.fillText(written(at), this.toPixels(at, plot.y.from)[0], bottom + 15);
    pen.fillText(plot.x.label, box.left + box.width / 2, bottom + 33);
    pen.textAlign = "right";
    for (const at of ticks(plot.y.from, plot.y.to, box.height / 50)) pen.fillText(written(at), box.left - 5, this.toPixels(plot.x.from, at)[1] + 4);
    pen.save();
    pen.translate(12, box.top + box.height / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(plot.y.label, 0, 0);
    pen.restore();
    if (!plot.meaning) return;
    const colours = table(plot.palette ?? "signed", plot.dark);
    for (let i = 0; i < 128; i++) {
      pen.fillStyle = `rgb(${colours[6 * i]} ${colours[6 * i + 1]} ${colours[6 * i + 2]})`;
      pen.fillRect(right + 10, bottom - ((i + 1) / 128) * box.height, 10, box.height / 128 + 0.6);
    }
    pen.fillStyle = soft;
    pen.textAlign = "left";
    for (const at of ticks(low, high, 4)) pen.fillText(written(at, 3), right + 24, bottom - ((at - low) / (high - low)) * box.height + 4);
    pen.save();
    pen.translate(box.whole[0] - 4, box.top + box.height / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(plot.meaning, 0, 0);
    pen.restore();
  }

  /** From the plane to pixels. @param {number} x @param {number} y @returns {[number, number]} */
  toPixels(x, y) {
    const plot = /** @type {FieldPlot} */ (this.shown);
    const box = this.box();
    return [
      box.left + ((x - plot.x.from) / (plot.x.to - plot.x.from)) * box.width,
      box.top + ((plot.y.to - y) / (plot.y.to - plot.y.from)) * box.height,
    ];
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
    const plot = this.shown;
    if (!plot) return "";
    const box = this.box();
    const range = plot.range ?? rangeOf(plot.values ?? [], plot.palette ?? "signed");
    let inner = plot.values ? mark("image", { x: box.left, y: box.top, width: box.width, height: box.height, preserveAspectRatio: "none", href: this.image.toDataURL() }) : "";
    for (const [index, line] of (plot.lines ?? []).entries()) {
      const path = Array.from(line.x, (x, i) => this.toPixels(x, line.y[i]).map((each) => each.toFixed(1)).join(",")).join(" ");
      inner += mark("polyline", { points: path, fill: "none", stroke: category(line.category ?? index, false), "stroke-width": 2 });
    }
    for (const points of plot.points ?? []) {
      for (let i = 0; i < points.x.length; i++) {
        const fill = points.value ? colourOf(points.value[i], range, plot.palette ?? "signed", false).fill : category(points.category?.[i] ?? 0, false);
        const [cx, cy] = this.toPixels(points.x[i], points.y[i]);
        inner += mark("circle", { cx, cy, r: points.radius ?? 4, fill, stroke: "#ffffff" });
      }
    }
    inner += mark("rect", { x: box.left, y: box.top, width: box.width, height: box.height, fill: "none", stroke: "#545d68" });
    const bottom = box.top + box.height;
    for (const at of ticks(plot.x.from, plot.x.to, box.width / 70)) inner += words(this.toPixels(at, plot.y.from)[0], bottom + 15, written(at), { "text-anchor": "middle" });
    for (const at of ticks(plot.y.from, plot.y.to, box.height / 50)) inner += words(box.left - 5, this.toPixels(plot.x.from, at)[1] + 4, written(at), { "text-anchor": "end" });
    inner += words(box.left + box.width / 2, bottom + 33, plot.x.label, { "text-anchor": "middle" });
    inner += mark("g", { transform: `translate(12 ${box.top + box.height / 2}) rotate(-90)` }, words(0, 0, plot.y.label, { "text-anchor": "middle" }));
    return drawingOf(Math.ceil(box.whole[0]), Math.ceil(box.whole[1]), plot.label, inner);
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {string} ink */
function cross(pen, x, y, ink) {
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(x - 5, y - 5, 10, 10);
}

/** A point's outline. @param {CanvasRenderingContext2D} pen @param {string} shape @param {number} x @param {number} y @param {number} r */
function trace(pen, shape, x, y, r) {
  /** @param {number[][]} corners */
  const polygon = (corners) => {
    for (const [dx, dy] of corners) pen.lineTo(x + dx * r, y + dy * r);
    pen.closePath();
  };
  const w = 0.42;
  const plus = [[-w, -1.15], [w, -1.15], [w, -w], [1.15, -w], [1.15, w], [w, w], [w, 1.15], [-w, 1.15], [-w, w], [-1.15, w], [-1.15, -w], [-w, -w]];
  const star = Array.from({ length: 10 }, (_, i) => [(i % 2 ? 0.5 : 1.25) * Math.sin((i * Math.PI) / 5), -(i % 2 ? 0.5 : 1.25) * Math.cos((i * Math.PI) / 5)]);
  if (shape === "square") polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
  else if (shape === "triangle") polygon([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
  else if (shape === "diamond") polygon([[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]]);
  else if (shape === "plus") polygon(plus);
  else if (shape === "cross") polygon(plus.map(([dx, dy]) => [(dx - dy) * Math.SQRT1_2, (dx + dy) * Math.SQRT1_2]));
  else if (shape === "star") polygon(star);
  else pen.arc(x, y, shape === "ring" ? r * 0.75 : r, 0, 2 * Math.PI);
}

customElements.define("field-canvas", FieldCanvas);
