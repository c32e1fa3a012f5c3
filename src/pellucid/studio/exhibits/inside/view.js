/** One image on its way through a network: image → layers → answer, and below the layer, the map and the unit that are looked at. */
import { html, nothing } from "../../page/third_party/lit.js";
import { button, number, refused, slider, text } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { inTurn } from "../../page/parts/kept.js";
import { tip } from "../../page/parts/tip.js";
import "../../page/parts/field.js";
import { answer, fieldFrames, rests, verdict } from "./answer.js";
import { layer } from "./layer.js";
import { chosenMap, making } from "./making.js";
import { overview } from "./overview.js";
import { decoded, packed } from "./pad.js";
import { unit } from "./unit.js";
import { TURNS } from "./words.js";
import "./maps.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** @param {Context} c @param {Uint8Array} bytes */
const show = (c, bytes) => c.act({ kind: "show", pixels: packed(bytes) });

/** @param {Context} c @param {Blob | undefined | null} file */
async function take(c, file) {
  if (!file) return;
  try {
    const bytes = await decoded(file, c.frame.values.subject.shape, Boolean(c.local.inverted));
    c.local.unreadable = false;
    show(c, bytes);
  } catch {
    c.local.unreadable = true;
    c.redraw();
  }
}

/** The pen's width for images of this size. @param {Context} c @returns {number} */
function penOf(c) {
  const { shape } = c.frame.values.subject;
  return c.local.pens?.[shape.join()] ?? Math.max(1.5, Math.round(Math.max(shape[1], shape[2]) / 7) / 2);
}

/** @param {Context} c */
function image(c) {
  const { subject, label, own } = c.frame.values;
  const [channels, height, width] = subject.shape;
  const { data } = c.frame.arrays.image;
  const plot = {
    values: data, rows: height, columns: width, channels, dark: c.dark, label: c.t("image.label", { height, width, what: own ? c.t("image.own") : label ? c.t("image.sample", { label }) : c.t("image.plain") }),
    frames: fieldFrames(c), pen: penOf(c), erases: Boolean(c.local.erases), draw: (/** @type {Uint8Array} */ bytes) => show(c, bytes),
    describe: (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ value) => tip(c.t("pixel", { row: row + 1, column: column + 1 }), c.t("pixel.value", { value: c.number(value, 3) }), channels === 1 && `x = (${c.number(value, 3)}/255 − ${c.number(subject.mean[0], 3)}) / ${c.number(subject.std[0], 3)} = ${c.number((value / 255 - subject.mean[0]) / subject.std[0], 3)}`),
  };
  return figure(c, { name: "image", title: c.t("image.title"), caption: `${height} × ${width}${channels === 3 ? " × 3" : ""}`, body: html`<image-pad class="large" .plot=${plot}
      @dragover=${(/** @type {DragEvent} */ event) => event.preventDefault()} @drop=${(/** @type {DragEvent} */ event) => { event.preventDefault(); void take(c, event.dataTransfer?.files[0]); }}></image-pad>`, extra: html`
    <p class="soft">${c.t("image.how")} <span class="key field" aria-hidden="true"></span> ${c.t("image.field")}</p>${tools(c)}${samples(c)}` });
}

/** @param {Context} c */
function tools(c) {
  const { shape } = c.frame.values.subject;
  const empty = () => show(c, new Uint8Array(shape[0] * shape[1] * shape[2]));
  const pick = (/** @type {any} */ event) => { void take(c, event.target.files[0]); event.target.value = ""; };
  return html`<div data-refusals="image"><p class="row">${button(c, { name: "clear", press: empty })}
    ${button(c, { name: "erase", pressed: Boolean(c.local.erases), press: () => { c.local.erases = !c.local.erases; c.redraw(); } })}
    <label class="file plain" data-tip=${tip(c.t("file.label"), c.t("file.help"))}>${c.t("file.label")}<input class="unseen" type="file" accept="image/*" @change=${pick}></label></p>
    <div class="controls">${slider(c, { name: "pen", min: 1, max: Math.max(3, Math.round(Math.max(shape[1], shape[2]) / 4)), step: 0.5, value: penOf(c), change: (value) => { c.local.pens = { ...c.local.pens, [shape.join()]: value }; c.redraw(); } })}</div>
    <label class="check"><input type="checkbox" .checked=${Boolean(c.local.inverted)} @change=${(/** @type {any} */ event) => { c.local.inverted = event.target.checked; }}> ${c.t("invert.label")}</label>
    ${c.local.unreadable ? html`<p class="refused" role="alert">${c.t("refusal.unreadable")}</p>` : nothing}${refused(c, "image")}
    ${c.frame.values.own && !c.settings.pixels ? html`<p class="soft">${c.t("image.large")}</p>` : nothing}</div>`;
}

/** @param {Context} c */
function samples(c) {
  const { offered, count, own, subject, label } = c.frame.values;
  const { data, shape: [, channels, rows, columns] } = c.frame.arrays.gallery;
  const each = channels * rows * columns;
  const buttons = offered.map((/** @type {any} */ one, /** @type {number} */ at) => {
    const isWrong = one.label !== undefined && one.label !== one.said;
    const said = tip(c.t("sample", { number: one.image + 1 }), one.label !== undefined && c.t(isWrong ? "sample.wrong" : "sample.right", { label: one.label, said: one.said }));
    return html`<button type="button" class=${`map ${isWrong ? "wrong" : ""}`} aria-pressed=${String(!own && one.image === c.settings.image)} aria-label=${said.replaceAll("\n", ", ")} data-tip=${said}
      @click=${() => c.act({ kind: "sample", image: one.image })}><map-picture .plot=${{ values: data.subarray(at * each, (at + 1) * each), rows, columns, channels, dark: c.dark }}></map-picture><small aria-hidden="true">${one.label ?? one.image + 1}${isWrong ? " ✗" : ""}</small></button>`;
  });
  const { first } = c.settings;
  return html`<h2>${c.t("samples.title")}</h2><p class="soft">${subject.missing ? c.t("samples.missing") : c.t("samples.text", { count: c.number(count, 8) })}</p>
    <div class="samples" role="group" aria-label=${c.t("samples.title")}>${buttons}</div>
    <p class="row"><button type="button" class="plain" aria-label=${c.t("samples.back")} data-tip=${c.t("samples.back")} ?disabled=${first === 0} @click=${() => c.set({ first: Math.max(0, first - 10) })}>‹</button>
    <button type="button" class="plain" aria-label=${c.t("samples.on")} data-tip=${c.t("samples.on")} ?disabled=${first + 10 >= count} @click=${() => c.set({ first: first + 10 })}>›</button>
    ${label || own ? button(c, { name: "mistake", press: () => c.act({ kind: "mistake" }) }) : nothing}</p>`;
}

/** Which network: trained here, of the zoo, the one the studio was opened with, or a run's. @param {Context} c */
function choice(c) {
  if (c.isHidden("network")) return nothing;
  const { subject, runs, zoo } = c.frame.values;
  const value = subject.kind === "zoo" ? `zoo:${subject.name}` : subject.kind === "run" ? `run:${subject.name}` : subject.kind;
  /** @param {any} event */
  const pick = (event) => {
    const [network, ...rest] = event.target.value.split(":");
    const name = rest.join(":");
    c.set({ network, ...(network === "zoo" ? { zoo: name } : network === "run" ? { run: name } : {}), layer: 0, channel: 0, at: null, target: null });
  };
  /** @param {string} key @param {string} words */
  const option = (key, words) => html`<option value=${key} .selected=${key === value}>${words}</option>`;
  return html`<div class="control" data-tip=${tip(c.t("network.label"), c.t("network.help"))} data-refusals="network"><label for="control-network">${c.t("network.label")}</label>
    <select id="control-network" @change=${pick}>${subject.given ? option("given", c.t("network.given")) : nothing}${option("arrows", c.t("network.arrows"))}
    ${runs.length ? html`<optgroup label=${c.t("network.runs")}>${runs.map((/** @type {any} */ run) => option(`run:${run.name}`, `${run.name} (${run.data})`))}</optgroup>` : nothing}
    <optgroup label=${c.t("network.zoo")}>${zoo.map((/** @type {string} */ name) => option(`zoo:${name}`, name))}</optgroup></select>${refused(c, "network")}</div>`;
}

/** @param {Context} c */
function network(c) {
  const { subject } = c.frame.values;
  return html`<section class="network"><div class="controls">${choice(c)}
    ${subject.kind === "arrows" ? text(c, { name: "arrows", rows: 2 }) : nothing}
    ${subject.kind === "arrows" || subject.kind === "zoo" ? html`${slider(c, { name: "rate", min: -4, max: 0, step: 0.5 })}${slider(c, { name: "before", min: 0, max: 500, step: 10 })}${number(c, { name: "seed", min: 0, step: 1 })}` : nothing}</div>
    ${subject.diverged ? html`<p class="refused" role="alert">${c.t("diverged.long")}</p>` : nothing}${overview(c)}</section>`;
}

/** How far it is trained, or why Play does nothing. @param {Context} c */
function status(c) {
  const { subject } = c.frame.values;
  const trained = subject.trains
    ? c.t(!subject.steps ? "status.untrained" : subject.epoch ? "status.training" : "status.begun", { steps: subject.steps, epoch: subject.epoch, loss: c.number(subject.loss, 3), accuracy: subject.accuracy === null ? "–" : c.number(100 * subject.accuracy, 3) })
    : c.t(`status.${subject.kind}`, { name: subject.name });
  return html`${trained} · ${verdict(c)}`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status,
  mount: (c) => {
    /** @param {ClipboardEvent} event */
    const paste = (event) => void take(c, [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/")));
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  },
  render: (c) => html`<link rel="stylesheet" href="/exhibits/inside/style.css">
    <div class="whole">${image(c)}${network(c)}${inTurn(c, 1, TURNS, () => answer(c))}</div>
    <div class="zoom">${inTurn(c, 1, TURNS, () => layer(c))}${inTurn(c, 2, TURNS, () => making(c))}<div>${inTurn(c, 2, TURNS, () => chosenMap(c))}</div></div>
    <div class="beside">${inTurn(c, 3, TURNS, () => unit(c))}${inTurn(c, 3, TURNS, () => rests(c))}</div>`,
};
