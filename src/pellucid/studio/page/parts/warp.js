/** A field over a plane, a grid warped over it, and arrows: `<warped-field .plot=${...}>`, a `<field-canvas>` with more. */
import { category } from "./colours.js";
import { mark } from "./drawing.js";
import { FieldCanvas } from "./field.js";
import { pixelOf } from "./field_painting.js";

/**
 * @typedef {object} Mesh
 * @property {ArrayLike<number>} places  x and y of each knot, row by row
 * @property {number} rows
 * @property {number} columns  1 makes it a curve
 * @property {number} category  its colour
 *
 * @typedef {object} Arrows
 * @property {ArrayLike<number>} from  x and y of each
 * @property {ArrayLike<number>} to
 * @property {number} category
 *
 * @typedef {import("./field.js").FieldPlot & {mesh?: Mesh, arrows?: Arrows}} WarpPlot
 */

/** Twelve times as dense as if spread evenly over the plane is two thirds of the greatest opacity. */
const DENSE = 12;
const OPAQUE = 0.72;
/** Of the lines between cells. */
const EDGE = 0.5;

export class WarpedField extends FieldCanvas {
  /** @param {WarpPlot} plot */
  set plot(plot) {
    super.plot = plot;
  }

  /** @returns {WarpPlot} */
  get warped() {
    return this.shown ?? /** @type {any} */ ({});
  }

  /** @param {CanvasRenderingContext2D} pen @param {WarpPlot} plot @param {any} box @param {[number, number]} range */
  paintField(pen, plot, box, range) {
    super.paintField(pen, plot, box, range);
    this.clipped(pen, box, () => this.paintMesh(pen, plot));
  }

  /** @param {CanvasRenderingContext2D} pen @param {WarpPlot} plot @param {any} box @param {[number, number]} range @param {string} soft */
  paintAxes(pen, plot, box, range, soft) {
    this.clipped(pen, box, () => this.paintArrows(pen, plot));
    super.paintAxes(pen, plot, box, range, soft);
  }

  /** @param {CanvasRenderingContext2D} pen @param {any} box @param {() => void} paint */
  clipped(pen, box, paint) {
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.width, box.height);
    pen.clip();
    paint();
    pen.restore();
  }

  /** @param {CanvasRenderingContext2D} pen @param {WarpPlot} plot */
  paintMesh(pen, plot) {
    if (!plot.mesh) return;
    pen.fillStyle = pen.strokeStyle = category(plot.mesh.category, plot.dark);
    const cells = this.cells();
    for (const { corners, opacity } of cells) {
      pen.globalAlpha = corners.length === 2 ? 0.25 + opacity : opacity;
      pen.beginPath();
      for (const corner of corners) pen.lineTo(...corner);
      if (corners.length === 2) {
        pen.lineWidth = 4;
        pen.stroke();
      } else pen.fill();
    }
    // the edges of all cells as one path: cell by cell, they take longer than all else
    pen.globalAlpha = EDGE;
    pen.lineWidth = 0.7;
    pen.beginPath();
    for (const { corners } of cells.filter((each) => each.corners.length > 2)) {
      pen.moveTo(...corners[corners.length - 1]);
      for (const corner of corners) pen.lineTo(...corner);
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  /** Every cell of the mesh in pixels; each holds an equal share of all samples, so that a small one is dense. @returns {{corners: [number, number][], opacity: number}[]} */
  cells() {
    const { mesh } = this.warped;
    if (!mesh) return [];
    const { rows, columns, places } = mesh;
    const box = this.box();
    const knots = Array.from({ length: rows * columns }, (_, i) => pixelOf(this.warped, box, places[2 * i], places[2 * i + 1]));
    const isCurve = columns === 1;
    const found = [];
    for (let row = 0; row + 1 < rows; row++) {
      for (let column = 0; column + 1 < Math.max(columns, 2); column++) {
        const at = row * columns + column;
        const corners = isCurve ? [knots[at], knots[at + 1]] : [knots[at], knots[at + 1], knots[at + columns + 1], knots[at + columns]];
        const size = isCurve ? Math.hypot(corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]) / box.width : area(corners) / (box.width * box.height);
        const share = 1 / ((rows - 1) * Math.max(columns - 1, 1));
        found.push({ corners, opacity: OPAQUE * (1 - Math.exp(-share / Math.max(size, 1e-6) / DENSE)) });
      }
    }
    return found;
  }

  /** @param {CanvasRenderingContext2D} pen @param {WarpPlot} plot */
  paintArrows(pen, plot) {
    if (!plot.arrows) return;
    pen.strokeStyle = category(plot.arrows.category, plot.dark);
    pen.lineWidth = 1.4;
    pen.beginPath();
    for (const path of this.shafts()) path.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }

  /** Every arrow as one line in pixels: from its tail to its tip, and both sides of its head. @returns {[number, number][][]} */
  shafts() {
    const { arrows } = this.warped;
    if (!arrows) return [];
    const box = this.box();
    return Array.from({ length: arrows.to.length / 2 }, (_, i) => {
      const [x, y] = pixelOf(this.warped, box, arrows.from[2 * i], arrows.from[2 * i + 1]);
      const [tipX, tipY] = pixelOf(this.warped, box, arrows.to[2 * i], arrows.to[2 * i + 1]);
      const angle = Math.atan2(tipY - y, tipX - x);
      const head = Math.min(5, Math.hypot(tipX - x, tipY - y) / 2);
      /** @param {number} turn @returns {[number, number]} */
      const side = (turn) => [tipX - head * Math.cos(angle + turn), tipY - head * Math.sin(angle + turn)];
      return [[x, y], [tipX, tipY], side(0.5), [tipX, tipY], side(-0.5)];
    });
  }

  toSvg() {
    const { mesh, arrows } = this.warped;
    /** @param {[number, number][]} path */
    const written = (path) => path.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    const box = this.box();
    const clip = mark("clipPath", { id: "plane" }, mark("rect", { x: box.left, y: box.top, width: box.width, height: box.height }));
    const colour = mesh ? category(mesh.category, false) : "none";
    const cells = this.cells().map(({ corners, opacity }) => mark("polygon", { points: written(corners), fill: colour, "fill-opacity": opacity, stroke: colour, "stroke-opacity": 0.4, "stroke-width": 0.7 }));
    const shafts = this.shafts().map((path) => mark("polyline", { points: written(path), fill: "none", stroke: arrows ? category(arrows.category, false) : "none", "stroke-width": 1.4 }));
    /** @param {string[]} marks */
    const within = (marks) => mark("g", { "clip-path": "url(#plane)" }, marks.join(""));
    return super.toSvg().replace("</image>", `</image>${clip}${within(cells)}`).replace("</svg>", `${within(shafts)}</svg>`);
  }
}

/** Of a polygon, by the shoelace formula. @param {[number, number][]} corners */
function area(corners) {
  const twice = corners.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = corners[(at + 1) % corners.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

customElements.define("warped-field", WarpedField);
