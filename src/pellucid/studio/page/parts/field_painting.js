/** How a field, its lines and points, its axes and legend are painted, and written as SVG. */
import { contours } from "../third_party/d3-contour.js";
import { written } from "../shell/language.js";
import { DASHES, SHAPES, category, colourOf, place, rangeOf, table } from "./colours.js";
import { drawingOf, mark, ticks, words } from "./drawing.js";

/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {import("./field.js").FieldPlot} FieldPlot */
/** @typedef {import("./field.js").Points} Points */
/** @typedef {import("./field.js").Box} Box */

/** From the plane to pixels. @param {FieldPlot} plot @param {Box} box @param {number} x @param {number} y @returns {[number, number]} */
export function pixelOf(plot, box, x, y) {
  return [
    box.left + ((x - plot.x.from) / (plot.x.to - plot.x.from)) * box.width,
    box.top + ((plot.y.to - y) / (plot.y.to - plot.y.from)) * box.height,
  ];
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {HTMLCanvasElement} image  holds a pixel for each value */
export function paintField(pen, plot, box, [low, high], image) {
  const { rows = 0, columns = 0, values = [] } = plot;
  const colours = table(plot.palette ?? "signed", plot.dark);
  if (image.width !== columns || image.height !== rows) Object.assign(image, { width: columns, height: rows });
  const inner = /** @type {Pen} */ (image.getContext("2d"));
  const pixels = inner.createImageData(columns, rows);
  for (let i = 0; i < values.length; i++) {
    const at = 3 * place(values[i], low, high);
    pixels.data[4 * i] = colours[at];
    pixels.data[4 * i + 1] = colours[at + 1];
    pixels.data[4 * i + 2] = colours[at + 2];
    pixels.data[4 * i + 3] = Number.isNaN(values[i]) ? 0 : 255;
  }
  inner.putImageData(pixels, 0, 0);
  pen.imageSmoothingEnabled = !plot.crisp;
  pen.drawImage(image, box.left, box.top, box.width, box.height);
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {string} ink */
export function paintLevels(pen, plot, box, ink) {
  pen.strokeStyle = ink;
  pen.lineWidth = 1.25;
  pen.beginPath();
  for (const path of levelPaths(plot, box)) path.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

/** The lines of equal value, in pixels. @param {FieldPlot} plot @param {Box} box @returns {[number, number][][]} */
function levelPaths(plot, box) {
  const { rows = 1, columns = 1, values = [], levels = [] } = plot;
  const make = contours().size([columns, rows]);
  /** @type {[number, number][][]} */
  const found = [];
  for (const level of levels) {
    for (const ring of make.contour(/** @type {number[]} */ (/** @type {unknown} */ (values)), level).coordinates.flat()) {
      found.push([]);
      for (const [x, y] of ring) {
        // lines along the edge of the field are the polygon's, not the level's
        if (x <= 0 || y <= 0 || x >= columns || y >= rows) found.push([]);
        found[found.length - 1].push([box.left + (x / columns) * box.width, box.top + (y / rows) * box.height]);
      }
    }
  }
  return found.filter((path) => path.length > 1);
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {NonNullable<FieldPlot["lines"]>[number]} line @param {number} index */
export function paintLine(pen, plot, box, line, index) {
  const kind = line.category ?? index;
  pen.beginPath();
  for (let i = 0; i < line.x.length; i++) pen.lineTo(...pixelOf(plot, box, line.x[i], line.y[i]));
  pen.lineWidth = 2;
  pen.strokeStyle = category(kind, plot.dark);
  pen.setLineDash(DASHES[kind % 8]);
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {Points} points @param {[number, number]} range @param {string} paper */
export function paintPoints(pen, plot, box, points, range, paper) {
  const radius = points.radius ?? 4;
  const density = pen.getTransform().a;
  /** @type {HTMLCanvasElement[]} */
  const plain = [];
  for (let i = 0; i < points.x.length; i++) {
    const kind = points.category?.[i] ?? 0;
    const shape = SHAPES[kind % SHAPES.length];
    const stamp = points.value
      ? stampOf(shape, radius, colourOf(points.value[i], range, plot.palette ?? "signed", plot.dark).fill, paper, density)
      : (plain[kind] ??= stampOf(shape, radius, category(kind, plot.dark), paper, density));
    const side = stamp.width / density;
    const [x, y] = pixelOf(plot, box, points.x[i], points.y[i]);
    // on the device's pixels, or it would be blurred
    pen.drawImage(stamp, Math.round((x - side / 2) * density) / density, Math.round((y - side / 2) * density) / density, side, side);
  }
}

/** Points as they look; to paint one anew each time takes several times as long. @type {Map<string, HTMLCanvasElement>} */
const stamps = new Map();
const MOST_STAMPS = 500;

/** @param {string} shape @param {number} radius @param {string} fill @param {string} edge @param {number} density */
function stampOf(shape, radius, fill, edge, density) {
  const key = [shape, radius, fill, edge, density].join();
  const known = stamps.get(key);
  if (known) return known;
  if (stamps.size >= MOST_STAMPS) stamps.clear();
  const side = Math.ceil((2 * 1.25 * radius + 2) * density);
  const stamp = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const pen = /** @type {Pen} */ (stamp.getContext("2d"));
  pen.setTransform(density, 0, 0, density, side / 2, side / 2);
  Object.assign(pen, { fillStyle: fill, strokeStyle: edge, lineWidth: 1.25 });
  pen.beginPath();
  trace(pen, shape, 0, 0, radius);
  pen.fill();
  pen.stroke();
  stamps.set(key, stamp);
  return stamp;
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {string} soft */
export function paintAxes(pen, plot, box, range, soft) {
  const bottom = box.top + box.height;
  pen.fillStyle = pen.strokeStyle = soft;
  pen.lineWidth = 1;
  pen.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
  pen.textAlign = "center";
  for (const at of ticks(plot.x.from, plot.x.to, box.width / 70)) pen.fillText(written(at), pixelOf(plot, box, at, plot.y.from)[0], bottom + 15);
  pen.fillText(plot.x.label, box.left + box.width / 2, bottom + 33);
  pen.textAlign = "right";
  for (const at of ticks(plot.y.from, plot.y.to, box.height / 50)) pen.fillText(written(at), box.left - 5, pixelOf(plot, box, plot.x.from, at)[1] + 4);
  upwards(pen, plot.y.label, 12, box.top + box.height / 2);
  if (plot.meaning) paintLegend(pen, plot, box, range, plot.meaning);
}

/** @param {Pen} pen @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {string} meaning */
function paintLegend(pen, plot, box, [low, high], meaning) {
  const [bottom, right] = [box.top + box.height, box.left + box.width];
  const soft = pen.fillStyle;
  const colours = table(plot.palette ?? "signed", plot.dark);
  for (let i = 0; i < 128; i++) {
    pen.fillStyle = `rgb(${colours[6 * i]} ${colours[6 * i + 1]} ${colours[6 * i + 2]})`;
    pen.fillRect(right + 10, bottom - ((i + 1) / 128) * box.height, 10, box.height / 128 + 0.6);
  }
  pen.fillStyle = soft;
  pen.textAlign = "left";
  for (const at of ticks(low, high, 4)) pen.fillText(written(at, 3), right + 24, bottom - ((at - low) / (high - low)) * box.height + 4);
  upwards(pen, meaning, box.whole[0] - 4, box.top + box.height / 2);
}

/** @param {Pen} pen @param {string} text @param {number} x @param {number} y */
function upwards(pen, text, x, y) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(text, 0, 0);
  pen.restore();
}

/** @param {Pen} pen @param {number} x @param {number} y @param {string} ink */
export function paintCursor(pen, x, y, ink) {
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(x - 5, y - 5, 10, 10);
}

/** A point's outline. @param {Pen} pen @param {string} shape @param {number} x @param {number} y @param {number} r */
function trace(pen, shape, x, y, r) {
  const around = corners(shape);
  for (const [dx, dy] of around) pen.lineTo(x + dx * r, y + dy * r);
  if (around.length) pen.closePath();
  else pen.arc(x, y, shape === "ring" ? r * 0.75 : r, 0, 2 * Math.PI);
}

/** Those of a shape of radius 1; none of what is round. @param {string} shape */
function corners(shape) {
  const w = 0.42;
  const plus = [[-w, -1.15], [w, -1.15], [w, -w], [1.15, -w], [1.15, w], [w, w], [w, 1.15], [-w, 1.15], [-w, w], [-1.15, w], [-1.15, -w], [-w, -w]];
  switch (shape) {
    case "square": return [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]];
    case "triangle": return [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]];
    case "diamond": return [[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]];
    case "plus": return plus;
    case "cross": return plus.map(([dx, dy]) => [(dx - dy) * Math.SQRT1_2, (dx + dy) * Math.SQRT1_2]);
    case "star": return Array.from({ length: 10 }, (_, i) => [(i % 2 ? 0.5 : 1.25) * Math.sin((i * Math.PI) / 5), -(i % 2 ? 0.5 : 1.25) * Math.cos((i * Math.PI) / 5)]);
    default: return [];
  }
}

/** The figure as an SVG text. @param {FieldPlot} plot @param {Box} box @param {HTMLCanvasElement} image  as it was last painted */
export function asSvg(plot, box, image) {
  const range = plot.range ?? rangeOf(plot.values ?? [], plot.palette ?? "signed");
  const plane = { x: box.left, y: box.top, width: box.width, height: box.height };
  let inner = plot.values ? mark("image", { ...plane, preserveAspectRatio: "none", "image-rendering": plot.crisp ? "pixelated" : "auto", href: image.toDataURL() }) : "";
  for (const path of levelPaths(plot, box)) inner += mark("polyline", { points: joined(path), fill: "none", stroke: "#1c2127", "stroke-width": 1 });
  for (const [index, line] of (plot.lines ?? []).entries()) {
    const kind = line.category ?? index;
    const path = Array.from(line.x, (x, i) => pixelOf(plot, box, x, line.y[i]));
    inner += mark("polyline", { points: joined(path), fill: "none", stroke: category(kind, false), "stroke-width": 2, "stroke-dasharray": DASHES[kind % 8].join(" ") || "none" });
  }
  for (const points of plot.points ?? []) {
    for (let i = 0; i < points.x.length; i++) {
      const kind = points.category?.[i] ?? 0;
      const fill = points.value ? colourOf(points.value[i], range, plot.palette ?? "signed", false).fill : category(kind, false);
      inner += pointMark(SHAPES[kind % SHAPES.length], ...pixelOf(plot, box, points.x[i], points.y[i]), points.radius ?? 4, { fill, stroke: "#ffffff" });
    }
  }
  const frame = mark("rect", { ...plane, fill: "none", stroke: "#545d68" });
  const legend = plot.meaning ? legendMarks(plot, box, range, plot.meaning) : "";
  return drawingOf(Math.ceil(box.whole[0]), Math.ceil(box.whole[1]), plot.label, inner + frame + axisMarks(plot, box) + legend);
}

/** @param {[number, number][]} path */
const joined = (path) => path.map((place) => place.map((each) => each.toFixed(1)).join(",")).join(" ");

/** @param {string} shape @param {number} x @param {number} y @param {number} r @param {Record<string, string>} inks */
function pointMark(shape, x, y, r, inks) {
  const around = corners(shape);
  if (!around.length) return mark("circle", { cx: x, cy: y, r: shape === "ring" ? r * 0.75 : r, ...inks });
  return mark("polygon", { points: joined(around.map(([dx, dy]) => [x + dx * r, y + dy * r])), ...inks });
}

/** @param {FieldPlot} plot @param {Box} box */
function axisMarks(plot, box) {
  const bottom = box.top + box.height;
  let inner = "";
  for (const at of ticks(plot.x.from, plot.x.to, box.width / 70)) inner += words(pixelOf(plot, box, at, plot.y.from)[0], bottom + 15, written(at), { "text-anchor": "middle" });
  for (const at of ticks(plot.y.from, plot.y.to, box.height / 50)) inner += words(box.left - 5, pixelOf(plot, box, plot.x.from, at)[1] + 4, written(at), { "text-anchor": "end" });
  inner += words(box.left + box.width / 2, bottom + 33, plot.x.label, { "text-anchor": "middle" });
  return inner + upwardMark(plot.y.label, 12, box.top + box.height / 2);
}

/** @param {FieldPlot} plot @param {Box} box @param {[number, number]} range @param {string} meaning */
function legendMarks(plot, box, [low, high], meaning) {
  const [bottom, right] = [box.top + box.height, box.left + box.width];
  const steps = 32;
  let inner = "";
  for (let i = 0; i < steps; i++) {
    const { fill } = colourOf(low + ((i + 0.5) / steps) * (high - low), [low, high], plot.palette ?? "signed", false);
    inner += mark("rect", { x: right + 10, y: bottom - ((i + 1) / steps) * box.height, width: 10, height: box.height / steps + 0.6, fill });
  }
  for (const at of ticks(low, high, 4)) inner += words(right + 24, bottom - ((at - low) / (high - low)) * box.height + 4, written(at, 3));
  return inner + upwardMark(meaning, box.whole[0] - 4, box.top + box.height / 2);
}

/** @param {string} text @param {number} x @param {number} y */
const upwardMark = (text, x, y) => mark("g", { transform: `translate(${x} ${y}) rotate(-90)` }, words(0, 0, text, { "text-anchor": "middle" }));
