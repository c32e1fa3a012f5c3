/** How figures, runs and remedies are called. */
import { html } from "../../page/third_party/lit.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

export const HERE = ".";
const SHARES = ["accuracy", "precision", "recall", "f1", "iou", "exact_match"];
const SIGNS = { training: "●", finished: "✓", stopped: "■", diverged: "✕", unreadable: "?", gone: "?" };

/** A metric; shares in percent. @param {Context} c @param {string} metric @param {number | null} value */
export const figureOf = (c, metric, value) => (value !== null && SHARES.includes(metric) ? `${c.number(100 * value, 3)} %` : c.number(value));

/** @param {Context} c @param {string} metric */
export const metricOf = (c, metric) => {
  const told = c.t(`metric.${metric}`);
  return told === `metric.${metric}` ? metric : told;
};

/** @param {Context} c @param {any} line */
export const nameOf = (c, line) => (line.name === HERE ? c.t("here") : line.is_own ? c.t("remedy", { number: line.number }) : line.name);

/** @param {Context} c @param {string} state */
export const stateOf = (c, state) => html`<span aria-hidden="true">${SIGNS[/** @type {"gone"} */ (state)]}</span> ${c.t(`state.${state}`)}`;

/** The same as one sign, for eyes. @param {Context} c @param {string} state */
export const signOf = (c, state) => html`<span aria-hidden="true">${SIGNS[/** @type {"gone"} */ (state)]}</span><span class="unseen">${c.t(`state.${state}`)}</span>`;

/** What a remedy sets, in the reader's words: "learning rate: 0.1". @param {Context} c @param {[string, string][]} values */
export const changeOf = (c, values) => values.map(([name, value], at) => html`${at ? ", " : ""}${optionOf(c, name)} <code>${value}</code>`);

/** @param {Context} c @param {string} name */
const optionOf = (c, name) => {
  const told = c.t(`option.${name}`);
  return told === `option.${name}` ? html`<code>${name}</code>` : told;
};

/** The engine's own English, for a screen reader to read as such. @param {unknown} text */
export const english = (text) => html`<span lang="en">${text}</span>`;
