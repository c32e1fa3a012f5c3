/** What the network says: its outputs as bars, the softmax with its numbers, and what of the image the answer rests on. */
import { html, nothing } from "../../page/third_party/lit.js";
import { select } from "../../page/parts/controls.js";
import { colourOf } from "../../page/parts/colours.js";
import { figure } from "../../page/parts/figure.js";
import { drawingOf, mark, words } from "../../page/parts/drawing.js";
import { tex, texNumber } from "../../page/parts/formula.js";
import { tip } from "../../page/parts/tip.js";
import { bracketed, extent, largest } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const MOST_BARS = 12;
const METHODS = ["saliency", "integrated", "occlusion"];

/** The outputs that are shown: all where they are few, else the greatest. @param {any} answer @returns {number[]} */
function shown({ said }) {
  const all = Array.from(said, (_, at) => at);
  return all.length <= MOST_BARS ? all : all.sort((one, other) => (said[other] ?? -Infinity) - (said[one] ?? -Infinity)).slice(0, MOST_BARS);
}

/** The likeliest class. @param {any} answer */
export function likeliest({ said }) {
  return said.reduce((/** @type {number} */ most, /** @type {number | null} */ value, /** @type {number} */ at) => ((value ?? -Infinity) > (said[most] ?? -Infinity) ? at : most), 0);
}

/** @param {Context} c */
export function answer(c) {
  const told = c.frame.values.answer;
  if (told.meaning === "picture") return html`<section><h2>${c.t("answer.title")}</h2><p class="soft">${c.t("answer.picture")}</p></section>`;
  const isShare = told.meaning === "classes" || told.meaning === "labels";
  const most = isShare ? 1 : largest(told.said.map((/** @type {number | null} */ value) => value ?? 0));
  const chosen = c.frame.values.rests.target;
  const best = likeliest(told);
  const { label } = c.frame.values;
  const rows = shown(told).map((at) => {
    const [value, output] = [told.said[at], told.outputs[at]];
    const said = tip(c.t(told.meaning === "classes" ? "class" : "output", { name: told.names[at] }), isShare ? `p = ${c.number(value, 3)}` : c.number(value), `z = ${c.number(output)}`, c.t("answer.explain"));
    const width = 100 * Math.max(0, Math.min(1, Math.abs(value ?? 0) / most));
    const fill = colourOf(isShare ? 0.45 + 0.55 * (value ?? 0) : value ?? 0, [-most, most], "signed", c.dark).fill;
    return html`<li><button type="button" class=${`bar-row ${at === best && told.meaning === "classes" ? "best" : ""}`} aria-pressed=${String(at === chosen)} aria-label=${said.replaceAll("\n", ", ")} data-tip=${said}
      @click=${() => c.set({ target: at === chosen && c.settings.target !== null ? null : at })}><span class="name">${told.names[at]}${told.names[at] === label ? html`<span aria-hidden="true"> ✓</span>` : nothing}</span>
      <span class="track"><span .style=${`width:${width}%;background:${fill}`}></span></span><span class="amount">${isShare ? percent(c, value) : c.number(value, 3)}</span></button></li>`;
  });
  return figure(c, { name: "answer", title: c.t("answer.title"), caption: verdict(c), body: html`<ul class="bars" .toSvg=${() => saved(c, told, most)}>${rows}</ul>`, extra: html`
    ${told.said.length > MOST_BARS ? html`<p class="soft">${c.t("answer.greatest", { count: MOST_BARS, total: told.said.length })}</p>` : nothing}${softmax(c)}` });
}

/** @param {Context} c @param {number | null} value */
const percent = (c, value) => (value === null ? "–" : value < 1e-4 ? c.t("less") : `${c.number(100 * value, 3)} %`);

/** What it says, and whether that is right. @param {Context} c */
export function verdict(c) {
  const { answer: told, label, subject } = c.frame.values;
  if (subject.diverged) return c.t("diverged");
  if (told.meaning !== "classes") return c.t(`answer.${told.meaning}`);
  const best = likeliest(told);
  const said = { said: told.names[best], share: percent(c, told.said[best]), label };
  return c.t(!label ? "verdict.open" : told.names[best] === label ? "verdict.right" : "verdict.wrong", said);
}

/** @param {Context} c @param {any} told @param {number} most */
function saved(c, told, most) {
  const inner = shown(told).map((at, row) => {
    const value = told.said[at] ?? 0;
    return words(90, row * 24 + 20, told.names[at], { "text-anchor": "end" }) + mark("rect", { x: 100, y: row * 24 + 8, width: (220 * Math.abs(value)) / most, height: 16, fill: "#0b5cad" }) + words(330, row * 24 + 20, c.number(value, 3));
  });
  return drawingOf(400, shown(told).length * 24 + 16, c.t("answer.title"), inner.join(""));
}

/** e^z over the sum of all of them. @param {Context} c */
function softmax(c) {
  const told = c.frame.values.answer;
  if (told.meaning !== "classes") return nothing;
  const at = c.frame.values.rests.target ?? likeliest(told);
  const { outputs, said, names, powers } = told;
  const sum = powers.reduce((/** @type {number} */ all, /** @type {number | null} */ power) => all + (power ?? NaN), 0);
  const name = `_{\\text{${names[at].replace(/[^\p{L}\p{N} .-]/gu, " ")}}}`;
  return html`<h3>${c.t("softmax.title")}</h3><p class="soft">${c.t("softmax.text")}</p><div class="wide" tabindex="0" role="region" aria-label=${c.t("softmax.title")}>
    <div ${tex("p_k = \\frac{e^{z_k}}{\\sum_j e^{z_j}}", true)}></div>
    <div ${tex(`\\begin{aligned} p${name} &= \\frac{e^{${texNumber(outputs[at], 3)}}}{\\sum_j e^{z_j}} \\\\ &= \\frac{${texNumber(powers[at] ?? NaN, 3)}}{${texNumber(sum, 3)}} = ${texNumber(said[at], 3)} \\end{aligned}`, true)}></div></div>`;
}

/** What the answer rests on, and what the unit looks at, over the image's places. @param {Context} c */
export function rests(c) {
  return html`<section class="panel rests"><h2>${c.t("rests.title")}</h2><p class="soft">${c.t("rests.text")}</p><div class="flow">${attribution(c)}${field(c)}</div></section>`;
}

/** A signed picture with the shape of the image. @param {Context} c @param {string} name @param {import("./maps.js").Frame[]} frames @param {string} label */
function heat(c, name, frames, label) {
  const { data, shape: [rows, columns] } = c.frame.arrays[name];
  const range = largest(data);
  return html`<map-picture class="large" .plot=${{ values: data, rows, columns, range, frames, dark: c.dark, label,
    describe: (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ value) => tip(c.t("pixel", { row: row + 1, column: column + 1 }), c.number(value, 3)) }}></map-picture>
    <p class="soft"><span class="scale signed" aria-hidden="true"></span> ±${c.number(range, 3)}</p>`;
}

/** @param {Context} c */
function attribution(c) {
  const told = c.frame.values.rests;
  const { method } = told;
  if (told.done !== undefined) return html`<div><p class="soft" role="status">${c.t("rests.working", { method: c.t(`method.${method}`) })} <progress max="1" .value=${told.done} aria-label=${c.t("rests.progress")}></progress></p>
    <div class="controls">${select(c, { name: "method", options: METHODS })}</div></div>`;
  if (!c.frame.arrays.rests) return html`<p class="soft">${c.t("rests.none")}</p>`;
  const name = c.frame.values.answer.names[told.target];
  const title = c.t("rests.of", { name });
  const sums = { saliency: "\\frac{\\partial z}{\\partial x}", integrated: `\\sum = ${texNumber(told.total ?? 0, 3)} \\approx z(x) - z(0) = ${texNumber(told.output ?? 0, 3)} - ${bracketed(texNumber(told.start ?? 0, 3))}`, occlusion: "z(x) - z(x_{\\text{covered}})" };
  return figure(c, { name: method, title, caption: c.t(`method.${method}`), body: heat(c, "rests", [], `${title}: ${c.t(`method.${method}`)}`), extra: html`
    <p ${tex(sums[/** @type {"saliency"} */ (method)])}></p><p class="soft">${c.t(`rests.${method}`, { patch: (told.patch ?? []).join(" × ") })}</p>
    <div class="controls">${select(c, { name: "method", options: METHODS })}${target(c)}</div>` });
}

/** Which output is explained. @param {Context} c */
function target(c) {
  if (c.isHidden("target")) return nothing;
  const { names } = c.frame.values.answer;
  return html`<div class="control"><label for="control-target">${c.t("target.label")}</label><select id="control-target" @change=${(/** @type {any} */ event) => c.set({ target: event.target.value === "" ? null : Number(event.target.value) })}>
    <option value="" .selected=${c.settings.target === null}>${c.t("target.greatest")}</option>${names.map((/** @type {string} */ name, /** @type {number} */ at) => html`<option value=${at} .selected=${c.settings.target === at}>${name}</option>`)}</select></div>`;
}

/** @param {Context} c */
function field(c) {
  const { unit, layer, layers } = c.frame.values;
  const frames = fieldFrames(c);
  const size = unit.box ? `${unit.box[0][1] - unit.box[0][0]} × ${unit.box[1][1] - unit.box[1][0]}` : "";
  const title = c.t("field.title");
  const name = layers[c.frame.values.chosen.layer].name;
  return figure(c, { name: "field", title, caption: c.t("field.caption", { layer: name, channel: c.frame.values.chosen.channel + 1 }), body: heat(c, "looked", frames, c.t("field.label", { layer: name, channel: c.frame.values.chosen.channel + 1 })), extra: html`
    <p ${tex("\\frac{\\partial\\,\\mathrm{unit}}{\\partial x}")}></p>
    <p class="soft">${!unit.box ? c.t("field.none") : layer.field === "all" ? c.t("field.whole") : c.t("field.text", { size, whole: extent(c, layer.field) })}</p>` });
}

/** The receptive field as a frame on the image. @param {Context} c @returns {import("./maps.js").Frame[]} */
export function fieldFrames(c) {
  const { box } = c.frame.values.unit;
  return box ? [{ top: box[0][0], left: box[1][0], height: box[0][1] - box[0][0], width: box[1][1] - box[1][0], kind: "field" }] : [];
}
