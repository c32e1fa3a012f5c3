/** The layer that is looked at: all its maps, what it computes, and where its size comes from. */
import { html, nothing } from "../../page/third_party/lit.js";
import { figure } from "../../page/parts/figure.js";
import { tex } from "../../page/parts/formula.js";
import { tip } from "../../page/parts/tip.js";
import { choose } from "./overview.js";
import { dimensions, extent, kindOf, largest } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** Of layers that read several branches. */
const FORMULAS = { sum: "Y = X_1 + X_2 + \\dots", join: "Y = [X_1, X_2, \\dots]" };

/** @param {Context} c */
export function layer(c) {
  const { layers, layer: told } = c.frame.values;
  const at = layers[c.frame.values.chosen.layer];
  const body = at.shape.length === 3 ? maps(c, at, told) : units(c, at, told);
  const caption = `${at.name} · ${kindOf(c, at.kind)} · ${dimensions(at.shape)}`;
  return figure(c, { name: at.name, title: c.t("layer.title"), caption, body, extra: html`
    <p class="soft"><span class="scale signed" aria-hidden="true"></span> ${c.t("layer.scale", { size: c.number(told.size, 3) })}${c.frame.arrays.weights ? c.t("layer.weights", { size: c.number(largest(c.frame.arrays.weights.data), 3) }) : nothing}</p>
    ${facts(c, at, told)}` });
}

/** @param {Context} c @param {any} at @param {any} told */
function maps(c, at, told) {
  const { data, shape: [count, rows, columns] } = c.frame.arrays.maps;
  return html`<div class="maps" .toSvg=${toSvg}>${Array.from({ length: count }, (_, index) => {
    const channel = told.first + index;
    const name = c.t("map.of", { layer: at.name, channel: channel + 1 });
    return html`<button type="button" class="map" aria-pressed=${String(channel === c.frame.values.chosen.channel)} aria-label=${name} data-tip=${tip(name, c.t("map.look"))}
      @click=${() => choose(c, c.frame.values.chosen.layer, channel)}><map-picture .plot=${{
        values: data.subarray(index * rows * columns, (index + 1) * rows * columns), rows, columns, range: told.size, dark: c.dark }}></map-picture>${weights(c, index)}<small>${channel + 1}</small></button>`;
  })}</div>${pages(c, at, told, count)}`;
}

/** @param {Context} c @param {any} at @param {any} told */
function units(c, at, told) {
  const { data } = c.frame.arrays.maps;
  const names = c.frame.values.chosen.layer === c.frame.values.layers.length - 1 ? c.frame.values.answer.names : [];
  return html`<div class="maps">${Array.from(data, (value, index) => {
    const unit = told.first + index;
    const name = c.t("unit.of", { layer: at.name, unit: names[unit] ?? unit + 1 });
    return html`<button type="button" class="map number" aria-pressed=${String(unit === c.frame.values.chosen.channel)} aria-label=${`${name}, ${c.number(value, 3)}`} data-tip=${tip(name, c.number(value), c.t("map.look"))}
      @click=${() => choose(c, c.frame.values.chosen.layer, unit)}><map-picture .plot=${{ values: [value], rows: 1, columns: 1, range: told.size, dark: c.dark }}></map-picture>${weights(c, index)}<small>${names[unit] ?? unit + 1}</small></button>`;
  })}</div>${pages(c, at, told, data.length)}`;
}

/** What a map weighs its one input with, below it. @param {Context} c @param {number} index */
function weights(c, index) {
  if (!c.frame.arrays.weights) return nothing;
  const { data, shape: [, rows, columns] } = c.frame.arrays.weights;
  return html`<map-picture class="kernel" .plot=${{ values: data.subarray(index * rows * columns, (index + 1) * rows * columns), rows, columns, range: largest(data), dark: c.dark }}></map-picture>`;
}

/** @this {Element} */
function toSvg() {
  const picture = /** @type {import("./maps.js").MapPicture | null} */ (this.querySelector("[aria-pressed=true] map-picture") ?? this.querySelector("map-picture"));
  return picture?.toSvg() ?? "";
}

/** The maps before and behind those that are shown. @param {Context} c @param {any} at @param {any} told @param {number} count */
function pages(c, at, told, count) {
  const total = at.shape[0];
  if (total <= count) return nothing;
  /** @param {number} channel @param {string} key @param {boolean} disabled */
  const turn = (channel, key, disabled) => html`<button type="button" class="plain" ?disabled=${disabled} aria-label=${c.t(key)} data-tip=${c.t(key)} @click=${() => choose(c, c.frame.values.chosen.layer, channel)}>${key === "maps.back" ? "‹" : "›"}</button>`;
  return html`<p class="row soft">${turn(told.first - 64, "maps.back", told.first === 0)}${c.t("maps.shown", { from: told.first + 1, to: told.first + count, count: total })}${turn(told.first + 64, "maps.on", told.first + count >= total)}</p>`;
}

/** @param {Context} c @param {any} at @param {any} told */
function facts(c, at, told) {
  const size = sizes(c, at, told);
  const formula = told.formula || FORMULAS[/** @type {"sum"} */ (c.frame.values.unit.sort)];
  return html`<dl class="facts">
    <dt>${c.t("fact.formula")}</dt><dd>${formula ? html`<span ${tex(formula.replace(/\\quad\(\\text\{[^}]*\}\)/, ""))}></span>` : c.t("fact.none")}</dd>
    ${size ? html`<dt>${c.t("fact.size")}</dt><dd><span ${tex(size)}></span></dd>` : nothing}
    <dt>${c.t("fact.parameters")}</dt><dd>${c.number(at.parameters, 8)}</dd>
    <dt>${c.t("fact.field")}</dt><dd>${told.field ? extent(c, told.field) : "–"}</dd></dl>`;
}

/** o = ⌊(n + 2p − d (f − 1) − 1) / s⌋ + 1 with a window's numbers. @param {Context} c @param {any} at @param {any} told */
function sizes(c, at, told) {
  const { kernel_size: kernel, stride, padding, dilation = 1 } = told.settings;
  const source = at.sources[0];
  const before = source === -1 ? c.frame.values.subject.shape : source === null ? undefined : c.frame.values.layers[source].shape;
  if (!kernel || before?.length !== 3 || at.shape.length !== 3 || typeof padding === "string") return "";
  /** @param {any} value */
  const down = (value) => (Array.isArray(value) ? value[0] : value);
  return `${at.shape[1]} = \\left\\lfloor\\frac{${before[1]} + 2\\cdot${down(padding)} - ${down(dilation)}\\,(${down(kernel)} - 1) - 1}{${down(stride)}}\\right\\rfloor + 1`;
}
