/** In the middle: the network as columns of small pictures between lines, changed by clicks, by numbers or as text. */
import { html, nothing, svg } from "../../page/third_party/lit.js";
import { colourOf, rangeOf } from "../../page/parts/colours.js";
import { refused } from "../../page/parts/controls.js";
import { drawingOf, mark, words } from "../../page/parts/drawing.js";
import { figure } from "../../page/parts/figure.js";
import { kept } from "../../page/parts/kept.js";
import { settled } from "../../page/parts/settled.js";
import { tip } from "../../page/parts/tip.js";
import { BIAS, choose, columns, nameOf, toldOf, walk, weights } from "./weights.js";
import "../../page/parts/thumbnail.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {import("./weights.js").Chosen} Chosen */
/** @typedef {import("./weights.js").Weight} Weight */

const [HEAD, ROW] = [76, 50];

/** Where a unit stands: part of the width, pixels from above. @param {number[]} counts @param {number} column @param {number} row @returns {[number, number]} */
const placeOf = (counts, column, row) => [((column + 0.5) / counts.length) * 100, HEAD + (row + 0.5 + (Math.max(...counts) - counts[column]) / 2) * ROW];
/** @param {Context} c @param {number} largest @param {number} value */
function stroke(c, largest, value) {
  const size = Math.abs(value) / (largest || 1);
  return { colour: colourOf(Math.sign(value) * (0.35 + 0.65 * size), [-1, 1], "signed", c.dark).fill, width: 0.6 + 4.4 * size };
}

/** Every weight: its place, its look, and what it says. @param {Context} c */
function* lines(c) {
  const counts = columns(c);
  for (let layer = 0; layer < counts.length - 1; layer++) {
    const { data } = c.frame.arrays[`weight${layer}`];
    const largest = rangeOf(data, "signed")[1];
    for (let unit = 0; unit < counts[layer + 1]; unit++) {
      for (let source = 0; source < counts[layer]; source++) {
        const value = data[unit * counts[layer] + source];
        yield { layer, unit, source, value, from: placeOf(counts, layer, source), to: placeOf(counts, layer + 1, unit), ...stroke(c, largest, value) };
      }
    }
  }
}

/** The drawing. @param {Context} c */
export function network(c) {
  if (c.frame.values.waiting) return html`<section><h2>${c.t("network")}</h2><p>${c.t("waiting")}</p>${arrows(c)}</section>`;
  const counts = columns(c);
  const height = HEAD + Math.max(...counts) * ROW + 8;
  const chosen = /** @type {Chosen | undefined} */ (c.local.chosen);
  const walked = /** @type {Weight | undefined} */ (c.local.walked);
  const drawn = [...lines(c)];
  c.local.newest = c;
  const body = html`<div class="net" role="group" aria-label=${c.t("network")} aria-describedby="net-keys" .toSvg=${() => saved(c, counts, height)}
    @keydown=${(/** @type {KeyboardEvent} */ event) => walk(c, event)}>
    <div class="inner" .style=${`height:${height}px;--columns:${counts.length}`}>
    <svg viewBox="0 0 100 ${height}" preserveAspectRatio="none" aria-hidden="true">
      ${drawn.map((line) => svg`<path d=${curve(line)} stroke=${line.colour} stroke-width=${line.width.toFixed(2)} vector-effect="non-scaling-stroke"></path>`)}
      ${kept([counts.join(), walked], () => drawn.map((line) => hit(c, line, walked)))}
    </svg>
    ${counts.map((count, column) => html`${head(c, counts, column)}${Array.from({ length: count }, (_, row) => unit(c, counts, column, row, chosen, walked))}`)}
  </div></div>`;
  return html`${figure(c, { name: "network", title: c.t("network"), caption: c.t("parameters", { count: c.frame.values.parameters }), body })}
    <p class="unseen">${c.t("network.summary", { layers: c.frame.values.layers.length - 1, arrows: c.settings.network })}</p>
    ${refused(c, "edit")}${arrows(c)}${weights(c, chosen)}`;
}

/** Where a line is pointed at: broad and unseen. It is drawn once, and tells the newest number. @param {Context} c @param {any} line @param {Weight | undefined} walked */
function hit(c, line, walked) {
  const isWalked = walked?.layer === line.layer && walked?.unit === line.unit && walked?.source === line.source;
  /** @param {any} event */
  const tell = (event) => event.currentTarget.setAttribute("data-tip", toldOf(c.local.newest, line));
  return svg`<path class=${isWalked ? "hit walked" : "hit"} d=${curve(line)} vector-effect="non-scaling-stroke" data-tip=""
    @pointerover=${tell} @click=${() => choose(c.local.newest, line.layer, line.unit, line.source)}></path>`;
}

/** @param {{from: [number, number], to: [number, number]}} line */
function curve({ from: [x0, y0], to: [x1, y1] }) {
  const middle = ((x0 + x1) / 2).toFixed(2);
  return `M${x0.toFixed(2)} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1.toFixed(2)} ${y1}`;
}

/** A column's name, and what can be done with it. @param {Context} c @param {number[]} counts @param {number} column */
function head(c, counts, column) {
  const layer = column - 1;
  const isHidden = layer >= 0 && column < counts.length - 1;
  /** @param {string} what @param {string} sign */
  const edit = (what, sign) => html`<button type="button" aria-label=${c.t(what, { layer: layer + 1 })} data-tip=${c.t(what, { layer: layer + 1 })}
    id="${what}-${layer}" @click=${() => c.act({ kind: "edit", what, layer })}>${sign}</button>`;
  const title = layer < 0 ? c.t("features.label") : isHidden ? c.t("layer", { layer: column }) : c.t("output");
  const told = layer < 0 ? "" : c.frame.values.layers[layer].join(" → ");
  const style = `left:${placeOf(counts, column, 0)[0]}%`;
  return html`<div class="head" .style=${style}>${title}<code data-tip=${told}>${told}</code>
    ${c.isHidden("edit") ? nothing : html`<div class="row">${isHidden
      ? html`${edit("fewer_units", "−")}${edit("more_units", "+")}${edit("remove_layer", "×")}${edit("add_layer", "»")}`
      : layer < 0 && counts.length === 2 ? html`<button type="button" id="add_layer-0" aria-label=${c.t("add_layer.first")} data-tip=${c.t("add_layer.first")} @click=${() => c.act({ kind: "edit", what: "add_layer", layer: 0 })}>»</button>` : nothing}</div>`}</div>`;
}

/** @param {Context} c @param {number[]} counts @param {number} column @param {number} row @param {Chosen | undefined} chosen @param {Weight | undefined} walked */
function unit(c, counts, column, row, chosen, walked) {
  const layer = column - 1;
  const { data, shape } = c.frame.arrays[layer < 0 ? "features" : `unit${layer}`];
  const size = shape[1] * shape[2];
  const [x, y] = placeOf(counts, column, row);
  const range = rangeOf(data, "signed");
  const bias = layer < 0 ? undefined : c.frame.arrays[`bias${layer}`]?.data[row];
  const picture = html`<small-field .plot=${{ values: data.subarray(row * size, (row + 1) * size), side: shape[1], range, dark: c.dark }}></small-field>`;
  const told = tip(nameOf(c, layer, row), bias !== undefined && `${c.t("bias")} ${c.number(bias)}`, `${c.t("unit.range")} ±${c.number(range[1], 3)}`,
    layer >= 0 && c.t("unit.formula"));
  const style = `left:${x}%;top:${y}px`;
  const isBias = walked?.layer === layer && walked.unit === row && walked.source === BIAS;
  return layer < 0
    ? html`<span class="unit" id="unit--1-${row}" role="img" tabindex="0" .style=${style} data-tip=${told} aria-label=${nameOf(c, layer, row)}>${picture}</span>`
    : html`<button type="button" class=${isBias ? "unit walked" : "unit"} id="unit-${layer}-${row}" .style=${style} data-tip=${told} aria-label=${nameOf(c, layer, row)}
      aria-pressed=${String(chosen?.layer === layer && chosen.unit === row)} @click=${() => choose(c, layer, row)}>${picture}</button>`;
}

/** The network as text; what cannot be read is shown with its place. @param {Context} c */
function arrows(c) {
  if (c.isHidden("network")) return nothing;
  const refusal = c.refusal("network");
  const isSpoken = refusal && c.t(`refusal.${refusal.key}`) !== `refusal.${refusal.key}`;
  return html`<div class="control" data-tip=${`${c.t("network.label")}\n${c.t("network.help")}`}><label for="control-network">${c.t("network.label")}</label>
    <input id="control-network" class="mono" type="text" spellcheck="false" autocomplete="off" .value=${settled(c.settings.network, Boolean(c.refusal("network")))}
      aria-invalid=${String(Boolean(refusal))} @change=${(/** @type {any} */ event) => c.set({ network: event.target.value })}>
    ${refusal && !isSpoken ? html`<div role="alert">${c.language === "en" ? nothing : html`<p class="refused">${c.t("refusal.of.notation")}</p>`}
      <pre class="caret" lang="en" tabindex="0" aria-label=${c.t("network.label")}>${refusal.message}</pre>
      <p class="refused" lang="en">${[refusal.expected && `expected: ${refusal.expected}`, refusal.advice].filter(Boolean).join(". ")}</p></div>` : refused(c, "network")}</div>`;
}

/** The network as a file. @param {Context} c @param {number[]} counts @param {number} height */
function saved(c, counts, height) {
  const width = counts.length * 130;
  let inner = "";
  for (const line of lines(c)) {
    const [a, b] = [line.from, line.to].map(([x, y]) => [(x / 100) * width, y]);
    inner += mark("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke: line.colour, "stroke-width": line.width });
  }
  const canvases = document.querySelectorAll(".net small-field canvas");
  let at = 0;
  counts.forEach((count, column) => {
    inner += words(placeOf(counts, column, 0)[0] / 100 * width, 20, column ? c.frame.values.layers[column - 1].join(" → ") : c.t("features.label"), { "text-anchor": "middle" });
    for (let row = 0; row < count; row++) {
      const [x, y] = placeOf(counts, column, row);
      const canvas = /** @type {HTMLCanvasElement} */ (canvases[at++]);
      inner += mark("image", { x: (x / 100) * width - 21, y: y - 21, width: 42, height: 42, href: canvas.toDataURL() });
    }
  });
  return drawingOf(width, height, c.t("network"), inner);
}
