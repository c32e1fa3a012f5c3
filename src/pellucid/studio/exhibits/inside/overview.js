/** Every layer's maps as pictures, in the order in which they are computed, from left to right. */
import { html, nothing } from "../../page/third_party/lit.js";
import { figure } from "../../page/parts/figure.js";
import { drawingOf, mark, words } from "../../page/parts/drawing.js";
import { inTurn } from "../../page/parts/kept.js";
import { tip } from "../../page/parts/tip.js";
import { TURNS, dimensions, kindOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {{name: string, kind: string, shape: number[], size: number, parameters: number, sources: (number | null)[]}} Told */

/** Look at another map: its strongest unit. @param {Context} c @param {number} layer @param {number} channel */
export function choose(c, layer, channel) {
  c.set({ layer, channel, at: null });
}

/** @param {Context} c */
export function overview(c) {
  const layers = /** @type {Told[]} */ (c.frame.values.layers);
  const body = html`<div class="layers" role="group" aria-label=${c.t("overview.title")} .toSvg=${() => saved(c, layers)}
    @keydown=${(/** @type {KeyboardEvent} */ event) => walk(event)}>${layers.map((layer, place) => html`
      ${place ? html`<span class="to" aria-hidden="true">→</span>` : nothing}${inTurn(c, place % TURNS, TURNS, () => column(c, layer, place))}`)}</div>`;
  return figure(c, { name: "network", title: c.t("overview.title"), caption: c.t("overview.caption", { layers: layers.length, parameters: c.number(c.frame.values.subject.parameters, 8) }), body });
}

/** @param {Context} c @param {Told} layer @param {number} place */
function column(c, layer, place) {
  const { layer: chosen } = c.frame.values.chosen;
  const { data, shape } = c.frame.arrays[`small${place}`];
  const isRead = (/** @type {(number | null)[]} */ (layersOf(c)[chosen].sources)).includes(place);
  const said = tip(layer.name, `${kindOf(c, layer.kind)}, ${dimensions(layer.shape)}`, c.t("parameters", { count: c.number(layer.parameters, 8) }), c.t("range", { size: c.number(layer.size, 3) }));
  const inside = layer.shape.length === 3 ? maps(c, layer, place) : vector(c, layer, place);
  const more = layer.shape.length === 3 && layer.shape[0] > shape[0] ? html`<small class="soft">${c.t("more", { count: layer.shape[0] - shape[0] })}</small>` : nothing;
  return html`<section class=${`column ${place === chosen ? "chosen" : isRead ? "read" : ""}`}>
    <div class="head" data-tip=${said}>${layer.name.split(".").pop()}<small>${dimensions(layer.shape)}</small></div>
    ${data.length ? inside : nothing}${more}</section>`;
}

/** @param {Context} c */
const layersOf = (c) => /** @type {Told[]} */ (c.frame.values.layers);

/** @param {Context} c @param {Told} layer @param {number} place */
function maps(c, layer, place) {
  const { data, shape: [count, rows, columns] } = c.frame.arrays[`small${place}`];
  const { layer: chosen, channel } = c.frame.values.chosen;
  // the Tab key comes to the chosen map; where that is not among the pictures, to its layer's first, or the network's
  const isShown = layersOf(c)[chosen].shape.length === 3;
  const entry = isShown && channel < c.frame.arrays[`small${chosen}`].shape[0] ? -1 : isShown ? chosen : 0;
  return html`<ul>${Array.from({ length: count }, (_, at) => {
    const isCurrent = place === chosen && at === channel;
    const said = tip(c.t("map.of", { layer: layer.name, channel: at + 1 }), c.t("range", { size: c.number(layer.size, 3) }), c.t("map.look"));
    return html`<li><button type="button" class="map" data-map=${`${place},${at}`} aria-pressed=${String(isCurrent)} tabindex=${isCurrent || (at === 0 && place === entry) ? 0 : -1}
      aria-label=${c.t("map.of", { layer: layer.name, channel: at + 1 })} data-tip=${said} @click=${() => choose(c, place, at)}>
      <map-picture .plot=${{ values: data.subarray(at * rows * columns, (at + 1) * rows * columns), rows, columns, range: 127, dark: c.dark }}></map-picture></button></li>`;
  })}</ul>`;
}

/** Units that are no maps, one above the other. @param {Context} c @param {Told} layer @param {number} place */
function vector(c, layer, place) {
  const { data, shape: [, rows] } = c.frame.arrays[`small${place}`];
  const { layer: chosen, channel } = c.frame.values.chosen;
  const at = place === chosen ? channel : 0;
  const plot = {
    values: data, rows, columns: 1, range: 127, dark: c.dark, at: [at, 0],
    label: c.t("vector.of", { layer: layer.name, count: rows }),
    frames: place === chosen ? [{ top: at, left: 0, height: 1, width: 1, kind: "unit" }] : [],
    describe: (/** @type {number} */ row, /** @type {number} */ _, /** @type {number} */ value) => tip(c.t("unit.of", { layer: layer.name, unit: row + 1 }), c.number((value / 127) * layer.size, 2), c.t("map.look")),
    pick: (/** @type {number} */ row) => choose(c, place, row),
  };
  return html`<map-picture class="vector" .plot=${plot}></map-picture>`;
}

/** Cursor keys go along the layers and down the maps. @param {KeyboardEvent} event */
function walk(event) {
  const at = /** @type {HTMLElement} */ (event.target).dataset.map;
  const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const move = moves[/** @type {keyof typeof moves} */ (event.key)];
  if (!at || !move) return;
  event.preventDefault();
  const [layer, channel] = at.split(",").map(Number);
  const around = /** @type {HTMLElement} */ (event.currentTarget);
  /** @param {number} place @param {number} map */
  const found = (place, map) => around.querySelector(`[data-map="${place},${map}"]`);
  const column = around.querySelectorAll(`[data-map^="${layer + move[0]},"]`).length;
  const next = found(layer + move[0], Math.max(0, Math.min(channel + move[1], column - 1)));
  const target = next ?? (move[0] ? around.querySelectorAll(".column")[layer + move[0]]?.querySelector("canvas[tabindex]") : null);
  if (target instanceof HTMLElement) target.focus();
}

/** @param {Context} c @param {Told[]} layers */
function saved(c, layers) {
  const [side, gap] = [44, 26];
  let [inner, tallest] = ["", 0];
  layers.forEach((layer, place) => {
    const [count, rows, columns] = c.frame.arrays[`small${place}`].shape;
    const x = place * (side + gap) + 8;
    inner += words(x, 16, layer.name.split(".").pop() ?? "") + words(x, 30, dimensions(layer.shape), { "font-size": 9 });
    const canvases = [...document.querySelectorAll(`.layers .column:nth-of-type(${place + 1}) canvas`)];
    canvases.forEach((canvas, at) => {
      const [wide, tall] = columns === 1 ? [14, Math.min(rows * 12, 460)] : [side, (side * rows) / columns];
      inner += mark("image", { x, y: 40 + at * (tall + 6), width: wide, height: tall, "image-rendering": "pixelated", preserveAspectRatio: "none", href: /** @type {HTMLCanvasElement} */ (canvas).toDataURL() });
      tallest = Math.max(tallest, 40 + (at + 1) * (tall + 6));
    });
    if (layer.shape.length === 3 && layer.shape[0] > count) inner += words(x, tallest + 10, `+ ${layer.shape[0] - count}`);
  });
  return drawingOf(layers.length * (side + gap) + 16, tallest + 16, c.t("overview.title"), inner);
}
