/**
 * The table of lanes: who runs, how it is set, and how far it has come. In a narrow window each row stands as a block with
 * its labels; the roles are told because Safari takes a table that is displayed otherwise for none.
 */
import { html, live, nothing, svg } from "../../page/third_party/lit.js";
import { DASHES, category } from "../../page/parts/colours.js";
import { button, refused } from "../../page/parts/controls.js";
import { settled } from "../../page/parts/settled.js";
import { tip } from "../../page/parts/tip.js";
import { nameOf } from "./names.js";
import { PLAIN } from "./rules.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const RULES = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "adadelta", "nadam", "rprop", "lbfgs"];
const COLUMNS = ["rate", "momentum", "squares", "weight_decay"];
const RESULTS = ["place", "loss", "away", "arrived", "evaluations", "fate"];

/** @param {Context} c @param {number} lane @param {Record<string, any>} change */
function changed(c, lane, change) {
  c.set({ lanes: c.settings.lanes.map((/** @type {any} */ each, /** @type {number} */ at) => (at === lane ? { ...each, ...change } : each)) });
}

/** @param {Context} c @param {number} lane */
function who(c, lane) {
  const { on, rule } = c.settings.lanes[lane];
  const colour = category(lane, c.dark);
  const dash = DASHES[lane % 8].join(" ") || nothing;
  return html`<th scope="row" role="rowheader"><span class="who"><input type="checkbox" id=${`lane-${lane}`} .checked=${live(on)} aria-label=${c.t("on", { name: c.t(`rule.${rule}`), lane: lane + 1 })}
      @change=${(/** @type {any} */ event) => changed(c, lane, { on: event.target.checked })}>
    <svg class="dash" viewBox="0 0 26 8" aria-hidden="true">${svg`<path d="M0 4H26" stroke=${colour} stroke-width="3" stroke-dasharray=${dash}></path>`}</svg>
    <select aria-label=${c.t("rule", { lane: lane + 1 })} data-tip=${tip(c.t(`rule.${rule}`), c.t(`rule.${rule}.help`), PLAIN[rule])}
      @change=${(/** @type {any} */ event) => changed(c, lane, { rule: event.target.value, rate: null, squares: null })}>
      ${RULES.map((each) => html`<option value=${each} .selected=${live(each === rule)}>${c.t(`rule.${each}`)}</option>`)}</select></span></th>`;
}

/** One hyperparameter, or a dash where the optimiser has none. @param {Context} c @param {number} lane @param {string} name */
function hyperparameter(c, lane, name) {
  const told = c.frame.values.lanes[lane];
  const has = { rate: true, momentum: told.has_momentum, squares: told.squares !== null, weight_decay: told.has_decay }[name];
  if (!has) return html`<td role="cell" class="none" data-label=${c.t(`${name}.short`)}>–</td>`;
  const own = c.settings.lanes[lane];
  const value = own[name] ?? told[name];
  const stable = name === "rate" && told.stable !== null ? c.t("stable", { bound: c.number(told.stable, 3) }) : "";
  return html`<td role="cell" data-label=${c.t(`${name}.short`)}><input type="number" step="any" min="0" aria-label=${`${c.t(`${name}.label`)}, ${nameOf(c, lane)}`}
    data-tip=${tip(c.t(`${name}.label`), c.t(`${name}.help`), stable)} .value=${settled(value === null ? "" : String(value), Boolean(c.refusal("lanes")))}
    @change=${(/** @type {any} */ event) => changed(c, lane, { [name]: event.target.value === "" ? (name === "rate" || name === "squares" ? null : 0) : Number(event.target.value) })}></td>`;
}

/** @param {Context} c @param {number} lane */
function results(c, lane) {
  const told = c.frame.values.lanes[lane];
  if (told.row === null) return html`<td role="cell" colspan=${RESULTS.length} class="none">${c.t("off")}</td>`;
  const [x, y] = told.place;
  const cells = {
    place: `${c.number(x, 3)}, ${c.number(y, 3)}`, loss: c.number(told.loss, 3), away: c.number(told.away, 2),
    arrived: told.arrived === null ? "–" : c.number(told.arrived), evaluations: c.number(told.evaluations), fate: fate(c, told),
  };
  return RESULTS.map((name) => html`<td role="cell" class=${name} data-label=${c.t(`${name}.column`)}>${cells[/** @type {"fate"} */ (name)]}</td>`);
}

/** @param {Context} c @param {any} told */
function fate(c, told) {
  if (told.fate === "nan" || told.fate === "far") return html`<strong class="astray">${c.t(`fate.${told.fate}`)}</strong> ${c.t("step.n", { step: told.step })}`;
  if (told.fate === "left") return html`${c.t("fate.left")} ${c.t("step.n", { step: told.step })}`;
  if (told.kind) return c.t(`kind.${told.kind}`);
  return c.t(told.arrived === null ? "fate.runs" : "fate.arrived");
}

/** @param {Context} c */
export function lanes(c) {
  if (c.isHidden("lanes")) return nothing;
  const { lanes: all } = c.settings;
  const isUsual = all.every((/** @type {any} */ lane) => lane.rate === null);
  const usual = () => c.set({ lanes: all.map((/** @type {any} */ lane) => ({ ...lane, rate: null })) });
  return html`<section class="lanes"><h2 id="lanes-title">${c.t("lanes")}</h2><p class="soft">${c.t("lanes.text")}</p>
    <div class="wide" tabindex="0" role="region" aria-labelledby="lanes-title"><table role="table">
    <caption class="unseen">${c.t("lanes")}</caption>
    <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">${c.t("optimiser")}</th>${COLUMNS.map((name) => html`<th scope="col" role="columnheader" data-tip=${tip(c.t(`${name}.label`), c.t(`${name}.help`))}>${c.t(`${name}.short`)}</th>`)}
      ${RESULTS.map((name) => html`<th scope="col" role="columnheader" data-tip=${tip(c.t(`${name}.column`), c.t(`${name}.column.help`))}>${c.t(`${name}.column`)}</th>`)}</tr></thead>
    <tbody role="rowgroup">${all.map((/** @type {any} */ each, /** @type {number} */ lane) => html`<tr role="row" class=${each.on ? "" : "off"}>${who(c, lane)}
      ${COLUMNS.map((name) => hyperparameter(c, lane, name))}${results(c, lane)}</tr>`)}</tbody></table></div>
    ${refused(c, "lanes")}<div class="row">${button(c, { name: "usual", press: usual, disabled: isUsual })}</div></section>`;
}
