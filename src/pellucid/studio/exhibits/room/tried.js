/** What was tried, how it stands, and what the measurement says. */
import { html, nothing } from "../../page/third_party/lit.js";
import { taken } from "./findings.js";
import { HERE, changeOf, figureOf, metricOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** @param {Context} c */
export function trials(c) {
  const { tried, lines } = c.frame.values;
  const repaired = lines.filter((/** @type {any} */ line) => line.repairs.length);
  if (!tried.length && !repaired.length) return nothing;
  const ruled = tried.find((/** @type {any} */ each) => each.gain);
  return html`<section class="panel tried"><h2>${c.t("tried")}</h2>
    ${tried.map((/** @type {any} */ each) => trial(c, each))}
    ${repaired.map((/** @type {any} */ line) => line.repairs.map((/** @type {any} */ each) => html`<article class="trial"><h3>${line.name}: ${c.t(`cause.${each.cause}`)}</h3><p><code>${each.change}</code></p>
      <p>${c.t("probes", { steps: each.steps })}: ${metricOf(c, each.metric)} ${each.before === null ? c.t("none.diverged") : figureOf(c, each.metric, each.before)} → <strong>${figureOf(c, each.metric, each.after)}</strong></p></article>`))}
    ${ruled ? html`<p class="soft"><small>${c.t("gain.rule", ruled)}</small></p>` : nothing}</section>`;
}

/** @param {Context} c @param {any} each */
function trial(c, each) {
  const isHere = each.kind === "here";
  const name = isHere ? c.t("remedy", { number: each.name.slice(1) }) : each.name;
  const isGoing = each.state === "training" || each.state === "begins";
  const end = () => c.act(isHere ? { kind: "drop", name: each.name } : { kind: "stop", trial: each.trial });
  return html`<article class="trial"><h3>${name}</h3>
    <p>${each.values.length ? changeOf(c, each.values) : c.t("repair")}</p>
    ${each.is_shown ? measured(c, each, isGoing) : html`<p class="soft">${c.t("measured.hidden", each)}</p>`}
    ${isGoing && each.epochs ? html`<progress aria-label=${c.t("progress", { name })} max=${each.epochs} .value=${each.epoch}></progress>` : nothing}
    <p class="row"><span class="soft">${c.t(each.state === "begins" && each.probes ? "trial.probes" : `trial.${each.state}`, each)}</span>
      ${isHere || isGoing ? html`<button type="button" class="plain" @click=${end}>${c.t(isHere && !isGoing ? "drop.label" : "stop.label")}</button>` : nothing}</p>
    ${each.said.length ? html`<details ?open=${each.state === "failed" || (each.probes && isGoing)}><summary>${c.t("said")}</summary><pre tabindex="0" lang="en" role="region" aria-label=${`${name}: ${c.t("said")}`}>${each.said.join("\n")}</pre></details>` : nothing}
    ${taken(c, each, name)}</article>`;
}

/** Before and after, and whether that is more than chance. @param {Context} c @param {any} each @param {boolean} isGoing */
function measured(c, each, isGoing) {
  const isMeasured = each.after !== null;
  const before = each.before === null && each.gain ? c.t("none.diverged") : figureOf(c, each.metric, each.before);
  const head = c.t(each.until === null ? "measured.all" : "measured", { metric: metricOf(c, each.metric), until: each.until });
  return html`<p class="figures"><span class="soft">${head}</span><br>${c.t(each.run === HERE ? "here" : "without")} <strong>${before}</strong> → ${c.t("with")} <strong>${isMeasured ? figureOf(c, each.metric, each.after) : "–"}</strong></p>
    <p class="verdict ${isGoing || !isMeasured ? "none" : each.gain ?? "none"}">${c.t(`gain.${isGoing ? "going" : isMeasured ? each.gain ?? "none" : "none"}`)}</p>`;
}
