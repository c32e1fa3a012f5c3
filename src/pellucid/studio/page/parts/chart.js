/** Lines over a common axis, as they grow: `<line-chart .plot=${...}>`. */
import uPlot from "../third_party/uplot.js";
import { written } from "../shell/language.js";
import { DASHES, category } from "./colours.js";
import { alongAxis, drawingOf, mark, ticks, words } from "./drawing.js";
import { hideTip, say, showTip } from "./tip.js";

/** A line of so few places, or of one, is seen by its dots. */
const FEW = 8;

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {ArrayLike<number | null>} values  NaN and null are gaps
 * @property {number} [category]  its colour and dash; its place among the series by default
 * @property {string} [formula]  told in the tip
 *
 * @typedef {object} ChartPlot
 * @property {string} label  what a screen reader calls it
 * @property {string} [summary]  the figure in words; made of the last values by default
 * @property {ArrayLike<number>} x
 * @property {string} xLabel  with its unit
 * @property {string} yLabel  with its unit
 * @property {Series[]} series
 * @property {boolean} dark
 * @property {boolean} [logarithmic]  the y axis
 * @property {[number, number]} [yRange]
 * @property {number} [height]  in CSS pixels, 220 unless told
 * @property {(index: number) => void} [pick]  on a click, and on Enter at the cursor
 * @property {string} [sync]  charts of one name share their cursor; their x are of one kind
 */

export class LineChart extends HTMLElement {
  constructor() {
    super();
    this.around = Object.assign(document.createElement("div"), { tabIndex: 0 });
    this.twin = Object.assign(document.createElement("p"), { className: "unseen" });
    this.legend = Object.assign(document.createElement("ul"), { className: "legend" });
    /** @type {ChartPlot | undefined} */
    this.shown = undefined;
    /** @type {any} */
    this.drawn = undefined;
    this.make = "";
    this.at = -1;
    /** In CSS pixels; kept, because asking makes the browser lay the page out. */
    this.across = 0;
    this.watcher = new ResizeObserver(() => {
      this.across = this.clientWidth;
      if (this.drawn) this.drawn.setSize({ width: this.across, height: this.shown?.height ?? 220 });
      else if (this.shown) this.plot = this.shown;
    });
  }

  connectedCallback() {
    this.replaceChildren(this.around, this.legend, this.twin);
    this.around.setAttribute("role", "img");
    this.watcher.observe(this);
    this.around.onkeydown = (event) => this.onKey(event);
    this.around.onblur = () => hideTip();
    this.around.onpointerleave = () => hideTip();
    this.around.onclick = () => this.at >= 0 && this.shown?.pick?.(this.at);
    if (this.shown) this.plot = this.shown;
  }

  disconnectedCallback() {
    this.watcher.disconnect();
    this.drawn?.destroy();
    this.drawn = undefined;
    this.make = "";
    this.across = 0;
  }

  /** @param {ChartPlot} plot */
  set plot(plot) {
    this.shown = plot;
    if (!this.isConnected) return;
    this.across ||= this.clientWidth;
    if (!this.across) return; // the watcher draws it once it has a width
    const { label, series } = plot;
    if (this.around.getAttribute("aria-label") !== label) this.around.setAttribute("aria-label", label);
    const summary = plot.summary ?? series.map((each) => `${each.name}: ${written(last(each.values))}`).join("; ");
    if (this.twin.textContent !== summary) this.twin.textContent = summary;
    const data = [Array.from(plot.x), ...series.map((each) => Array.from(each.values, (value) => (isDrawn(value, plot.logarithmic) ? value : null)))];
    const make = JSON.stringify([series.map((each) => [each.name, each.category]), plot.xLabel, plot.yLabel, plot.dark, plot.logarithmic, plot.yRange, plot.height, plot.sync]);
    if (make === this.make) {
      this.drawn.setData(data);
      return;
    }
    this.make = make;
    this.drawn?.destroy();
    this.drawn = new uPlot(this.options(plot), /** @type {any} */ (data), this.around);
    this.writeLegend(plot);
  }

  /** @param {ChartPlot} plot @returns {any} */
  options(plot) {
    const style = getComputedStyle(this);
    const [ink, soft, grid] = ["--ink", "--soft", "--grid"].map((name) => style.getPropertyValue(name));
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // the axes' words grow with the page's
    const font = `${12 * size}px ${style.fontFamily}`;
    const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font, labelFont: font, labelSize: 20 * size };
    /** @param {unknown} _ @param {number[]} values */
    const numbers = (_, values) => alongAxis(values);
    const height = plot.height ?? 220;
    return {
      width: this.across, height, legend: { show: false }, padding: [8, 16, 0, 0],
      cursor: { points: { size: 7, stroke: ink }, drag: { x: false, y: false }, ...(plot.sync ? { sync: { key: plot.sync, scales: ["x", null] } } : {}) },
      scales: { x: { time: false }, y: plot.logarithmic ? { distr: 3, range: plot.yRange ?? decades } : { distr: 1, ...(plot.yRange ? { range: plot.yRange } : {}) } },
      axes: [{ ...axis, label: plot.xLabel, values: numbers, size: 32 * size }, { ...axis, label: plot.yLabel, values: numbers, size: 66 * size, ...(plot.logarithmic ? { incrs: whole, splits: powers(height / 28 / size), filter: (/** @type {unknown} */ _, /** @type {number[]} */ splits) => splits } : {}) }],
      series: [{}, ...plot.series.map((each, index) => ({
        label: each.name, stroke: category(each.category ?? index, plot.dark), width: 2, dash: DASHES[(each.category ?? index) % 8],
        points: { show: (/** @type {uPlot} */ drawn) => drawn.data[0].length <= FEW, size: 6 },
      }))],
      hooks: { setCursor: [(/** @type {any} */ drawn) => this.onCursor(drawn)] },
    };
  }

  /** @param {ChartPlot} plot */
  writeLegend(plot) {
    this.legend.replaceChildren(...plot.series.map((each, index) => {
      const kind = each.category ?? index;
      const item = document.createElement("li");
      const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      sample.setAttribute("viewBox", "0 0 32 8");
      sample.setAttribute("aria-hidden", "true");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const attributes = { d: "M0 4H32", stroke: category(kind, plot.dark), "stroke-width": "2.5", "stroke-dasharray": DASHES[kind % 8].join(" ") || "none" };
      for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
      sample.append(line);
      item.append(sample, each.name);
      if (each.formula) item.dataset.tip = `${each.name}\n${each.formula}`;
      return item;
    }));
  }

  /** @param {number} index */
  told(index) {
    const plot = /** @type {ChartPlot} */ (this.shown);
    return [`${plot.xLabel} ${written(plot.x[index])}`, ...plot.series.flatMap((each) => [`${each.name}: ${written(each.values[index])}`, each.formula ?? ""])].filter(Boolean).join("\n");
  }

  /** @param {any} drawn */
  onCursor(drawn) {
    const { idx, left, top } = drawn.cursor;
    this.at = idx ?? -1;
    if (idx === null || idx === undefined || left < 0 || !this.shown) return;
    // of charts that share a cursor one answers: the one that is pointed at, or else focused
    const isAsked = document.querySelector("line-chart:hover") ? this.matches(":hover") : this.contains(document.activeElement);
    if (!isAsked) return;
    const { left: x, top: y } = drawn.over.getBoundingClientRect();
    showTip(this.told(idx), x + left, y + top);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const plot = this.shown;
    if (!plot?.x.length) return;
    const end = plot.x.length - 1;
    const moves = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: end };
    const next = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (event.key === "Enter" && this.at >= 0) plot.pick?.(this.at);
    if (next === undefined) return;
    event.preventDefault();
    const at = Math.max(0, Math.min(end, next));
    this.drawn.cursor.event = { type: "mousemove" }; // what the charts that share the cursor expect of a pointer
    this.drawn.setCursor({ left: this.drawn.valToPos(plot.x[at], "x"), top: 20 }, true, true);
    say(this.told(at).replaceAll("\n", ", "));
  }

  /** The figure as an SVG text. */
  toSvg() {
    const plot = this.shown;
    if (!plot || !this.drawn) return "";
    const [width, height] = [640, 320];
    const box = { left: 64, top: 12, right: width - 14, bottom: height - 48 - 18 * Math.ceil(plot.series.length / 4) };
    const { min: x0, max: x1 } = this.drawn.scales.x;
    const { min: y0, max: y1 } = this.drawn.scales.y;
    const scale = plot.logarithmic ? Math.log10 : Number;
    /** @param {number} x */
    const across = (x) => box.left + ((x - x0) / (x1 - x0 || 1)) * (box.right - box.left);
    /** @param {number} y */
    const up = (y) => box.bottom - ((scale(y) - scale(y0)) / (scale(y1) - scale(y0) || 1)) * (box.bottom - box.top);
    let inner = mark("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, fill: "none", stroke: "#d5dae0" });
    for (const at of ticks(x0, x1, 7)) inner += words(across(at), box.bottom + 16, written(at), { "text-anchor": "middle" });
    const levels = plot.logarithmic ? ticks(Math.floor(scale(y0)), scale(y1)).map((power) => 10 ** power).filter((at) => at >= y0 * 0.999) : ticks(y0, y1);
    alongAxis(levels).forEach((text, at) => { inner += words(box.left - 6, up(levels[at]) + 4, text, { "text-anchor": "end" }); });
    inner += words((box.left + box.right) / 2, box.bottom + 34, plot.xLabel, { "text-anchor": "middle" });
    inner += mark("g", { transform: `translate(14 ${(box.top + box.bottom) / 2}) rotate(-90)` }, words(0, 0, plot.yLabel, { "text-anchor": "middle" }));
    plot.series.forEach((each, index) => {
      const kind = each.category ?? index;
      const line = { fill: "none", stroke: category(kind, false), "stroke-width": 2, "stroke-dasharray": DASHES[kind % 8].join(" ") || "none" };
      let path = "";
      let isGap = true;
      for (let i = 0; i < plot.x.length; i++) {
        const value = each.values[i];
        const isHere = isDrawn(value, plot.logarithmic);
        if (isHere) path += `${isGap ? "M" : "L"}${across(plot.x[i]).toFixed(1)} ${up(value).toFixed(1)}`;
        isGap = !isHere;
      }
      const [x, y] = [box.left + (index % 4) * 140, box.bottom + 54 + 18 * Math.floor(index / 4)];
      inner += mark("path", { d: path, ...line }) + mark("path", { d: `M${x} ${y - 4}h26`, ...line }) + words(x + 32, y, each.name);
    });
    return drawingOf(width, height, plot.label, inner);
  }
}

/** Whether a value has a place on the axis. @param {number | null} value @param {boolean | undefined} logarithmic @returns {value is number} */
const isDrawn = (value, logarithmic) => value !== null && Number.isFinite(value) && !(logarithmic && value <= 0);

/** Whole decades around what is drawn. @param {unknown} _ @param {number | null} low @param {number | null} high @returns {[number, number]} */
function decades(_, low, high) {
  if (low === null || high === null) return [0.1, 1];
  const from = Math.floor(Math.log10(low) + 1e-9);
  return [10 ** from, 10 ** Math.max(from + 1, Math.ceil(Math.log10(high) - 1e-9))];
}

/** One step from end to end, which `powers` divides; uPlot's own steps end at some 10³¹, and longer axes would have no numbers. @param {unknown} _ @param {number} __ @param {number} low @param {number} high */
const whole = (_, __, low, high) => [Math.max(5, high - low)]; // of smaller ones uPlot asks how many decimals they have, and knows only its own

/** Powers of ten on an axis, at most `most` of them; uPlot's own never end below some 10⁻³⁰. @param {number} most */
const powers = (most) => (/** @type {unknown} */ _, /** @type {number} */ __, /** @type {number} */ low, /** @type {number} */ high) => {
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((to - from) / most));
  const first = Math.ceil(from / every) * every;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / every) + 1) }, (_, i) => 10 ** (first + i * every));
};

/** @param {ArrayLike<number | null>} values */
const last = (values) => values[values.length - 1];

customElements.define("line-chart", LineChart);
