/** The graph, the stops of a round, the one that the reader is at, and what can be changed. */
import { html, nothing } from "../../page/third_party/lit.js";
import "../../page/parts/chart.js";
import { button, checkbox, number, refused, select, slider, text } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { kept } from "../../page/parts/kept.js";
import { matrix } from "../../page/parts/matrix.js";
import { tip } from "../../page/parts/tip.js";
import { graph } from "./graph.js";
import { nameOf } from "./marks.js";
import { PLAIN, titleOf, wayOf, worked } from "./worked.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {import("./marks.js").Stop} Stop */

const LOSSES = ["half-squared-error", "squared-error", "cross-entropy", "binary-cross-entropy"];
const OPTIMISERS = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"];
const GROUPS = [["forward", ["forward"]], ["loss", ["loss"]], ["backward", ["begin", "backward", "sum"]], ["update", ["update", "after"]]];

/** What is derived: the network and how it learns. @param {Context} c */
function top(c) {
  const { presets, loss, learning_rate: rate, samples } = c.frame.values;
  const { preset, optimizer } = c.settings;
  return html`<div class="bp-top">${select(c, { name: "preset", options: presets })}
    ${preset === "own" ? html`${text(c, { name: "network" })}${number(c, { name: "seed", min: 0, step: 1 })}` : nothing}
    ${preset === "given" ? slider(c, { name: "samples", min: 1, max: 8 }) : nothing}
    ${select(c, { name: "loss", options: LOSSES, value: loss })}
    ${select(c, { name: "optimizer", options: OPTIMISERS })}
    ${number(c, { name: "learning_rate", min: 0, step: "any", value: rate })}
    ${["sgd", "adagrad", "rmsprop"].includes(optimizer) ? nothing : slider(c, { name: "momentum", min: 0, max: 0.99, step: 0.01 })}
    ${samples > 1 ? slider(c, { name: "sample", min: 1, max: samples, value: c.settings.sample + 1, change: (value) => c.set({ sample: value - 1 }) }) : nothing}
    ${slider(c, { name: "digits", min: 2, max: 10 })}${checkbox(c, { name: "ask" })}</div>
    ${refused(c, "weights")}`;
}

/** Every stop of the round. @param {Context} c */
function stops(c) {
  /** @type {Stop[]} */
  const all = c.frame.values.stops;
  const here = c.frame.values.at;
  const go = (/** @type {number} */ at) => c.set({ at });
  const item = (/** @type {Stop} */ stop, /** @type {number} */ at) => html`<li class=${at > here ? "later" : ""}><button type="button" id="stop-${at}"
    aria-current=${at === here ? "step" : nothing} @click=${() => go(at)}>${titleOf(c, stop)} <small>${wayOf(c, stop)}</small></button></li>`;
  return html`<nav aria-label=${c.t("stops")}><h2>${c.t("round", { round: c.frame.values.losses.length })}</h2>
    <p><button type="button" class="plain" id="back" ?disabled=${here === 0} @click=${() => go(here - 1)}>${c.t("back")}</button></p>
    <div class="bp-stops">${GROUPS.map(([name, phases]) => html`<h3>${c.t(`group.${name}`)}</h3><ol>${all.map((stop, at) => (phases.includes(stop.phase) ? item(stop, at) : nothing))}</ol>`)}</div></nav>`;
}

/** Rows of the batch as a text: inputs, an arrow, targets. @param {Context} c */
function batch(c) {
  const { inputs, targets } = c.frame.values.rows;
  const line = (/** @type {number[]} */ row) => row.map((value) => Number(value.toPrecision(6))).join(", ");
  return inputs.map((/** @type {number[]} */ row, /** @type {number} */ i) => `${line(row)} → ${line(targets[i])}`).join("\n");
}

/** @param {Context} c @param {string} written */
function takeBatch(c, written) {
  const lines = written.split("\n").filter((each) => each.trim());
  const sides = lines.map((each) => each.split(/→|->|=>|;/).map((side) => side.trim().split(/[\s,，]+/).map((text) => Number(text.replace("−", "-")))));
  const isRead = sides.length > 0 && sides.every((each) => each.length === 2 && each.flat().every(Number.isFinite));
  c.local.isUnread = !isRead;
  if (isRead) c.set({ inputs: sides.map(([x]) => x), targets: sides.map(([, t]) => t) });
  else c.redraw();
}

/** One tensor's numbers, to be changed; the graph has the small ones itself. @param {Context} c */
function numbers(c) {
  /** @type {import("./layout.js").Tensor[]} */
  const tensors = c.frame.values.tensors;
  const own = tensors.filter((each) => each.role === "parameter");
  const chosen = own.find((each) => each.source === c.local.tensor) ?? own[0];
  const index = tensors.indexOf(chosen);
  const { data, shape } = c.frame.arrays[`v${index}`];
  const columns = shape[shape.length - 1] ?? 1;
  return html`<section><h2>${c.t("numbers")}</h2>
    <div class="control"><label for="control-tensor">${c.t("tensor.label")}</label><select id="control-tensor" @change=${(/** @type {any} */ event) => { c.local.tensor = event.target.value; c.redraw(); }}>
      ${own.map((each) => html`<option value=${each.source} ?selected=${each === chosen}>${each.plain} · ${each.source} ${each.shape.join("×")}</option>`)}</select></div>
    ${matrix(c, { name: "numbers", label: chosen.plain, values: data, rows: data.length / columns, columns, digits: 4, range: PLAIN,
      describe: (row, column, value) => tip(nameOf(c, index, row * columns + column), c.number(value, c.settings.digits), c.t("numbers.help")),
      edit: (row, column, value) => c.act({ kind: "set_number", tensor: chosen.source, element: row * columns + column, value }) })}
    ${c.frame.values.whole ? nothing : html`${text(c, { name: "data", rows: Math.min(6, c.frame.values.samples + 1), value: batch(c), change: (value) => takeBatch(c, value) })}
      ${c.local.isUnread ? html`<p class="refused" role="alert">${c.t("data.unread")}</p>` : nothing}`}</section>`;
}

/** The loss of every round so far. @param {Context} c */
function rounds(c) {
  const { losses, most_rounds: most } = c.frame.values;
  const train = (/** @type {number} */ count) => c.act({ kind: "train", rounds: count });
  const plot = { label: c.t("rounds"), x: losses.map((/** @type {number} */ _, /** @type {number} */ i) => i), xLabel: c.t("rounds.x"), yLabel: "E", dark: c.dark, height: 170, series: [{ name: "E", values: losses }] };
  return html`${figure(c, { name: "loss", title: c.t("rounds"), caption: `E = ${c.number(losses[losses.length - 1], c.settings.digits)}`,
    body: kept([losses.length, losses[losses.length - 1], losses[0], c.dark, c.language], () => html`<line-chart .plot=${plot}></line-chart>`),
    extra: html`<div class="row">${[1, 10, 100].map((count) => button(c, { name: `train_${count}`, press: () => train(count), disabled: losses.length > most }))}</div>` })}`;
}

/** A loss that is no number any more. @param {Context} c */
function trouble(c) {
  const { losses, next_loss: after } = c.frame.values;
  return losses[losses.length - 1] === null || after === null ? html`<div class="notice bad" role="alert">${c.t("diverged")}</div>` : nothing;
}

/** What all controls are drawn from. @param {Context} c */
const asked = (c) => [c.dark, c.language, c.local.tensor, c.local.isUnread, ...Object.entries(c.settings).filter(([name]) => name !== "at").map(([, value]) => value), ...[...Object.keys(c.settings), "weights"].map((name) => c.refusal(name))];

/** The network and its numbers, which a stop of the round does not change. @param {Context} c @param {() => unknown} draw */
function ofRound(c, draw) {
  const { presets, loss, learning_rate: rate, samples, rows, tensors, losses } = c.frame.values;
  const numbers = tensors.map((/** @type {any} */ _, /** @type {number} */ i) => c.frame.arrays[`v${i}`].data.join());
  return kept([...asked(c), presets.join(), loss, rate, samples, JSON.stringify(rows), losses.length, ...numbers], draw);
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch", "latex"],
  status: (c) => {
    const { at, stops: all, losses } = c.frame.values;
    return c.t("status", { round: losses.length, at: at + 1, count: all.length, loss: c.number(losses[losses.length - 1], c.settings.digits) });
  },
  render: (c) => html`<link rel="stylesheet" href="/exhibits/backpropagation/style.css">${trouble(c)}${ofRound(c, () => top(c))}${graph(c)}
    <div class="bp-below">${stops(c)}${worked(c)}<div class="bp-side">${ofRound(c, () => numbers(c))}${rounds(c)}</div></div>`,
};
