/** A surface with contours, and paths that run over it: `<race-field .plot=${...}>`, a `<field-canvas>` with more. */
import { CATEGORIES, DASHES, category } from "../../page/parts/colours.js";
import { mark, words } from "../../page/parts/drawing.js";
import { FieldCanvas } from "../../page/parts/field.js";
import { paintLevels, paintPoints } from "../../page/parts/field_painting.js";

/**
 * @typedef {object} Path
 * @property {string} name
 * @property {number} category  its colour, dash and shape
 * @property {number[]} x
 * @property {number[]} y
 * @property {(step: number) => string} told  what a place of it says
 * @property {(step: number) => [number, number]} slope  the gradient at a place
 *
 * @typedef {object} Mark
 * @property {number} x
 * @property {number} y
 * @property {"start" | "minimum" | "critical"} kind
 * @property {string} told
 *
 * @typedef {import("../../page/parts/field.js").FieldPlot & {paths: Path[], marks: Mark[], contours: number[], way?: [number, number][]}} RacePlot
 * @typedef {CanvasRenderingContext2D} Pen
 */

/** How near the pointer must be, in pixels, and how long the arrow against the gradient is. */
const NEAR = 9;
const ARROW = 42;
/** A label of this height, this far from its path's head. */
const LINE = 14;
/** Narrower pictures would be hidden by the names; shapes and colours are those of the table. */
const ROOMY = 300;

export class RaceField extends FieldCanvas {
  constructor() {
    super();
    /** The surface and its contours as they were last painted: they stay while paths grow. */
    this.ground = document.createElement("canvas");
    this.painted = /** @type {unknown[]} */ ([]);
    /** @type {{path: Path, step: number} | undefined} */
    this.pointed = undefined;
  }

  /** @param {RacePlot} plot */
  set plot(plot) {
    super.plot = plot;
  }

  /** @returns {RacePlot} */
  get race() {
    return this.shown ?? /** @type {any} */ ({ paths: [], marks: [], contours: [] });
  }

  /** @param {Pen} pen @param {RacePlot} plot @param {import("../../page/parts/field.js").Box} box @param {[number, number]} range */
  paintField(pen, plot, box, range) {
    const keys = [plot.values, box.width, box.height, box.left, plot.dark, this.canvas.width];
    if (keys.some((key, at) => key !== this.painted[at])) {
      this.painted = keys;
      Object.assign(this.ground, { width: this.canvas.width, height: this.canvas.height });
      const under = /** @type {Pen} */ (this.ground.getContext("2d"));
      under.setTransform(pen.getTransform());
      super.paintField(under, plot, box, range);
      under.globalAlpha = 0.42;
      paintLevels(under, { ...plot, levels: plot.contours }, box, plot.dark ? "#ffffff" : "#10151b");
    }
    const density = pen.getTransform().a;
    pen.drawImage(this.ground, 0, 0, this.ground.width / density, this.ground.height / density);
  }

  /** @param {Pen} pen @param {RacePlot} plot @param {import("../../page/parts/field.js").Box} box @param {[number, number]} range @param {string} soft */
  paintAxes(pen, plot, box, range, soft) {
    const { ink, paper } = this.inks(plot.dark);
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.width, box.height);
    pen.clip();
    pen.lineJoin = "round";
    if (plot.way) this.stroke(pen, plot.way.map(([x, y]) => this.toPixels(x, y)), paper, ink, [1, 5], 3);
    for (const path of plot.paths) this.stroke(pen, this.pixels(path), paper, category(path.category, plot.dark), DASHES[path.category % 8], 2.2);
    for (const each of plot.marks) this.paintMark(pen, each, ink, paper);
    this.paintHeads(pen, plot, paper);
    if (this.pointed) this.paintPointed(pen, this.pointed, ink, paper);
    pen.restore();
    super.paintAxes(pen, plot, box, range, soft);
  }

  /** The places of a path, as far as they are worth drawing. @param {Path} path @returns {[number, number][]} */
  pixels(path) {
    const found = /** @type {[number, number][]} */ ([]);
    for (let i = 0; i < path.x.length; i++) {
      const place = this.toPixels(path.x[i], path.y[i]);
      // pens are not exact far outside of what they paint on
      if (!place.every((each) => Math.abs(each) < 1e5)) break;
      found.push(place);
    }
    return found;
  }

  /** A line with a rim, so that it stands out from any colour. @param {Pen} pen @param {[number, number][]} places @param {string} rim @param {string} colour @param {number[]} dash @param {number} width */
  stroke(pen, places, rim, colour, dash, width) {
    pen.beginPath();
    for (const place of places) pen.lineTo(...place);
    pen.globalAlpha = 0.75;
    pen.strokeStyle = rim;
    pen.lineWidth = width + 2.6;
    pen.stroke();
    pen.globalAlpha = 1;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** @param {Pen} pen @param {Mark} each @param {string} ink @param {string} paper */
  paintMark(pen, each, ink, paper) {
    const [x, y] = this.toPixels(each.x, each.y);
    pen.beginPath();
    if (each.kind === "minimum") star(pen, x, y, 8);
    else pen.arc(x, y, each.kind === "start" ? 6.5 : 4, 0, 2 * Math.PI);
    pen.lineWidth = each.kind === "start" ? 5 : 3.5;
    pen.strokeStyle = paper;
    pen.stroke();
    pen.lineWidth = each.kind === "start" ? 2.4 : 1.6;
    pen.strokeStyle = pen.fillStyle = ink;
    pen.stroke();
    if (each.kind === "minimum") pen.fill();
  }

  /** Where each path has come to, with its name; names stand below each other where heads are close. @param {Pen} pen @param {RacePlot} plot @param {string} paper */
  paintHeads(pen, plot, paper) {
    for (const { name, path, textX, textY, align } of this.heads()) {
      const last = path.x.length - 1;
      paintPoints(pen, plot, this.box(), { x: [path.x[last]], y: [path.y[last]], category: [path.category], radius: 6 }, [0, 1], paper);
      if (this.box().width < ROOMY) continue;
      pen.fillStyle = category(path.category, plot.dark);
      pen.strokeStyle = paper;
      pen.textAlign = align;
      pen.lineWidth = 3.5;
      pen.strokeText(name, textX, textY);
      pen.fillText(name, textX, textY);
    }
  }

  /** @returns {{name: string, path: Path, x: number, y: number, textX: number, textY: number, align: CanvasTextAlign}[]} */
  heads() {
    const box = this.box();
    const found = this.race.paths.flatMap((path) => {
      const [x, y] = this.pixels(path).at(-1) ?? [NaN, NaN];
      const isInside = x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
      return isInside ? [{ name: path.name, path, x, y, textX: 0, textY: y + 4, align: /** @type {CanvasTextAlign} */ ("left") }] : [];
    });
    const placed = /** @type {typeof found} */ ([]);
    for (const head of found.sort((a, b) => a.y - b.y)) {
      const isLeft = head.x > box.left + box.width - 90;
      Object.assign(head, { align: isLeft ? "right" : "left", textX: head.x + (isLeft ? -10 : 10) });
      for (const other of placed) if (Math.abs(other.x - head.x) < 90 && head.textY - other.textY < LINE) head.textY = other.textY + LINE;
      placed.push(head);
    }
    const over = Math.max(0, ...placed.map(({ textY }) => textY - (box.top + box.height - 4)));
    for (const head of placed) if (over && head.textY > box.top + box.height - LINE * placed.length) head.textY -= over;
    return placed;
  }

  /** A step that is pointed at: its update to the next place, and against its gradient. @param {Pen} pen @param {{path: Path, step: number}} pointed @param {string} ink @param {string} paper */
  paintPointed(pen, { path, step }, ink, paper) {
    if (step >= path.x.length) return;
    const from = this.toPixels(path.x[step], path.y[step]);
    const [gx, gy] = path.slope(step);
    const along = this.toPixels(path.x[step] - gx, path.y[step] - gy);
    const length = Math.hypot(along[0] - from[0], along[1] - from[1]) || 1;
    /** @type {[number, number]} */
    const down = [from[0] + ((along[0] - from[0]) / length) * ARROW, from[1] + ((along[1] - from[1]) / length) * ARROW];
    this.stroke(pen, [from, down, ...head(from, down)], paper, ink, [3, 2], 1.6);
    if (step + 1 < path.x.length) {
      const to = this.toPixels(path.x[step + 1], path.y[step + 1]);
      this.stroke(pen, [from, to, ...head(from, to)], paper, ink, [], 2.4);
    }
  }

  /** What stands at a place: a step of a path, a mark, or the surface. @param {number} x @param {number} y */
  told(x, y) {
    const [px, py] = this.toPixels(x, y);
    let near = NEAR;
    /** @type {{path: Path, step: number} | undefined} */
    let found;
    for (const path of this.race.paths) {
      this.pixels(path).forEach(([qx, qy], step) => {
        const far = Math.hypot(px - qx, py - qy);
        if (far < near) [near, found] = [far, { path, step }];
      });
    }
    const isOther = found?.path.name !== this.pointed?.path.name || found?.step !== this.pointed?.step;
    this.pointed = found;
    if (isOther) this.paint();
    if (found) return found.path.told(found.step);
    const here = this.race.marks.find((each) => {
      const [qx, qy] = this.toPixels(each.x, each.y);
      return Math.hypot(px - qx, py - qy) < NEAR;
    });
    return here?.told ?? super.told(x, y);
  }

  /** The cursor sets out from the start, which Enter moves. @param {number} across @param {number} up */
  move(across, up) {
    const start = this.race.marks.find(({ kind }) => kind === "start");
    if (!this.cursor && start) this.cursor = /** @type {[number, number]} */ ([start.x, start.y]);
    super.move(across, up);
  }

  leave() {
    this.pointed = undefined;
    super.leave();
  }

  toSvg() {
    const plot = this.race;
    const box = this.box();
    const shown = /** @type {RacePlot} */ (this.shown);
    const heads = this.heads();
    const points = [{ x: heads.map(({ path }) => path.x[path.x.length - 1]), y: heads.map(({ path }) => path.y[path.y.length - 1]), category: heads.map(({ path }) => path.category), radius: 6 }];
    this.shown = { ...shown, levels: plot.contours, points };
    const under = super.toSvg();
    this.shown = shown;
    const clip = mark("clipPath", { id: "plane" }, mark("rect", { x: box.left, y: box.top, width: box.width, height: box.height }));
    const paths = plot.paths.map((path) => lined(this.pixels(path), CATEGORIES.light[path.category % 8], DASHES[path.category % 8], 2.2));
    const marks = plot.marks.map((each) => {
      const [cx, cy] = this.toPixels(each.x, each.y);
      return mark("circle", { cx, cy, r: each.kind === "critical" ? 4 : 6, fill: each.kind === "minimum" ? "#1c2127" : "none", stroke: "#1c2127", "stroke-width": 2 });
    });
    const names = heads.map(({ name, path, textX, textY, align }) => words(textX, textY, name, {
      fill: CATEGORIES.light[path.category % 8], stroke: "#ffffff", "stroke-width": 3, "paint-order": "stroke", "text-anchor": align === "right" ? "end" : "start",
    }));
    const way = plot.way ? [lined(plot.way.map(([x, y]) => this.toPixels(x, y)), "#1c2127", [1, 5], 3)] : [];
    return under.replace("</svg>", `${clip}${mark("g", { "clip-path": "url(#plane)" }, [...way, ...paths, ...marks, ...names].join(""))}</svg>`);
  }
}

/** @param {Pen} pen @param {number} x @param {number} y @param {number} r */
function star(pen, x, y, r) {
  for (let i = 0; i < 10; i++) {
    const far = i % 2 ? 0.42 * r : r;
    pen.lineTo(x + far * Math.sin((i * Math.PI) / 5), y - far * Math.cos((i * Math.PI) / 5));
  }
  pen.closePath();
}

/** A line with a white rim. @param {[number, number][]} places @param {string} stroke @param {number[]} dash @param {number} width */
function lined(places, stroke, dash, width) {
  const points = places.map((place) => place.map((each) => each.toFixed(1)).join(",")).join(" ");
  const rim = mark("polyline", { points, fill: "none", stroke: "#ffffff", "stroke-opacity": 0.75, "stroke-width": width + 2.6 });
  return rim + mark("polyline", { points, fill: "none", stroke, "stroke-width": width, "stroke-dasharray": dash.join(" ") || "none" });
}

/** Both sides of an arrow's head, after its tip. @param {[number, number]} from @param {[number, number]} to @returns {[number, number][]} */
function head(from, to) {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const size = Math.min(7, Math.hypot(to[0] - from[0], to[1] - from[1]) / 2);
  /** @param {number} turn @returns {[number, number]} */
  const side = (turn) => [to[0] - size * Math.cos(angle + turn), to[1] - size * Math.sin(angle + turn)];
  return [side(0.5), to, side(-0.5)];
}

customElements.define("race-field", RaceField);
