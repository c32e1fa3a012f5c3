/** How the chosen map is made: each map before it, what it is weighed by, its share, and their sum. */
import { html, nothing } from "../../page/third_party/lit.js";
import { figure } from "../../page/parts/figure.js";
import { tip } from "../../page/parts/tip.js";
import "../../page/parts/chart.js";
import { dimensions, largest, part, unitName } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** Pictures of one of the unit's arrays, whose own size may be larger than they are drawn. @param {Context} c @param {string} name */
function pictures(c, name) {
  const { data, shape: [count, rows, columns] } = c.frame.arrays[`made.${name}`];
  const range = largest(data);
  const size = c.frame.values.unit.sizes[name].slice(1);
  return Array.from({ length: count }, (_, at) => ({ values: part(data, at * rows * columns, rows * columns), rows, columns, size, range, dark: c.dark }));
}

/** The window on what the layer reads. @param {number[] | undefined} box */
const framed = (box) => (box ? [{ top: box[0], left: box[1], height: box[2], width: box[3], kind: "window" }] : []);

/** What the maps before are called. @param {Context} c @param {number} [branch] */
export function sourceName(c, branch = 0) {
  const { layers } = c.frame.values;
  const source = layers[c.frame.values.chosen.layer].sources[branch];
  return source === -1 ? c.t("the.image") : source === null || source === undefined ? c.t("the.input") : layers[source].name;
}

/** The chosen map, large: its units are looked at by pointing and by the cursor keys. @param {Context} c */
export function chosenMap(c) {
  const { layers, unit, layer: told } = c.frame.values;
  const { layer, channel } = c.frame.values.chosen;
  const at = layers[layer];
  const name = c.t("map.of", { layer: at.name, channel: channel + 1 });
  if (!c.frame.arrays.map) return nothing;
  const { data, shape: [, rows, columns] } = c.frame.arrays.map;
  const plot = {
    values: data, rows, columns, size: at.shape.slice(1), range: told.size, dark: c.dark, at: [unit.row, unit.column],
    label: c.t("map.said", { map: name, row: unit.row + 1, column: unit.column + 1, value: c.number(unit.value, 3) }),
    frames: [{ top: unit.row, left: unit.column, height: 1, width: 1, kind: "unit" }],
    describe: (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ value) => tip(c.t("place", { row: row + 1, column: column + 1 }), c.number(value, 3), c.t("unit.look")),
    pick: (/** @type {number} */ row, /** @type {number} */ column) => c.set({ at: [row, column] }),
  };
  return figure(c, { name: `${at.name}-${channel + 1}`, title: c.t("map.title", { channel: channel + 1 }), caption: `${at.name}, ${dimensions(at.shape.slice(1))}`, body: html`<map-picture class="large" .plot=${plot}></map-picture>`, extra: html`
    <p class="soft">${c.t(c.frame.values.pinned ? "unit.pinned" : "unit.strongest", { row: unit.row + 1, column: unit.column + 1, value: c.number(unit.value, 3) })}
    ${c.frame.values.pinned ? html`<button type="button" class="link" @click=${() => c.set({ at: null })}>${c.t("unit.unpin")}</button>` : nothing}</p>` });
}

/** @param {Context} c */
export function making(c) {
  const { sort } = c.frame.values.unit;
  const parts = { conv: weighed, dense: weighed, terms: terms, max: read, mean: read, norm: read, curve, sum: branches, join: joined }[/** @type {string} */ (sort)];
  const { layers } = c.frame.values;
  const at = layers[c.frame.values.chosen.layer];
  const { layer, channel } = c.frame.values.chosen;
  const title = at.shape.length === 3 ? c.t("making.map", { layer: at.name, channel: channel + 1 }) : c.t("making.unit", { layer: at.name, channel: unitName(c, layer, channel) });
  return html`<section class="panel making"><h2>${title}</h2><p class="soft">${c.t(`making.${sort}`, { source: sourceName(c), count: c.frame.values.unit.made.read ?? 0 })}</p>${parts ? parts(c) : nothing}</section>`;
}

/** Channel by channel: input, weights, share. @param {Context} c */
function weighed(c) {
  const { sort, made } = c.frame.values.unit;
  const [inputs, kernels, partial] = ["inputs", "kernels", "partial"].map((name) => pictures(c, name));
  const chosen = partOf(c);
  const sign = sort === "conv" ? "∗" : "∘";
  const rows = made.channels.map((/** @type {number} */ channel, /** @type {number} */ index) => {
    const name = c.t("channel", { channel: channel + 1 });
    const said = tip(`${sourceName(c)}, ${name}`, c.t("contribution", { value: c.number(made.sums[index], 3) }), c.t("part.look"));
    return html`<li><button type="button" class="part" aria-pressed=${String(index === chosen)} data-tip=${said} aria-label=${said.replaceAll("\n", ", ")} @click=${() => { c.local.part = channel; c.redraw(); }}>
      <span class="number">${channel + 1}</span><map-picture .plot=${{ ...inputs[index], frames: framed(made.box) }}></map-picture><span aria-hidden="true">${sign}</span>
      <map-picture class="kernel" .plot=${kernels[index]}></map-picture><span aria-hidden="true">=</span><map-picture .plot=${partial[index]}></map-picture><span class="amount">${c.number(made.sums[index], 2)}</span></button></li>`;
  });
  const others = made.others ? html`<li class="others"><span>${c.t("others", { count: made.others })}</span><span class="amount">${c.number(made.rest, 2)}</span></li>` : nothing;
  return html`<div class="heads soft" aria-hidden="true"><span></span><span>${c.t("head.input")}</span><span></span><span>${c.t("head.weights")}</span><span></span><span>${c.t("head.share")}</span><span class="amount">${c.t("head.sum")}</span></div>
    <ul class="parts">${rows}${others}
    <li class="others"><span>${made.has_bias ? c.t("bias") : c.t("bias.none")}</span><span class="amount">${made.has_bias ? c.number(made.bias, 2) : nothing}</span></li>
    <li class="others total"><span>${c.t("total")}</span><span class="amount">${c.number(made.total, 3)}</span></li></ul>`;
}

/** Which of the shown parts is written out: the chosen one, else the one that weighs most. @param {Context} c */
export function partOf(c) {
  const { channels, sums } = c.frame.values.unit.made;
  const asked = channels.indexOf(c.local.part);
  if (asked >= 0) return asked;
  let most = 0;
  sums.forEach((/** @type {number} */ sum, /** @type {number} */ at) => { if (Math.abs(sum) > Math.abs(sums[most])) most = at; });
  return most;
}

/** @param {Context} c */
function terms(c) {
  const { made } = c.frame.values.unit;
  const [read, weights, products] = ["read", "weights", "products"].map((name) => c.frame.arrays[`made.${name}`].data);
  const rows = made.terms.map((/** @type {number} */ unit, /** @type {number} */ at) => html`<tr><td>${unit + 1}</td><td>${c.number(read[at], 3)}</td><td>${c.number(weights[at], 3)}</td><td>${c.number(products[at], 3)}</td></tr>`);
  return html`<table class="terms"><thead><tr><th>${c.t("head.unit")}</th><th>x</th><th>w</th><th>w · x</th></tr></thead><tbody>${rows}
    ${made.others ? html`<tr><td colspan="3">${c.t("others.units", { count: made.others })}</td><td>${c.number(made.rest, 3)}</td></tr>` : nothing}
    <tr><td colspan="3">${made.has_bias ? c.t("bias") : c.t("bias.none")}</td><td>${made.has_bias ? c.number(made.bias, 3) : nothing}</td></tr>
    <tr class="total"><td colspan="3">${c.t("total")}</td><td>${c.number(made.total, 3)}</td></tr></tbody></table>`;
}

/** The one map that is read, with the window on it, or the place. @param {Context} c */
function read(c) {
  const { made, row, column } = c.frame.values.unit;
  if (!c.frame.arrays["made.inputs"]) return nothing;
  const [input] = pictures(c, "inputs");
  return html`<div class="pair"><div><small class="soft">${sourceName(c)}, ${c.t("channel", { channel: made.channels[0] + 1 })}</small><map-picture .plot=${{ ...input, frames: framed(made.box ?? [row, column, 1, 1]) }}></map-picture></div></div>`;
}

/** @param {Context} c */
function curve(c) {
  const { made, value } = c.frame.values.unit;
  const [z, g] = [c.frame.arrays["made.z"]?.data, c.frame.arrays["made.g"]?.data];
  if (!z) return nothing;
  return html`<field-canvas class="curve" .plot=${{
    label: c.t("curve.title"), summary: c.t("curve.said", { z: c.number(made.z, 3), a: c.number(value, 3) }), ratio: 0.55,
    x: { from: z[0], to: z[z.length - 1], label: "z" }, y: { from: Math.min(...g, 0), to: Math.max(...g), label: "a = g(z)" }, dark: c.dark,
    lines: [{ x: z, y: g, category: 0 }], points: [{ x: [made.z], y: [value], category: [1], radius: 5, describe: () => tip(c.t("curve.point"), `z = ${c.number(made.z)}`, `a = g(z) = ${c.number(value)}`) }],
  }}></field-canvas>`;
}

/** @param {Context} c */
function branches(c) {
  const { made } = c.frame.values.unit;
  if (!c.frame.arrays["made.inputs"]) return nothing;
  const given = pictures(c, "inputs");
  const { row, column } = c.frame.values.unit;
  return html`<div class="pair">${given.map((plot, at) => html`${at ? html`<span aria-hidden="true">+</span>` : nothing}
    <div><small class="soft">${c.t("branch", { branch: at + 1 })} (${sourceName(c, at)})</small><map-picture .plot=${{ ...plot, frames: [{ top: row, left: column, height: 1, width: 1, kind: "window" }] }}></map-picture><small>${c.number(made.sums[at], 3)}</small></div>`)}</div>`;
}

/** @param {Context} c */
function joined(c) {
  const { made } = c.frame.values.unit;
  const [plot] = c.frame.arrays["made.inputs"] ? pictures(c, "inputs") : [];
  return plot ? html`<div class="pair"><div><small class="soft">${c.t("branch", { branch: made.branch + 1 })} (${sourceName(c, made.branch)}), ${c.t("channel", { channel: made.channels[0] + 1 })}</small><map-picture .plot=${plot}></map-picture></div></div>` : nothing;
}
