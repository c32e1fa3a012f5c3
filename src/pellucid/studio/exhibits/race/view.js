/** A surface, a start and eight lanes; the paths over the surface, the loss at each step, and who is where. */
import { html } from "../../page/third_party/lit.js";
import { number, refused, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { inTurn } from "../../page/parts/kept.js";
import { tex } from "../../page/parts/formula.js";
import { tip } from "../../page/parts/tip.js";
import "../../page/parts/chart.js";
import { lanes } from "./lanes.js";
import { nameOf, shownLanes } from "./names.js";
import { FORMULAS } from "./rules.js";
import { shaded } from "./shade.js";
import { verdict } from "./verdict.js";
import "./track.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const SURFACES = [
  "bowl", "rosenbrock", "beale", "booth", "himmelblau", "camel", "styblinski_tang", "rastrigin", "ackley", "easom", "bukin",
  "saddle", "monkey_saddle", "network",
];
const SCHEDULES = ["constant", "linear", "cosine", "one-cycle", "step"];
/** What is less is drawn as this: a double has no more digits beside 1. */
const LEAST = 1e-16;

/** The surface's colours, made again only when it is another or has grown. @param {Context} c */
function ground(c) {
  const { field } = c.frame.arrays;
  const { least, box } = c.frame.values;
  const filled = c.frame.values.ground?.filled ?? 1;
  const key = JSON.stringify([c.settings.surface, c.settings.condition, box, least, filled, field.shape[0], ...[0, 0.37, 0.81].map((share) => field.data[Math.floor(share * field.data.length)])]);
  if (c.local.key !== key) Object.assign(c.local, { key, shade: shaded(field.data, least) });
  return /** @type {import("./shade.js").Shade} */ (c.local.shade);
}

/** The step that is looked at: the newest, or an earlier one. @param {Context} c */
const lookedAt = (c) => Math.min(c.local.look ?? Infinity, c.frame.values.step);

/** One lane's places up to the step that is looked at. @param {Context} c @param {number} lane @returns {import("./track.js").Path} */
function path(c, lane) {
  const { row, step } = c.frame.values.lanes[lane];
  const { places, losses, gradients } = c.frame.arrays;
  const count = places.shape[1];
  const end = Math.min(step, c.local.look ?? Infinity) + 1;
  /** @param {import("../../page/shell/exhibit.js").Tensor} of @param {number} at @param {0 | 1} axis */
  const axis = (of, at, axis) => of.data[2 * (row * count + at) + axis];
  const name = nameOf(c, lane);
  /** @param {number} a @param {number} b */
  const pair = (a, b) => `(${c.number(a, 4)}, ${c.number(b, 4)})`;
  return {
    name, category: lane,
    x: Array.from({ length: end }, (_, at) => axis(places, at, 0)),
    y: Array.from({ length: end }, (_, at) => axis(places, at, 1)),
    slope: (at) => [axis(gradients, at, 0), axis(gradients, at, 1)],
    told: (at) => tip(
      `${name}, ${c.t("step.n", { step: at })}`,
      `${c.t("loss")} ${c.number(losses.data[row * count + at], 5)}, (x, y) = ${pair(axis(places, at, 0), axis(places, at, 1))}`,
      `∇ = ${pair(axis(gradients, at, 0), axis(gradients, at, 1))}`,
      at < step && `Δ = ${pair(axis(places, at + 1, 0) - axis(places, at, 0), axis(places, at + 1, 1) - axis(places, at, 1))}`,
    ),
  };
}

/** @param {Context} c @returns {import("./track.js").Mark[]} */
function marks(c) {
  const { minima, other, start } = c.frame.values;
  /** @param {number[][]} places @param {"minimum" | "critical"} kind @param {string} name */
  const each = (places, kind, name) => places.map(([x, y]) => ({ x, y, kind, told: tip(name, `(x, y) = (${c.number(x, 5)}, ${c.number(y, 5)})`) }));
  const isSlice = c.settings.surface === "network";
  return [
    ...each(other, "critical", c.t("mark.critical")),
    ...each(minima, "minimum", c.t(isSlice ? "mark.lowest" : "mark.minimum")),
    ...(isSlice ? each([[0, 0]], "critical", c.t("mark.own")) : []),
    { x: start[0], y: start[1], kind: "start", told: tip(c.t("start"), `(x, y) = (${c.number(start[0])}, ${c.number(start[1])})`) },
  ];
}

/** @param {Context} c */
function field(c) {
  const { box, least, step, ground: slice } = c.frame.values;
  const { shape } = c.frame.arrays.field;
  const shade = ground(c);
  const [[left, right], [bottom, top]] = box;
  const way = c.frame.arrays.way;
  const shown = shownLanes(c);
  const plot = {
    label: c.t("field"), dark: c.dark, values: shade.values, rows: shape[0], columns: shape[1], range: shade.range, contours: shade.contours,
    palette: shade.scale === "signed" ? "signed" : "sequential", meaning: c.t(shade.scale === "log" && !least ? "meaning.plain" : `meaning.${shade.scale}`),
    x: { from: left, to: right, label: c.t(slice ? "x.slice" : "x.plain") }, y: { from: bottom, to: top, label: c.t(slice ? "y.slice" : "y.plain") },
    ratio: Math.max(0.7, Math.min(1, (top - bottom) / (right - left))),
    paths: shown.map((lane) => path(c, lane)), marks: marks(c),
    ...(way.shape[0] ? { way: Array.from({ length: way.shape[0] }, (_, i) => [way.data[2 * i], way.data[2 * i + 1]]) } : {}),
    summary: c.t("field.summary", { name: c.t(`surface.${c.settings.surface}`), step, lanes: c.frame.values.order.map((/** @type {number} */ lane) => told(c, lane)).join("; ") }),
    pick: (/** @type {number} */ x, /** @type {number} */ y) => place(c, x, y),
    drag: (/** @type {number} */ x, /** @type {number} */ y) => place(c, x, y),
    /** @param {number} x @param {number} y @param {number} value */
    describe: (x, y, value) => tip(`(x, y) = (${c.number(x, 3)}, ${c.number(y, 3)})`, `${c.t("loss")} ${c.number(shade.scale === "log" ? least + 10 ** value : value, 3)}`, c.t("place.help")),
  };
  const legend = html`<ul class="legend marks">
    <li><svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="5.5"></circle></svg>${c.t("start")}</li>
    ${c.frame.values.minima.length ? html`<li><svg viewBox="0 0 16 16" aria-hidden="true"><path class="full" d="M8 0l2 5.6 6 .2-4.8 3.6 1.700 5.8L8 11.8l-4.900 3.400 1.700-5.8L0 5.8l6-.2z"></path></svg>${c.t(slice ? "mark.lowest" : "mark.minimum")}</li>` : ""}
    ${slice || c.frame.values.other.length ? html`<li><svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="3.5"></circle></svg>${c.t(slice ? "mark.own" : "mark.critical")}</li>` : ""}
    ${way.shape[0] ? html`<li><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M0 8H16" stroke-dasharray="1.5 4"></path></svg>${c.t("way", { share: c.number(100 * slice.explained, 2) })}</li>` : ""}</ul>`;
  return html`<div class="over">${figure(c, { name: "race", title: c.t(`surface.${c.settings.surface}`), caption: html`<span ${tex(c.frame.values.tex)}></span>`, body: html`<race-field .plot=${plot}></race-field>${legend}`, extra: html`
    ${slice && slice.stage !== "done" ? html`<p class="soft" role="status">${c.t(`stage.${slice.stage}`, { share: c.number(100 * slice.filled, 2) })}</p>` : ""}
    ${slider(c, { name: "look", min: 0, max: Math.max(1, step), value: lookedAt(c), disabled: c.frame.playing, change: (value) => { c.local.look = value >= c.frame.values.step ? undefined : value; c.redraw(); } })}` })}</div>`;
}

/** @param {Context} c @param {number} x @param {number} y */
function place(c, x, y) {
  c.set({ start: [Number(x.toPrecision(4)), Number(y.toPrecision(4))] });
}

/** @param {Context} c @param {number} lane */
function told(c, lane) {
  const { loss, place: at, fate } = c.frame.values.lanes[lane];
  return `${nameOf(c, lane)}: ${fate === "nan" || fate === "far" ? c.t(`fate.${fate}`) : `${c.t("loss")} ${c.number(loss, 3)}, (${c.number(at[0], 3)}, ${c.number(at[1], 3)})`}`;
}

/** @param {Context} c */
function controls(c) {
  const { given, runs, start, goal, ground: slice } = c.frame.values;
  const { settings } = c;
  const sources = ["small", ...(given ? ["given"] : []), ...(runs.length ? ["run"] : [])];
  const of = slice?.of;
  /** @param {0 | 1} axis @param {number} value */
  const move = (axis, value) => c.set({ start: axis ? [start[0], value] : [value, start[1]] });
  return html`<section class="ground controls">
    ${select(c, { name: "surface", options: SURFACES })}
    ${settings.surface === "bowl" ? number(c, { name: "condition", min: 1, max: 10_000 }) : ""}
    ${slice ? html`${select(c, { name: "of", options: sources, value: of, change: (value) => c.set(value === "run" ? { of: value, run: settings.run || runs[0], directions: "random" } : { of: value }) })}
      ${of === "run" ? runSelect(c, runs) : ""}
      ${select(c, { name: "directions", options: ["random", "principal"] })}
      ${slider(c, { name: "batch", min: 0, max: Math.max(1, slice.rows - 1) })}` : number(c, { name: "noise", min: 0 })}
    ${number(c, { name: "start_x", value: start[0], change: (value) => move(0, value) })}
    ${number(c, { name: "start_y", value: start[1], change: (value) => move(1, value) })}
    ${refused(c, "start")}
    ${select(c, { name: "schedule", options: SCHEDULES })}
    ${number(c, { name: "steps", min: 10, max: 2000, step: 10 })}
    ${number(c, { name: "speed", min: 1, max: 20, step: 1 })}
    ${number(c, { name: "goal", value: goal })}
    ${number(c, { name: "seed", min: 0, step: 1 })}
    <p class="soft about">${c.t(`about.${settings.surface}`)}${slice?.weights ? html` ${c.t("about.slice", { rows: slice.rows, name: slice.name, weights: c.number(slice.weights) })} ${settings.directions === "random" ? c.t("about.cosine", { cosine: c.number(slice.cosine, 2) }) : ""}` : ""}</p></section>`;
}

/** The runs of the studio's folder, which have names of their own. @param {Context} c @param {string[]} runs */
function runSelect(c, runs) {
  if (c.isHidden("run")) return "";
  return html`<div class="control"><label for="control-run">${c.t("run.label")}</label><select id="control-run"
    @change=${(/** @type {any} */ event) => c.set({ run: event.target.value })}>${runs.map((name) => html`<option value=${name} .selected=${name === c.settings.run}>${name}</option>`)}</select>${refused(c, "run")}</div>`;
}

/** @param {Context} c */
function losses(c) {
  const { step, least, goal } = c.frame.values;
  const { losses: all } = c.frame.arrays;
  const count = Math.min(all.shape[1], step + 1);
  const isLog = least !== null;
  const { scale, range } = ground(c);
  const high = scale === "log" ? 10 ** range[1] : range[1] - (least ?? 0);
  const series = shownLanes(c).map((lane) => {
    const { row } = c.frame.values.lanes[lane];
    const own = all.data.subarray(row * all.shape[1], row * all.shape[1] + count);
    return { name: nameOf(c, lane), category: lane, values: isLog ? Float64Array.from(own, (loss) => Math.max(loss - least, LEAST)) : own };
  });
  const lows = series.flatMap(({ values }) => Array.from(values).filter(Number.isFinite));
  const low = lows.length ? lows.reduce((a, b) => Math.min(a, b)) : 1;
  const decades = /** @type {[number, number]} */ ([10 ** Math.floor(Math.log10(Math.max(LEAST, Math.min(low, high / 10)))), 10 ** (Math.ceil(Math.log10(high)) + 1)]);
  const plot = {
    label: c.t("losses"), dark: c.dark, x: Array.from({ length: count }, (_, at) => at), xLabel: c.t("step.axis"), height: 280,
    yLabel: c.t(least ? "loss.above" : "loss.axis", { least: c.number(least, 5) }), logarithmic: isLog, series, yRange: isLog ? decades : range,
    pick: (/** @type {number} */ at) => { c.local.look = at; c.redraw(); },
  };
  return html`<div class="fall">${figure(c, { name: "losses", title: c.t("losses"), caption: c.t("losses.caption", { goal: c.number(goal) }), body: html`<line-chart .plot=${plot}></line-chart>` })}${verdict(c)}</div>`;
}

/** @param {Context} c */
function formulas(c) {
  const rules = [...new Set(shownLanes(c).map((lane) => c.settings.lanes[lane].rule))];
  return html`<section class="panel formulas"><h2>${c.t("formulas")}</h2><p class="soft">${c.t("formulas.text")}</p><dl>
    ${rules.map((rule) => html`<div><dt>${c.t(`rule.${rule}`)}</dt><dd><span ${tex(FORMULAS[rule])}></span><br><small>${c.t(`rule.${rule}.help`)}</small></dd></div>`)}</dl></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["pytorch"],
  status: (c) => c.t("at", { step: c.frame.values.step, steps: c.settings.steps, leader: c.frame.values.order.length ? nameOf(c, c.frame.values.order[0]) : "–" }),
  render: (c) => {
    if (c.frame.playing) c.local.look = undefined;
    return html`<link rel="stylesheet" href="/exhibits/race/style.css">
      <div class="race flow">${inTurn(c, 0, 2, () => controls(c))}${field(c)}${inTurn(c, 1, 2, () => losses(c))}</div>${inTurn(c, 0, 2, () => lanes(c))}${inTurn(c, 1, 2, () => formulas(c))}`;
  },
};
