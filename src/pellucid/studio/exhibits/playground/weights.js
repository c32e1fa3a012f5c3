/** The weights as numbers: of a chosen unit, walked with the cursor keys, and those that were set by hand. */
import { html, nothing } from "../../page/third_party/lit.js";
import { button, refused } from "../../page/parts/controls.js";
import { settled } from "../../page/parts/settled.js";
import { say, showTip, tip } from "../../page/parts/tip.js";
import { className } from "./data.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {{layer: number, unit: number}} Chosen */
/** @typedef {{layer: number, unit: number, source: number}} Weight */

export const BIAS = -1;

/** How many features there are, and units of each layer. @param {Context} c @returns {number[]} */
export const columns = (c) => [c.settings.features.length, ...c.frame.values.layers.map((/** @type {string[]} */ _, /** @type {number} */ at) => c.frame.arrays[`unit${at}`].shape[0])];

/** What a unit is called; layer -1 has the features. @param {Context} c @param {number} layer @param {number} unit */
export function nameOf(c, layer, unit) {
  if (layer < 0) return c.t(`feature.${c.settings.features[unit]}`);
  if (layer < c.frame.values.layers.length - 1) return c.t("unit", { layer: layer + 1, unit: unit + 1 });
  return c.frame.values.classes.length ? c.t("output.of", { name: className(c, unit) }) : c.t("output.value");
}

/** @param {Context} c @param {Weight} weight */
const nameOfWeight = (c, { layer, unit, source }) => (source === BIAS
  ? c.t("bias.of", { name: nameOf(c, layer, unit) })
  : c.t("weight", { from: nameOf(c, layer - 1, source), to: nameOf(c, layer, unit) }));

/** @param {Context} c @param {Weight} weight @returns {number | undefined} */
const valueOf = (c, { layer, unit, source }) => (source === BIAS
  ? c.frame.arrays[`bias${layer}`]?.data[unit]
  : c.frame.arrays[`weight${layer}`].data[unit * columns(c)[layer] + source]);

/** @param {Context} c @param {Weight} weight */
export const toldOf = (c, weight) => tip(nameOfWeight(c, weight), c.number(valueOf(c, weight)), weight.source !== BIAS && c.t("weight.help"));

/** Show what goes into a unit, and come to one of its numbers. @param {Context} c @param {number} layer @param {number} unit @param {number} [source] */
export function choose(c, layer, unit, source) {
  c.local.chosen = { layer, unit };
  c.local.walked = source === undefined ? undefined : { layer, unit, source };
  c.redraw();
  if (source === undefined) return;
  // behind the painting, which writes the numbers of the unit
  requestAnimationFrame(() => setTimeout(() => /** @type {HTMLInputElement | null} */ (document.getElementById(`weight-${source}`))?.select()));
}

/** In a unit: up and down walk the weights into it, Enter edits one, left and right go along it. @param {Context} c @param {KeyboardEvent} event */
export function walk(c, event) {
  const found = /^unit-(-?\d+)-(\d+)$/.exec(/** @type {HTMLElement} */ (event.target).id);
  if (!found) return;
  const [layer, unit] = found.slice(1).map(Number);
  const walked = /** @type {Weight | undefined} */ (c.local.walked);
  const source = walked?.layer === layer && walked.unit === unit ? walked.source : undefined;
  switch (event.key) {
    case "ArrowUp": walkTo(c, layer, unit, source, -1); break;
    case "ArrowDown": walkTo(c, layer, unit, source, 1); break;
    case "ArrowLeft": go(c, layer - 1, source ?? unit); break;
    case "ArrowRight": go(c, layer + 1, unit); break;
    case "Escape": c.local.walked = undefined; c.redraw(); return;
    case "Enter":
      if (source === undefined) return;
      choose(c, layer, unit, source);
      break;
    default: return;
  }
  event.preventDefault();
}

/** The weights into a unit, one after the other, the bias at the end. @param {Context} c @param {number} layer @param {number} unit @param {number | undefined} source @param {number} way */
function walkTo(c, layer, unit, source, way) {
  if (layer < 0) return;
  const order = [...Array(columns(c)[layer]).keys(), ...(c.frame.arrays[`bias${layer}`] ? [BIAS] : [])];
  const at = source === undefined ? (way > 0 ? -1 : 0) : order.indexOf(source);
  const walked = { layer, unit, source: order[(at + way + order.length) % order.length] };
  c.local.walked = walked;
  c.redraw();
  const told = toldOf(c, walked);
  const [a, b] = [walked.source === BIAS ? `unit-${layer}-${unit}` : `unit-${layer - 1}-${walked.source}`, `unit-${layer}-${unit}`]
    .map((id) => /** @type {HTMLElement} */ (document.getElementById(id)).getBoundingClientRect());
  showTip(told, (a.left + b.right) / 2, (a.top + b.bottom) / 2);
  say(told.split("\n").slice(0, 2).join(", "));
}

/** @param {Context} c @param {number} layer @param {number} unit */
function go(c, layer, unit) {
  const count = columns(c)[layer + 1];
  if (count === undefined) return;
  c.local.walked = undefined;
  document.getElementById(`unit-${layer}-${Math.max(0, Math.min(unit, count - 1))}`)?.focus();
  c.redraw();
}

/** The numbers that go into a chosen unit. @param {Context} c @param {Chosen | undefined} chosen */
export function weights(c, chosen) {
  const counts = columns(c);
  const isThere = chosen && chosen.layer < counts.length - 1 && chosen.unit < counts[chosen.layer + 1];
  const numbers = isThere ? inputs(c, chosen.layer, chosen.unit, counts[chosen.layer]) : nothing;
  return html`<p class="soft" id="net-keys"><small>${c.t("choose")}</small></p>${numbers}${byHand(c)}`;
}

/** @param {Context} c @param {number} layer @param {number} unit @param {number} count */
function inputs(c, layer, unit, count) {
  const isRefused = Boolean(c.refusal("set_weight"));
  /** @param {number} source @param {string} label */
  const cell = (source, label) => {
    const value = valueOf(c, { layer, unit, source });
    const take = (/** @type {any} */ event) => event.target.value !== "" && Number.isFinite(event.target.valueAsNumber)
      && c.act({ kind: "set_weight", layer, unit, source: source === BIAS ? null : source, value: event.target.valueAsNumber });
    return value === undefined ? nothing : html`<label>${label}<input type="number" step="any" id="weight-${source}" ?readonly=${c.isHidden("set_weight")} .value=${settled(String(Number(value.toPrecision(4))), isRefused)}
      @focus=${() => { c.local.walked = { layer, unit, source }; c.redraw(); }} @change=${take}></label>`;
  };
  return html`<section class="panel" data-refusals="set_weight value"><h3>${c.t("into", { name: nameOf(c, layer, unit) })}</h3><div class="weights">
    ${Array.from({ length: count }, (_, source) => cell(source, nameOf(c, layer - 1, source)))}${cell(BIAS, c.t("bias"))}</div>
    ${refused(c, "set_weight")}${refused(c, "value")}</section>`;
}

/** Those that were set by hand, and when. @param {Context} c */
function byHand(c) {
  const { weights: set } = c.settings;
  const { by_hand: moments } = c.frame.values;
  if (!set.length || moments?.length !== set.length) return nothing;
  return html`<details class="by-hand"><summary>${c.t("by_hand", { count: set.length })}</summary><p class="soft"><small>${c.t("by_hand.text")}</small></p>
    <ul>${set.map((/** @type {number[]} */ [, layer, unit, source, value], /** @type {number} */ at) => html`<li>
      ${when(c, moments[at])}: ${nameOfWeight(c, { layer, unit, source })} = ${c.number(value)}</li>`)}</ul>
    ${button(c, { name: "free_weights", press: () => c.act({ kind: "free_weights" }) })}</details>`;
}

/** @param {Context} c @param {[number, number]} moment  epochs that were done, and steps of the one after them */
function when(c, [epochs, steps]) {
  if (!epochs && !steps) return c.t("by_hand.before");
  return steps ? c.t("by_hand.in", { epoch: epochs + 1, step: steps }) : c.t("by_hand.after", { epoch: epochs });
}
