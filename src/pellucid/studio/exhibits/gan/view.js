/** Points, two networks, and over the plane what both make of it. */
import { html } from "../../page/third_party/lit.js";
import { category } from "../../page/parts/colours.js";
import { button, checkbox, number, select, slider, text } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { tex } from "../../page/parts/formula.js";
import { inTurn, kept } from "../../page/parts/kept.js";
import { tip } from "../../page/parts/tip.js";
import "../../page/parts/chart.js";
import "../../page/parts/field.js";
import "../../page/parts/warp.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const SOURCES = ["ring", "grid", "moons", "line", "drawn"];
const LOSSES = ["minimax", "non-saturating", "hinge", "wasserstein"];
/** Blue is real and above zero, orange is made and below it. */
const REAL = 0;
const MADE = 1;
const PULL = 2;
/** Share of the made points in a mode from which on a generator is called exact. */
const EXACT = 0.8;

const FORMULAS = {
  minimax: ["-\\log\\sigma(D(x)) - \\log(1-\\sigma(D(G(z))))", "\\log(1-\\sigma(D(G(z))))"],
  "non-saturating": ["-\\log\\sigma(D(x)) - \\log(1-\\sigma(D(G(z))))", "-\\log\\sigma(D(G(z)))"],
  hinge: ["\\max(0,1-D(x)) + \\max(0,1+D(G(z)))", "-D(G(z))"],
  wasserstein: ["D(G(z)) - D(x)", "-D(G(z))"],
};

/** @param {import("../../page/shell/exhibit.js").Tensor} points @param {0 | 1} axis */
const axisOf = ({ data }, axis) => Float32Array.from({ length: data.length / 2 }, (_, i) => data[2 * i + axis]);

/** @param {Context} c */
function sides(c) {
  const { names, box } = c.frame.values;
  return {
    x: { from: box[0][0], to: box[0][1], label: names[0] },
    y: { from: box[1][0], to: box[1][1], label: names[1] },
  };
}

/** @param {Context} c @param {"real" | "made"} of @param {number} radius @returns {import("../../page/parts/field.js").Points} */
function cloud(c, of, radius) {
  const points = c.frame.arrays[of];
  const [x, y] = [axisOf(points, 0), axisOf(points, 1)];
  const { data: strength } = c.frame.arrays.strength;
  return {
    x, y, radius, category: new Uint8Array(x.length).fill(of === "real" ? REAL : MADE),
    describe: (i) => tip(
      c.t(`point.${of}`), `${c.frame.values.names[0]} ${c.number(x[i], 3)}, ${c.frame.values.names[1]} ${c.number(y[i], 3)}`,
      of === "made" && i < strength.length && `${c.t("pull")} ${c.number(strength[i], 3)}`,
    ),
  };
}

/** The real points, which are others only after a new beginning. @param {Context} c @param {number} radius @returns {import("../../page/parts/field.js").Points} */
function real(c, radius) {
  const key = `${c.frame.values.begun} ${c.language}`;
  if (c.local.realOf !== key) Object.assign(c.local, { realOf: key, real: cloud(c, "real", radius) });
  return { ...c.local.real, radius }; // whose coordinates are the same arrays, so that they are not painted anew
}

/** What controls are drawn from. @param {Context} c */
const asked = (c) => [c.settings, c.frame.values.begun, c.local.anew, c.dark, c.language, ...Object.keys(c.settings).concat("anew").map((name) => c.refusal(name))];

/** @param {Context} c */
function data(c) {
  const isDrawn = c.settings.data === "drawn";
  /** @param {number} x @param {number} y */
  const draw = (x, y) => {
    const last = c.local.last;
    if (!c.local.anew && last && Math.hypot(last[0] - x, last[1] - y) < 0.15) return;
    c.local.last = [x, y];
    c.act({ kind: "draw", x, y, anew: Boolean(c.local.anew) });
    c.local.anew = false;
  };
  const plot = {
    label: c.t("data.title"), dark: c.dark, ...sides(c), points: [real(c, 3)],
    summary: c.t("data.summary", { rows: c.number(c.frame.values.rows), name: c.t(`data.${c.settings.data}`) }),
    ...(isDrawn ? { pick: draw, drag: draw } : {}),
  };
  const body = html`<field-canvas class=${isDrawn ? "drawing" : ""} .plot=${plot}></field-canvas>`;
  const sources = c.frame.values.can_be_given ? [...SOURCES, "given"] : SOURCES;
  const drawing = html`<p class="soft"><small>${c.t("draw.text")}</small></p><div class="row">${button(c, { name: "anew", pressed: Boolean(c.local.anew), press: () => { c.local.anew = !c.local.anew; c.redraw(); } })}</div>`;
  return html`<div class="points">${figure(c, { name: "points", title: c.t("data.title"), caption: c.t("shown", { shown: c.frame.arrays.real.shape[0], rows: c.number(c.frame.values.rows) }), body, extra: html`
    <div class="controls">${select(c, { name: "data", options: sources })}${number(c, { name: "seed", min: 0, step: 1 })}</div>
    ${isDrawn ? drawing : ""}` })}</div>`;
}

/** @param {Context} c */
function networks(c) {
  const { parameters, presets } = c.frame.values;
  return html`<section class="networks"><h2>${c.t("networks")}</h2>
    <div class="row" role="group" aria-label=${c.t("presets")}>${presets.map((/** @type {string} */ name) => button(c, { name: `preset.${name}`, press: () => c.act({ kind: "preset", name }) }))}</div>
    <div class="controls chains">
      ${slider(c, { name: "noise", min: 1, max: 16 })}
      ${text(c, { name: "generator", rows: 2 })}
      ${text(c, { name: "discriminator", rows: 2 })}</div>
    <p class="soft"><small>${c.t("parameters", { generator: c.number(parameters.generator), discriminator: c.number(parameters.discriminator) })}</small></p>
    <h2>${c.t("learning")}</h2>
    <div class="controls">
      ${select(c, { name: "loss", options: LOSSES })}
      ${number(c, { name: "penalty", min: 0, max: 100 })}
      ${number(c, { name: "discriminator_rate", min: 1e-6, max: 1 })}
      ${number(c, { name: "generator_rate", min: 1e-6, max: 1 })}
      ${slider(c, { name: "critic_steps", min: 1, max: 10 })}
      ${slider(c, { name: "batch_size", min: 8, max: 512, step: 8 })}</div></section>`;
}

/** @param {Context} c */
function output(c) {
  const { field, made, pull, mesh } = c.frame.arrays;
  const { measures, step, modes, reach } = c.frame.values;
  const isCritic = c.settings.loss === "wasserstein";
  const [rows, columns] = mesh.shape;
  const plot = {
    label: c.t("output"), dark: c.dark, ...sides(c), values: field.data, rows: field.shape[0], columns: field.shape[1],
    palette: "signed", range: [-reach, reach], levels: [0], meaning: c.t(isCritic ? "field.critic" : "field.logit"),
    points: [real(c, 2.8), cloud(c, "made", 2.4)],
    ...(c.settings.manifold ? { mesh: { places: mesh.data, rows, columns, category: MADE } } : {}),
    ...(c.settings.arrows ? { arrows: { from: made.data, to: pull.data, category: PULL } } : {}),
    summary: c.t("output.summary", {
      step, energy: c.number(measures.energy_distance, 3), real: percent(c, measures.real_accuracy), made: percent(c, measures.made_accuracy),
    }) + (modes ? ` ${c.t("modes.found", { found: measures.modes, modes })}` : ""),
    /** @param {number} x @param {number} y @param {number} value */
    describe: (x, y, value) => tip(
      c.t(value > 0 ? "field.real" : "field.made"), `${c.frame.values.names[0]} ${c.number(x, 3)}, ${c.frame.values.names[1]} ${c.number(y, 3)}`,
      isCritic ? `D − ${c.number(c.frame.values.boundary, 3)} = ${c.number(value, 3)}` : `D = ${c.number(value, 3)}, σ(D) = ${c.number(1 / (1 + Math.exp(-value)), 3)}`,
    ),
  };
  return html`<div class="output">${figure(c, { name: "gan", title: c.t("output"), body: html`<warped-field .plot=${plot}></warped-field>${legend(c)}`, extra: html`
    <div class="controls">${select(c, { name: "weights", options: ["present", "average"] })}
      ${checkbox(c, { name: "manifold" })}${checkbox(c, { name: "arrows" })}</div>
    ${c.settings.manifold && c.settings.noise > 2 ? html`<p class="soft"><small>${c.t("manifold.slice", { noise: c.settings.noise })}</small></p>` : ""}` })}</div>`;
}

/** @param {Context} c */
function legend(c) {
  /** @param {string} name @param {string} shape @param {string} words @param {number} [kind] */
  const item = (name, shape, words, kind) => html`<li><svg class=${`key ${name}`} viewBox="0 0 32 8" aria-hidden="true" .style=${kind === undefined ? "" : `color:${category(kind, c.dark)}`}><path d=${shape}></path></svg>${words}</li>`;
  return html`<ul class="legend">
    ${item("real", "M12.5 4a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0", c.t("point.real"), REAL)}
    ${item("made", "M12.5 .5h7v7h-7z", c.t("point.made"), MADE)}
    ${item("zero", "M0 4H32", c.t("zero"))}
    ${c.settings.arrows ? item("pull", "M4 4H26M22 1L26 4L22 7", c.t("pull.legend"), PULL) : ""}</ul>`;
}

/** @param {Context} c */
function losses(c) {
  const { steps, discriminator_loss: discriminator, generator_loss: generator } = c.frame.arrays;
  const formulas = FORMULAS[/** @type {keyof FORMULAS} */ (c.settings.loss)];
  const plot = {
    label: c.t("losses"), x: steps.data, xLabel: c.t("step.axis"), yLabel: c.t("loss.axis"), dark: c.dark, height: 240,
    series: [
      { name: c.t("discriminator.label"), values: discriminator.data, category: 3 },
      { name: c.t("generator.label"), values: generator.data, category: MADE },
    ],
  };
  return html`<div>${figure(c, { name: "losses", title: c.t("losses"), caption: c.t("losses.caption"), body: html`<line-chart .plot=${plot}></line-chart>` })}
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("formulas")}>
      <div ${tex(`L_D = \\mathbb{E}\\,[${formulas[0]}]${penalty(c)}`, true)}></div><div ${tex(`L_G = \\mathbb{E}\\,[${formulas[1]}]`, true)}></div></div></div>`;
}

/** @param {Context} c */
function penalty(c) {
  if (!c.settings.penalty) return "";
  const slope = c.settings.loss === "wasserstein" ? "(\\lVert\\nabla D\\rVert - 1)^2" : "\\tfrac{1}{2}\\lVert\\nabla D(x)\\rVert^2";
  return ` + ${c.settings.penalty}\\,\\mathbb{E}\\,${slope}`;
}

/** @param {Context} c @param {number} value */
const percent = (c, value) => (value === null ? "–" : `${c.number(100 * value, 3)} %`);

/** What stands in the way, in words: divergence, a cause that the diagnosis names, or nothing. @param {Context} c */
function verdict(c) {
  const { diverged, is_early: isEarly, findings, pull, measures, modes } = c.frame.values;
  if (diverged !== null) return html`<div class="notice bad">${c.t("diverged", { step: diverged })}</div>`;
  if (isEarly) return html`<p>${c.t("early")}</p>`;
  if (!findings.length) {
    const isExact = !modes || measures.high_quality >= EXACT;
    return html`<p>${isExact ? c.t("sound") : c.t("inexact", { reached: c.number(measures.reached, 3), modes, share: percent(c, measures.high_quality) })}</p>`;
  }
  return findings.map((/** @type {any} */ { cause, evidence }) => html`<div class="notice"><strong>${c.t(`cause.${cause}`)}</strong> <code>${cause}</code><br>
    ${c.t(`cause.${cause}.text`)}<br><small>${Object.entries(evidence).map(([name, [value, reference]]) => html`${c.t(`evidence.${name}`)} ${c.number(value, 2)} (${c.t("reference")} ${c.number(reference, 2)}); `)}${c.t("pull")} ${c.number(pull, 2)}</small></div>`);
}

/** @param {Context} c */
function balance(c) {
  const { measures, modes, pull, findings } = c.frame.values;
  const rows = [
    ...(modes ? [["modes", `${c.number(measures.modes)} / ${modes}`], ["reached", `${c.number(measures.reached, 3)} / ${modes}`], ["high_quality", percent(c, measures.high_quality)]] : []),
    ["energy_distance", c.number(measures.energy_distance, 2)], ["real_accuracy", percent(c, measures.real_accuracy)],
    ["made_accuracy", percent(c, measures.made_accuracy)], ["nearest_neighbour", percent(c, measures.nearest_neighbour)], ["pull", c.number(pull, 2)],
  ];
  return html`<section class="panel"><h2>${c.t("balance")}</h2><div class="verdict">${verdict(c)}</div>
    <p class="unseen" aria-live="polite">${findings.map((/** @type {any} */ { cause }) => c.t(`cause.${cause}`)).join(", ")}</p>
    <table class="figures"><caption class="unseen">${c.t("balance")}</caption><tbody>
    ${rows.map(([name, value]) => html`<tr><td>${c.t(name)}</td><td>${value}</td><td><small>${c.t(`${name}.best`)}</small></td></tr>`)}</tbody></table></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => html`${c.t("at", { step: c.number(c.frame.values.step), turns: c.number(c.frame.values.turns) })} ${c.t(`moved.${c.frame.values.moved}`)}`,
  render: (c) => {
    const { steps } = c.frame.arrays;
    const { measured, pull, is_early: isEarly, diverged, findings } = c.frame.values;
    const judged = [measured, c.frame.playing || pull, isEarly, diverged, JSON.stringify(findings)];
    return html`<link rel="stylesheet" href="/exhibits/gan/style.css">
      <div class="gan flow">${kept(asked(c), () => data(c))}${kept(asked(c), () => networks(c))}${output(c)}</div>
      <div class="gan beside">${inTurn(c, 0, 2, () => html`${kept([...asked(c), steps.data.length, steps.data.at(-1)], () => losses(c))}`)}
        ${inTurn(c, 1, 2, () => html`${kept([...asked(c), ...judged], () => balance(c))}`)}</div>`;
  },
};
