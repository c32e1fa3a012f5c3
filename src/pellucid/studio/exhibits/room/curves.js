/** The curves of what is shown, over one axis and under one cursor. */
import { html, nothing } from "../../page/third_party/lit.js";
import "../../page/parts/chart.js";
import { select } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { metricOf, nameOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const FIRST = ["loss", "metric"];
const OTHERS = ["validation.loss", "epoch_loss", "learning_rate", "gradient_norm"];
const SPREAD = 1e3; // a chart whose values differ by more has a logarithmic axis

/** What says most. @param {Context} c */
export function main(c) {
  const { lines } = c.frame.values;
  const told = lines.filter((/** @type {any} */ line) => line.read < 1 || line.steps > line.kept || line.steps > 500);
  return html`<div class="row">${select(c, { name: "axis", options: ["step", "epoch"] })}</div>
    <div class="beside charts">${FIRST.map((name) => chart(c, name))}</div>
    ${lines.some((/** @type {any} */ line) => line.epoch) ? nothing : html`<p class="soft">${c.t("epochs.none")}</p>`}
    ${told.map((/** @type {any} */ line) => html`<p class="soft">${line.read < 1
      ? c.t("reading", { name: nameOf(c, line), share: Math.floor(100 * line.read) })
      : c.t("sampled", { name: nameOf(c, line), steps: line.steps, drawn: Math.min(500, line.kept) })}</p>`)}`;
}

/** @param {Context} c */
export function others(c) {
  const { layers } = c.frame.values;
  return html`<div class="beside charts">${OTHERS.map((name) => chart(c, name))}
    ${layers.length ? figure(c, { name: "layers", title: c.t("chart.layers"), caption: c.t("layers.caption"),
      body: html`<line-chart .plot=${plot(c, "layers", layers)}></line-chart>` }) : nothing}</div>`;
}

/** @param {Context} c @param {string} name */
function chart(c, name) {
  if (!c.frame.arrays[`${name}.x`].data.length) return nothing;
  const names = c.frame.values.lines.map((/** @type {any} */ line) => nameOf(c, line));
  return figure(c, { name: name.replace(".", "-"), title: c.t(`chart.${name}`), body: html`<line-chart .plot=${plot(c, name, names)}></line-chart>` });
}

/** A chart; the same object while nothing changed, so that it is not drawn anew. @param {Context} c @param {string} name @param {string[]} names */
function plot(c, name, names) {
  const { arrays, values } = c.frame;
  const key = [values.version, c.language, c.dark, c.settings.axis, names.join()].join("|");
  const known = (c.local.plots ??= {})[name];
  if (known?.key === key) return known.plot;
  const axis = name === "layers" ? "step" : c.settings.axis;
  const series = names.map((each, index) => ({ name: each, values: arrays[`${name}.${index}`].data }));
  const made = {
    label: c.t(`chart.${name}`), x: arrays[`${name}.x`].data, xLabel: c.t(`axis.${axis}`), yLabel: c.t(`unit.${name}`, { metric: metricOf(c, values.metric) }),
    series, dark: c.dark, height: 190, sync: `room-${axis}`, logarithmic: name === "layers" || (name !== "learning_rate" && isSpread(series)),
  };
  c.local.plots[name] = { key, plot: made };
  return made;
}

/** Whether values differ by orders of magnitude, as the losses of a training that diverges. @param {{values: ArrayLike<number>}[]} series */
function isSpread(series) {
  let [low, high] = [Infinity, -Infinity];
  for (const { values } of series) {
    for (let i = 0; i < values.length; i++) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
  }
  return low > 0 && high > SPREAD * low;
}
