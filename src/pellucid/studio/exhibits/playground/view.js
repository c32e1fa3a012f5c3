/** Points on the left, the network between, what it has learned on the right. */
import { html, nothing } from "../../page/third_party/lit.js";
import { category, colourOf } from "../../page/parts/colours.js";
import { number, refused, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { kept } from "../../page/parts/kept.js";
import { tip } from "../../page/parts/tip.js";
import { className, data, nextAnswer } from "./data.js";
import { network } from "./network.js";
import "../../page/parts/chart.js";
import "../../page/parts/class_field.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const ACTIVATIONS = ["relu", "leakyrelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus", "sigmoid", "tanh", "hardtanh", "step", "identity"];
const OPTIMISERS = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"];
const INITS = ["arrows", "uniform", "he", "xavier", "lecun", "small", "zeros"];
const LOSSES = { classes: ["usual", "cross-entropy", "map"], values: ["usual", "squared-error", "absolute-error", "huber"] };

/** While it plays the boundary is drawn for every frame, the rest for every third: the eye follows one of them. */
const EVERY = 3;

/** What was drawn for this or one of the last frames. @param {Context} c @param {string} name @param {(c: Context) => unknown} draw */
function now(c, name, draw) {
  const kept = c.local[name];
  const since = kept ? c.frame.number - kept.number : EVERY;
  if (c.frame.playing && since > 0 && since < EVERY) return kept.drawn;
  c.local[name] = { number: c.frame.number, drawn: draw(c) };
  return c.local[name].drawn;
}

/** How it is trained. @param {Context} c */
function training(c) {
  const { activation, dropout, classes } = c.frame.values;
  return html`<section class="training panel"><h2>${c.t("training")}</h2><div class="controls">
    ${select(c, { name: "activation", value: activation, options: activation ? ACTIVATIONS : ["", ...ACTIVATIONS], change: (word) => word && c.act({ kind: "activate", word }) })}
    ${select(c, { name: "init", options: INITS })}
    ${select(c, { name: "loss", options: classes.length ? LOSSES.classes : LOSSES.values })}
    ${select(c, { name: "optimizer", options: OPTIMISERS })}
    ${number(c, { name: "learning_rate", min: 0 })}
    ${number(c, { name: "batch_size", min: 1, max: 600, step: 1 })}
    ${number(c, { name: "weight_decay", min: 0 })}
    ${number(c, { name: "l1", min: 0 })}
    ${slider(c, { name: "dropout", value: dropout, min: 0, max: 0.9, step: 0.05, change: (rate) => c.act({ kind: "drop", rate }) })}
    ${number(c, { name: "seed", min: 0, step: 1 })}</div></section>`;
}

/** Controls are drawn again when something of theirs has changed, not for every frame. @param {Context} c @param {(c: Context) => unknown} draw */
function panel(c, draw) {
  const { begun, activation, dropout } = c.frame.values;
  const refusals = Object.keys(c.settings).concat("activation", "draw", "clear", "paste").map((name) => c.refusal(name));
  return kept([c.settings, begun, activation, dropout, c.language, c.local.answer, c.local.pasted, ...refusals], () => draw(c));
}

/** The points: others only after a new beginning. @param {Context} c */
function points(c) {
  const key = `${c.frame.values.begun} ${c.language}`;
  if (c.local.pointsOf !== key) Object.assign(c.local, { pointsOf: key, points: scattered(c) });
  return c.local.points;
}

/** The points, as the field draws them: of two classes and of values by the signed colours. @param {Context} c */
function scattered(c) {
  const { x1, x2, answers, test } = c.frame.arrays;
  const count = c.frame.values.classes.length;
  return [0, 1].map((isTest) => {
    const at = Array.from(test.data.keys()).filter((i) => test.data[i] === isTest);
    const told = at.map((i) => answers.data[i]);
    return {
      x: at.map((i) => x1.data[i]), y: at.map((i) => x2.data[i]), radius: isTest ? 2.6 : 4,
      ...(count ? { category: told } : {}), ...(count > 2 ? {} : { value: count ? told.map((each) => 2 * each - 1) : told }),
      describe: (/** @type {number} */ i) => tip(c.t(isTest ? "point.test" : "point.train"), count ? className(c, told[i]) : c.number(told[i], 3),
        `x₁ ${c.number(x1.data[at[i]], 3)}, x₂ ${c.number(x2.data[at[i]], 3)}`),
    };
  });
}

/** What the field is at a place, in words. @param {Context} c @param {number} x @param {number} y @param {number} value */
function told(c, x, y, value) {
  const { classes, reach } = c.frame.values;
  const where = `x₁ ${c.number(x, 3)}, x₂ ${c.number(y, 3)}`;
  if (!classes.length) return tip(where, `${c.t("field.value")} ${c.number(value, 3)}`);
  if (classes.length === 2) return tip(where, `${className(c, value > 0 ? 1 : 0)}: ${c.number(50 + 50 * Math.abs(value), 3)} %`, "p₂ − p₁");
  const [row, column] = [reach - y, reach + x].map((each) => Math.max(0, Math.min(99, Math.floor((each / (2 * reach)) * 100))));
  return tip(where, `${className(c, c.frame.arrays.kinds.data[row * 100 + column])}: ${c.number(100 * value, 3)} %`);
}

/** @param {Context} c */
function output(c) {
  const { classes, reach, waiting, range, metrics } = c.frame.values;
  const { field, kinds } = c.frame.arrays;
  const known = metrics.test_accuracy === undefined ? metrics.test_r2 : metrics.test_accuracy;
  const quality = waiting ? "" : c.t(metrics.test_accuracy === undefined ? "quality.r2" : "quality.accuracy", { value: c.number(known === null ? NaN : metrics.test_accuracy === undefined ? known : 100 * known, 3) });
  const plot = {
    label: c.t("output"), summary: c.t("output.summary", { count: c.frame.arrays.x1.data.length, classes: classes.length, quality }), dark: c.dark,
    x: { from: -reach, to: reach, label: "x₁" }, y: { from: -reach, to: reach, label: "x₂" }, points: points(c),
    ...(waiting ? {} : { values: field.data, rows: 100, columns: 100, range, describe: (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ value) => told(c, x, y, value) }),
    ...(kinds ? { kinds: kinds.data } : waiting ? {} : { levels: classes.length ? [0] : [], meaning: c.t(classes.length ? "field.classes" : "field.value") }),
    pick: (/** @type {number} */ x1, /** @type {number} */ x2) => !c.isHidden("draw") && c.act({ kind: "draw", x1, x2, answer: nextAnswer(c) }),
  };
  /** @param {number} kind */
  const colour = (kind) => (classes.length > 2 ? category(kind, c.dark) : colourOf(2 * kind - 1, [-1, 1], "signed", c.dark).fill);
  const legend = classes.length ? html`<ul class="legend">${classes.map((/** @type {string} */ _, /** @type {number} */ kind) => html`<li><span aria-hidden="true" .style=${`color:${colour(kind)}`}>${["●", "■", "▲", "◆", "✖", "✚"][kind]}</span> ${className(c, kind)}</li>`)}</ul>` : nothing;
  return html`${figure(c, { name: "output", title: c.t("output"), caption: quality, extra: legend,
    body: kinds && !waiting ? html`<class-field .plot=${plot}></class-field>` : html`<field-canvas .plot=${plot}></field-canvas>` })}
    <p class="soft"><small>${c.t("points.legend")}</small></p>`;
}

/** @param {Context} c */
function curves(c) {
  const { data: numbers, shape } = c.frame.arrays.curves;
  const row = (/** @type {number} */ at) => numbers.subarray(at * shape[1], (at + 1) * shape[1]);
  // losses that exploded once would flatten all others; a logarithm has no place for 0
  const logarithmic = Math.max(...row(1), ...row(2)) > 100;
  const shown = (/** @type {number} */ at) => (logarithmic ? Array.from(row(at), (value) => (value > 0 ? value : null)) : row(at));
  return figure(c, { name: "loss", title: c.t("curves"), caption: c.t(`loss.${c.frame.values.loss}`), body: html`<line-chart .plot=${{
    label: c.t("curves"), x: row(0), xLabel: c.t("epoch"), yLabel: c.t("curves.y"), dark: c.dark, height: 170, logarithmic,
    series: [{ name: c.t("curves.train"), values: shown(1) }, { name: c.t("curves.test"), values: shown(2) }],
  }}></line-chart>` });
}

/** What stopped it from learning, and what may help. @param {Context} c */
function trouble(c) {
  const { diverged: { epoch, rate }, dead } = c.frame.values;
  const lower = Number((c.settings.learning_rate / 10).toPrecision(3));
  /** @param {Record<string, any>} settings @param {string} words */
  const remedy = (settings, words) => html`<button type="button" class="link" @click=${() => c.set(settings)}>${words}</button>`;
  const slower = () => remedy({ learning_rate: lower }, c.t("remedy.rate", { rate: c.number(lower) }));
  if (epoch !== undefined) return html`<div class="notice bad" role="alert"><strong>${c.t("diverged")}</strong> ${c.t("diverged.text", { epoch, rate: c.number(rate) })} ${slower()}</div>`;
  if (typeof dead !== "number") return nothing;
  const isZero = c.settings.init === "zeros";
  return html`<div class="notice" role="status"><strong>${c.t("dead", { layer: dead + 1 })}</strong> ${c.t(isZero ? "dead.zeros" : "dead.text")}
    ${isZero ? remedy({ init: "arrows" }, c.t("remedy.init")) : slower()}</div>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => {
    const { epoch, metrics } = c.frame.values;
    return c.t("status", { epoch, train: c.number(metrics.loss, 3), test: c.number(metrics.test_loss, 3) });
  },
  render: (c) => html`<link rel="stylesheet" href="/exhibits/playground/style.css">${trouble(c)}
    <div class="playground">${panel(c, data)}<div class="middle">${now(c, "network", network)}${panel(c, training)}</div>
      <div>${output(c)}${c.frame.values.waiting ? nothing : now(c, "curves", curves)}${refused(c, "clear")}</div></div>`,
};
