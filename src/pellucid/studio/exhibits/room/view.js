/** Runs above, what they learn on the left, what is wrong and what helps on the right; live ones are followed by themselves. */
import { html, nothing } from "../../page/third_party/lit.js";
import { main, others } from "./curves.js";
import { findings } from "./findings.js";
import { list, own } from "./runs.js";
import { trials } from "./tried.js";
import { figureOf, metricOf, nameOf, signOf, stateOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** @param {Context} c */
function configuration(c) {
  const { lines, differences } = c.frame.values;
  const seeds = lines.filter((/** @type {any} */ line) => line.seeds);
  const table = html`<div class=${lines.length > 1 ? "wide" : "wide tall"} tabindex="0" role="region" aria-label=${c.t("configuration")}><table><thead><tr><th scope="col">${c.t("option")}</th>${lines.map((/** @type {any} */ line) => html`<th scope="col">${nameOf(c, line)}</th>`)}</tr></thead>
    <tbody>${lines.length > 1 ? results(c, lines) : nothing}${differences.map((/** @type {any} */ row) => html`<tr><th scope="row"><code>${row.name}</code></th>${row.values.map((/** @type {string} */ value) => html`<td>${value}</td>`)}</tr>`)}</tbody></table></div>`;
  return html`<section class="panel">${lines.some((/** @type {any} */ line) => line.is_own) && lines.length < 2
      ? html`<details><summary><h2>${c.t("configuration")}</h2></summary>${table}</details>`
      : html`<h2>${c.t(lines.length > 1 ? "differences" : "configuration")}</h2>${table}`}
    ${seeds.map((/** @type {any} */ line) => html`<p><strong>${line.name}</strong>: ${c.t("seeds", { count: line.seeds.count, metric: metricOf(c, line.metric), mean: figureOf(c, line.metric, line.seeds.mean), low: figureOf(c, line.metric, line.seeds.low), high: figureOf(c, line.metric, line.seeds.high) })}</p>`)}</section>`;
}

const FEW = 3; // so many are told in full, more in brief

/** How a training stands. @param {Context} c @param {any} line */
function standing(c, line) {
  return html`<span>${nameOf(c, line)}: ${stateOf(c, line.state)}, ${c.t("epoch.of", { epoch: line.epoch, epochs: line.epochs })}, ${metricOf(c, line.metric)} ${figureOf(c, line.metric, line.best)} </span>`;
}

/** How a training of many stands. @param {Context} c @param {any} line */
function brief(c, line) {
  const progress = line.state === "training" ? ` ${line.epoch}/${line.epochs}` : "";
  return html`<span class="brief"><strong>${nameOf(c, line)}</strong> ${signOf(c, line.state)}${progress} ${figureOf(c, line.metric, line.best)}</span>`;
}

/** What came out, above what was set. @param {Context} c @param {any[]} lines */
function results(c, lines) {
  const metric = c.frame.values.metric;
  return html`<tr><th scope="row">${c.t("state")}</th>${lines.map((line) => html`<td>${stateOf(c, line.state)}</td>`)}</tr>
    <tr><th scope="row">${c.t("best", { metric: metricOf(c, metric) })}</th>${lines.map((line) => html`<td>${line.metric === metric ? figureOf(c, metric, line.best) : html`${metricOf(c, line.metric)} ${figureOf(c, line.metric, line.best)}`}</td>`)}</tr>
    <tr><th scope="row">${c.t("tested", { metric: metricOf(c, metric) })}</th>${lines.map((line) => html`<td>${figureOf(c, metric, line.result?.[metric] ?? null)}</td>`)}</tr>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => html`${c.frame.values.lines.map((/** @type {any} */ line) => (c.frame.values.lines.length > FEW ? brief : standing)(c, line))}`,
  render: (c) => {
    const isAlone = c.frame.values.lines.length === 1 && !c.frame.values.lines[0].is_own;
    return html`<link rel="stylesheet" href="/exhibits/room/style.css"><div class="flow">${list(c)}${own(c)}${isAlone ? configuration(c) : nothing}</div>
      <div class="room"><div class="first">${main(c)}</div><div class="side">${trials(c)}${findings(c)}</div><div class="rest">${others(c)}${isAlone ? nothing : configuration(c)}</div></div>`;
  },
};
