/** Stored patterns, the state on its way, what it ends in; the energy that falls, the couplings, and how much they hold. */
import { html, nothing, svg } from "../../page/third_party/lit.js";
import { button, number, refused, select, slider } from "../../page/parts/controls.js";
import { colourOf, place, table } from "../../page/parts/colours.js";
import { figure } from "../../page/parts/figure.js";
import { kept } from "../../page/parts/kept.js";
import { tex, texNumber } from "../../page/parts/formula.js";
import { pixels } from "../../page/parts/pixels.js";
import { tip } from "../../page/parts/tip.js";
import "../../page/parts/chart.js";
import "../../page/parts/field.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const SIDE = 8;
const UNITS = SIDE * SIDE;
/** @type {[number, number]} wider than the values, so that colours stay calm */
const RANGE = [-1.4, 1.4];
const MOST_LINES = 6;
const MEMORIES = ["hebbian", "pseudo-inverse", "modern"];
/** Random patterns a unit that Hebb's rule holds where N is infinite. */
const LIMIT = 0.138;

/** @param {Context} c */
const isModern = (c) => c.settings.memory === "modern";
/** @param {Context} c */
const words = (c) => `${isModern(c) ? "cosine" : "overlap"}`;
/** The overlap with a pattern now. @param {Context} c @param {number} index */
function overlap(c, index) {
  const { data, shape } = c.frame.arrays.overlaps;
  return data[(shape[0] - 1) * shape[1] + index];
}

/** @param {Context} c @param {ArrayLike<number>} values @param {number} from */
function thumbnail(c, values, from) {
  return html`<svg viewBox="0 0 8 8" aria-hidden="true">${Array.from({ length: UNITS }, (_, at) => svg`<rect x=${at % SIDE + 0.04} y=${Math.floor(at / SIDE) + 0.04}
    width="0.92" height="0.92" fill=${colourOf(values[from + at], RANGE, "signed", c.dark).fill}></rect>`)}</svg>`;
}

/** @param {Context} c */
function memory(c) {
  const { names, cue } = c.frame.values;
  const { data } = c.frame.arrays.patterns;
  const { preset } = c.settings;
  const cards = names.map((/** @type {string} */ name, /** @type {number} */ index) => html`<li>
    <button type="button" class="pattern" aria-pressed=${String(index === cue && !c.frame.values.drawn)} aria-label=${c.t("begin", { name })}
      data-tip=${tip(c.t("pattern", { name }), `${c.t(words(c))} ${c.number(overlap(c, index), 3)}`, c.t("begin", { name }))} @click=${() => c.set({ cue: index, drawn: null })}>${thumbnail(c, data, index * UNITS)}</button>
    <span class="under"><span>${name}</span><button type="button" class="forget" aria-label=${c.t("forget", { name })} data-tip=${c.t("forget", { name })}
      @click=${() => c.act({ kind: "forget", index })}>×</button></span></li>`);
  return html`<section><h2>${c.t("memory.title")}</h2><p class="soft">${c.t("memory.text", { count: names.length })}</p>
    <ul class="patterns" data-refusals="forget">${cards}</ul>${refused(c, "forget")}
    <div class="controls">${select(c, { name: "preset", options: ["letters", "digits", "random", "own"].filter((each) => each !== "own" || preset === "own") })}
    ${preset === "own" ? nothing : slider(c, { name: "count", min: 1, max: { letters: 12, digits: 10 }[/** @type {"letters"} */ (preset)] ?? 16 })}
    ${select(c, { name: "memory", options: ["hebbian", "pseudo-inverse", "modern"] })}
    ${isModern(c) ? slider(c, { name: "beta", min: 0.01, max: 1, step: 0.01 }) : nothing}
    ${number(c, { name: "seed", min: 0, step: 1 })}</div></section>`;
}

/** @param {Context} c */
function state(c) {
  const { data } = c.frame.arrays.state;
  const fields = c.frame.arrays.fields?.data;
  const grid = pixels(c, {
    name: "state", label: c.t("state.title"), values: data, rows: SIDE, columns: SIDE, range: RANGE,
    classes: (at) => `${at === c.frame.values.unit ? "current" : ""} ${data[at] === 0 ? "outside" : ""}`,
    paint: (cell, value) => c.act({ kind: "paint", cell, value }),
    describe: (at, value) => tip(
      c.t("unit", { row: Math.floor(at / SIDE) + 1, column: (at % SIDE) + 1 }),
      value === 0 ? c.t("unit.unknown") : `x = ${c.number(value, 3)}`,
      fields && `h = Σ wᵢⱼ xⱼ = ${c.number(fields[at], 3)}`,
    ),
  });
  return figure(c, { name: "state", title: c.t("state.title"), caption: c.t("state.caption"), body: grid, extra: html`
    <p class="row" data-refusals="keep">${button(c, { name: "clear", press: () => c.act({ kind: "clear" }) })}${button(c, { name: "keep", press: () => c.act({ kind: "keep" }) })}</p>
    <div class="controls">${select(c, { name: "damage", options: ["flip", "hide_left", "hide_right", "hide_top", "hide_bottom"] })}
    ${c.settings.damage === "flip" ? slider(c, { name: "share", min: 0, max: 0.5, step: 0.05 }) : nothing}
    ${isModern(c) ? nothing : select(c, { name: "update", options: ["asynchronous", "synchronous"] })}</div>` });
}

/** What the state is, in words. @param {Context} c */
function named(c) {
  const { kind, named: found, names } = c.frame.values;
  return c.t(`kind.${kind}`, { name: found.map((/** @type {number} */ index) => names[index]).join(" + ") });
}

/** @param {Context} c */
function outcome(c) {
  const { names, rests, stopped, updates } = c.frame.values;
  const when = rests ? "rests" : stopped ? "stopped" : updates ? "going" : "begins";
  const shares = c.frame.arrays.shares?.data;
  const colours = table("signed", c.dark);
  const rows = names.map((/** @type {string} */ name, /** @type {number} */ index) => {
    const value = overlap(c, index);
    const at = 3 * place(value, -1, 1);
    const said = tip(`${c.t(words(c))} ${name}`, c.number(value, 3), isModern(c) ? "x·p / |x||p|" : "m = Σ xᵢ pᵢ / N");
    return html`<span>${name}</span><svg viewBox="-1 0 2 0.3" preserveAspectRatio="none" role="img" aria-label=${said.replaceAll("\n", ", ")} data-tip=${said}>
      <rect x="-1" y="0.13" width="2" height="0.04" fill="var(--grid)"></rect><rect x=${Math.min(0, value)} y="0" width=${Math.abs(value)} height="0.3" fill=${`rgb(${colours[at]} ${colours[at + 1]} ${colours[at + 2]})`}></rect>
      <rect x="-0.006" y="0" width="0.012" height="0.3" fill="var(--edge)"></rect></svg>
      <span class="amount">${c.number(value, 2)}${shares ? html` <small class="soft">${c.t("of", { share: c.number(100 * shares[index], 2) })}</small>` : nothing}</span>`;
  });
  return html`<section><h2>${c.t("outcome.title")}</h2><p class="soft">${c.t(`when.${when}`)}</p><p class="verdict-name" id="named">${named(c)}</p>
    <p class="soft">${c.t(`why.${c.frame.values.kind}`)}</p><h3>${c.t(`${words(c)}s`)}</h3><div class="bars">${rows}</div></section>`;
}

/** @param {Context} c */
function energy(c) {
  const { data } = c.frame.arrays.energies;
  const body = html`<line-chart .plot=${{
    label: c.t("energy.title"), x: Array.from(data, (_, at) => at), xLabel: c.t("updates"), yLabel: c.t("energy"), dark: c.dark,
    series: [{ name: c.t("energy"), values: data, formula: isModern(c) ? "E = −1/β log Σ exp(β p·x) + x·x/2 + …" : "E = −½ Σ wᵢⱼ xᵢ xⱼ" }],
  }}></line-chart>`;
  return figure(c, { name: "energy", title: c.t("energy.title"), caption: c.t(`energy.${isModern(c) ? "modern" : c.settings.update}`), body });
}

/** @param {Context} c */
function overlaps(c) {
  const { data, shape: [times, count] } = c.frame.arrays.overlaps;
  const shown = Array.from({ length: count }, (_, index) => index)
    .sort((one, other) => Math.abs(overlap(c, other)) - Math.abs(overlap(c, one))).slice(0, MOST_LINES).sort((one, other) => one - other);
  const body = html`<line-chart .plot=${{
    label: c.t(`${words(c)}s`), x: Array.from({ length: times }, (_, at) => at), xLabel: c.t("updates"), yLabel: c.t(words(c)), yRange: [-1.05, 1.05], dark: c.dark,
    series: shown.map((index, at) => ({ name: c.frame.values.names[index], category: at, values: Array.from({ length: times }, (_, time) => data[time * count + index]) })),
  }}></line-chart>`;
  return figure(c, { name: "overlaps", title: c.t(`${words(c)}s`), caption: count > MOST_LINES ? c.t("largest", { count: MOST_LINES }) : "", body });
}

/** @param {Context} c */
function couplings(c) {
  const { data } = c.frame.arrays.weights;
  const body = html`<field-canvas .plot=${{
    label: c.t("couplings.title"), summary: c.t("couplings.summary", { largest: c.number(Math.max(...Array.from(data, Math.abs)), 3) }),
    x: { from: 0.5, to: UNITS + 0.5, label: c.t("couplings.to") }, y: { from: UNITS + 0.5, to: 0.5, label: c.t("couplings.from") },
    values: data, rows: UNITS, columns: UNITS, palette: "signed", crisp: true, meaning: "w", dark: c.dark,
    describe: (/** @type {number} */ x, /** @type {number} */ y) => {
      const [i, j] = [y, x].map((at) => Math.max(1, Math.min(UNITS, Math.round(at))));
      return tip(c.t("coupling", { i, j }), `w = ${c.number(data[(i - 1) * UNITS + j - 1], 3)}`, c.settings.memory === "hebbian" ? "w = 1/N Σ pᵢ pⱼ" : "w = (P⁺ P)ᵢⱼ");
    },
  }}></field-canvas>`;
  return figure(c, { name: "couplings", title: c.t("couplings.title"), caption: c.t("couplings.caption"), body });
}

/** What is measured of each memory, by how many pictures are stored, and the limit of Hebb's rule. @param {Context} c */
function capacity(c) {
  const { counts, errors, networks, names, measured } = c.frame.values;
  const limit = counts.findIndex((/** @type {number} */ count) => count > LIMIT * UNITS);
  // the place of the limit stands there twice, so that its line is upright
  const at = [...counts.keys()].flatMap((each) => (each === limit ? [each, each] : [each]));
  const series = MEMORIES.map((memory, category) => ({
    name: memory === "modern" ? c.t("capacity.beta", { beta: c.number(c.settings.beta) }) : c.t(`memory.${memory}`), category,
    values: at.map((each) => errors[memory][each] ?? null), formula: c.t("capacity.formula"),
  }));
  const plot = {
    label: c.t("capacity.title"), x: at.map((each) => Math.log2(counts[each])), xLabel: c.t("capacity.count"), yLabel: c.t("capacity.error"), yRange: [-0.01, 0.52], dark: c.dark, height: 260,
    series: [...series, { name: c.t("capacity.limit"), category: 6, values: at.map((_, place) => (place === limit ? 0 : place === limit + 1 ? 0.5 : null)) }],
    summary: MEMORIES.map((memory) => c.t("capacity.summary", { memory: c.t(`memory.${memory}`), most: held(c, memory) })).join("; "),
  };
  const kind = { hebbian: "hebbian", "pseudo-inverse": "inverse", modern: "modern" }[/** @type {"modern"} */ (c.settings.memory)];
  return figure(c, { name: "capacity", title: c.t("capacity.title"), caption: measured ? "" : c.t("capacity.going"), body: html`<line-chart .plot=${plot}></line-chart>`, extra: html`
    <p class="soft">${c.t("capacity.told", { count: networks, share: c.number(100 * c.settings.share) })}</p>
    <p class="soft">${c.t(`capacity.${kind}`, { stored: names.length, most: held(c, c.settings.memory) })}</p>` });
}

/** The largest number of pictures up to which less than a twentieth of the pixels is wrong. @param {Context} c @param {string} memory */
function held(c, memory) {
  const { counts, errors } = c.frame.values;
  const first = errors[memory].findIndex((/** @type {number} */ error) => error >= 0.05);
  const most = first < 0 ? errors[memory].length : first;
  return most ? c.number(counts[most - 1]) : c.number(0);
}

/** The update's rule with the numbers of the last unit. @param {Context} c */
function rule(c) {
  const fields = c.frame.arrays.fields?.data;
  const { unit, energy: now } = c.frame.values;
  const formula = isModern(c) ? "x' = P^\\top\\,\\mathrm{softmax}(\\beta\\,P\\,x)" : "x_i = \\operatorname{sign}(h_i),\\quad h_i = \\sum_j w_{ij}\\,x_j,\\quad E = -\\tfrac12\\sum_{i,j} w_{ij}\\,x_i\\,x_j";
  const numbers = fields && unit >= 0 ? `h_{${unit + 1}} = ${texNumber(fields[unit], 3)},\\quad x_{${unit + 1}} = ${texNumber(c.frame.arrays.state.data[unit])},\\quad E = ${texNumber(now)}` : `E = ${texNumber(now)}`;
  return html`<section class="panel"><h2>${c.t("rule.title")}</h2><p class="soft">${c.t(isModern(c) ? "rule.modern" : `rule.${c.settings.update}`)}</p>
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("rule.title")}><div ${tex(formula, true)}></div><div ${tex(numbers, true)}></div></div></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => c.t("status", { updates: c.frame.values.updates, flips: c.frame.values.flips, energy: c.number(c.frame.values.energy) }),
  render: (c) => html`<link rel="stylesheet" href="/exhibits/hopfield/style.css">
    <div class="flow">${memory(c)}<span class="into" aria-hidden="true">→</span>${state(c)}<span class="into" aria-hidden="true">→</span>${outcome(c)}</div>
    <div class="beside">${energy(c)}${overlaps(c)}</div>
    <div class="beside">${isModern(c) ? nothing : couplings(c)}<div class="stack">${rule(c)}${kept([c.settings, JSON.stringify(c.frame.values.errors), c.frame.values.measured, c.dark, c.language], () => capacity(c))}</div></div>`,
};
