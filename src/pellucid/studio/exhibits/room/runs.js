/** The runs of the folder, and how the page's own training is set. */
import { html, live, nothing } from "../../page/third_party/lit.js";
import { number, refused, select, slider, text } from "../../page/parts/controls.js";
import { tip } from "../../page/parts/tip.js";
import { HERE, english, figureOf, metricOf, stateOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const MOST = 8;
const STATES = ["all", "training", "finished", "stopped", "diverged", "unreadable"];

/** What is ticked: as it was asked for, and where nothing was, what the engine chose. @param {Context} c @returns {string[]} */
const ticked = (c) => c.settings.shown ?? c.frame.values.lines.map((/** @type {any} */ line) => line.name).filter((/** @type {string} */ each) => each === HERE || !each.startsWith("."));

/** @param {Context} c @param {string} name @param {boolean} on */
function choose(c, name, on) {
  const next = ticked(c).filter((each) => each !== name);
  if (on) next.push(name);
  if (next.length) c.set({ shown: next.slice(-MOST) });
  else c.redraw();
}

/** @param {Context} c */
export function list(c) {
  const { runs, found, known, waiting } = c.frame.values;
  const shown = ticked(c);
  /** @param {string} name @param {string} label @param {unknown} rest */
  const row = (name, label, rest) => html`<tr><td><div class="control check"><label><input type="checkbox" .checked=${live(shown.includes(name))}
    @change=${(/** @type {any} */ event) => choose(c, name, event.target.checked)}>${label}</label></div></td>${rest}</tr>`;
  return html`<section class="panel runs"><h2>${c.t("runs")}</h2>${refused(c, "runs")}
    ${known > 5 ? html`<div class="controls">${text(c, { name: "search" })}${select(c, { name: "state", options: STATES })}</div>` : nothing}
    <div class="wide tall" tabindex="0" role="region" aria-label=${c.t("runs")}><table><thead><tr><th scope="col">${c.t("run")}</th><th scope="col">${c.t("state")}</th><th scope="col">${c.t("data")}</th><th scope="col">${c.t("metric")}</th><th scope="col">${c.t("when")}</th></tr></thead><tbody>
    ${row(HERE, c.t("here"), html`<td colspan="4">${c.t("here.text")}</td>`)}
    ${runs.map((/** @type {any} */ run) => row(run.name, run.name, cells(c, run)))}</tbody></table></div>
    <p class="soft">${known ? c.t(found ? "runs.shown" : "runs.nothing", { shown: runs.length, found }) : waiting ? "" : c.t("runs.none")}
      ${waiting ? c.t("runs.waiting", { count: waiting }) : ""} ${known > 1 ? c.t("runs.most", { most: MOST }) : ""}</p></section>`;
}

/** @param {Context} c @param {any} run */
function cells(c, run) {
  const when = new Date(1000 * run.changed).toLocaleString(c.language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "short", timeStyle: "short" });
  return html`<td>${stateOf(c, run.state)}${run.state === "training" ? ` ${run.epoch}/${run.epochs}` : ""}</td>
    <td data-tip=${tip(run.data, run.task, run.network)}>${run.fault ? english(run.fault) : run.data}</td>
    <td>${run.metric ? `${metricOf(c, run.metric)} ${figureOf(c, run.metric, run.value)}` : "–"}</td><td>${when}</td>`;
}

/** How the page's own training is set. @param {Context} c */
export function own(c) {
  if (!c.frame.values.lines.some((/** @type {any} */ line) => line.name === HERE)) return nothing;
  const isBuilt = c.settings.network === "layers";
  return html`<section class="panel"><h2>${c.t("own")}</h2><div class="controls">
    ${select(c, { name: "data", options: ["digits", "iris", "wine", "moons"] })}
    ${select(c, { name: "network", options: ["layers", "mlp", "linear"] })}
    ${isBuilt ? slider(c, { name: "layers", min: 0, max: 6 }) : nothing}
    ${isBuilt ? select(c, { name: "activation", options: ["sigmoid", "tanh", "relu"] }) : nothing}
    ${select(c, { name: "optimizer", options: ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] })}
    ${slider(c, { name: "rate", min: -6, max: 3, step: 0.5 })}
    ${slider(c, { name: "epochs", min: 2, max: 100 })}${number(c, { name: "seed", min: 0, step: 1 })}</div></section>`;
}
