/** What keeps a training from learning: what it is, what to do, the figures that say so. */
import { html, nothing } from "../../page/third_party/lit.js";
import { refused } from "../../page/parts/controls.js";
import { say } from "../../page/parts/tip.js";
import { changeOf, english, metricOf, nameOf } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const OPEN = 3; // so many are told at once, those that follow when they are opened

/** @param {Context} c */
export function findings(c) {
  const { findings: found, lines } = c.frame.values;
  const isLive = lines.some((/** @type {any} */ line) => !line.is_own && line.state === "training");
  return html`<section class="panel findings"><h2>${c.t("findings")}</h2>${refused(c, "try")}
    ${lines.map((/** @type {any} */ line) => trouble(c, line))}
    ${found.length ? nothing : html`<p class="soft">${c.t(isLive ? "findings.live" : "findings.none")}</p>`}
    ${found.map((/** @type {any} */ each, /** @type {number} */ at) => (each.cause ? finding(c, each, lines[each.line], at < OPEN) : repair(c, each, lines[each.line])))}</section>`;
}

/** What keeps a run from being shown whole. @param {Context} c @param {any} line */
function trouble(c, line) {
  const told = [];
  if (line.state === "diverged") told.push(line.step ? c.t("diverged", { step: line.step, rate: c.number(line.rate) }) : c.t("diverged.none"));
  if (line.state === "gone") told.push(c.t("gone"));
  else if (line.fault) told.push(html`${c.t("unread")} ${english(line.fault)}`);
  if (line.lost) told.push(c.t("lost", { count: line.lost }));
  return told.map((each) => html`<p class="trouble"><strong>${nameOf(c, line)}</strong>: ${each}</p>`);
}

/** @param {Context} c @param {any} found @param {any} line @param {boolean} isOpen */
function finding(c, found, line, isOpen) {
  const title = c.t(`cause.${found.cause}`);
  const isEnglish = c.language === "en";
  return html`<article class="finding ${found.severity}"><details ?open=${isOpen}><summary><h3>${c.t(`severity.${found.severity}`)}: ${title === `cause.${found.cause}` ? nothing : title} <code>${found.cause}</code></h3> <span class="soft">${nameOf(c, line)}</span></summary>
    <p class="soft">${c.t("confidence", { share: c.number(100 * found.confidence, 3) })}${found.step ? ` · ${c.t("seen", { step: found.step })}` : ""}${found.module ? html` · <code>${found.module}</code>` : ""}</p>
    ${isEnglish ? html`<p>${found.explanation}</p>` : nothing}
    <p><strong>${c.t("doing")}:</strong> ${c.t(`advice.${found.cause}`)}</p>
    ${found.remedies.length ? remedies(c, found.remedies, line, found.line, "try.label") : nothing}
    ${evidence(c, found.evidence, `${nameOf(c, line)}, ${found.cause}`)}
    <details><summary>${c.t("details")}</summary><div lang="en">${isEnglish ? nothing : html`<p>${found.explanation}</p>`}
      <ul>${found.evidence.filter((/** @type {any} */ one) => one.source).map((/** @type {any} */ one) => html`<li>${one.measure}: ${one.source}</li>`)}</ul>
      ${isEnglish ? nothing : html`<ul>${found.remedies.map((/** @type {any} */ each) => html`<li>${each.action}</li>`)}</ul>`}</div></details></details></article>`;
}

/** @param {Context} c @param {any[]} figures @param {string} name */
function evidence(c, figures, name) {
  /** @param {any} one */
  const measure = ({ named, measure: raw }) => {
    const told = c.t(`measure.${named.key}`, named.values);
    return told.startsWith("measure.") ? english(raw) : told;
  };
  /** @param {any} value */
  const figure = (value) => {
    if (typeof value === "number") return c.number(value);
    const told = c.t(`reference.${value}`);
    return told === `reference.${value}` ? english(value ?? "–") : told;
  };
  return html`<div class="wide" tabindex="0" role="region" aria-label=${`${c.t("evidence")}: ${name}`}><table><thead><tr><th scope="col">${c.t("measure")}</th><th scope="col">${c.t("value")}</th><th scope="col">${c.t("reference")}</th></tr></thead>
    <tbody>${figures.map((one) => html`<tr><td>${measure(one)}</td><td>${figure(one.value)}</td><td>${figure(one.reference)}</td></tr>`)}</tbody></table></div>`;
}

/** @param {Context} c @param {any} found @param {any} line */
function repair(c, found, line) {
  return html`<article class="finding"><h3>${nameOf(c, line)}: ${c.t("repair")}</h3><p class="soft">${c.t("repair.text")}</p>${remedies(c, found.remedies, line, found.line, "repair.label")}</article>`;
}

/** @param {Context} c @param {any[]} offers @param {any} line @param {number} at @param {string} word */
function remedies(c, offers, line, at, word) {
  return html`<ul class="remedies">${offers.map((each) => html`<li>
    ${each.values.length ? html`<p>${changeOf(c, each.values)}</p>` : each.change.startsWith("--repair") ? nothing : html`<p>${english(each.action)}</p>`}
    ${each.proof ? html`<p><strong>${c.t("proved")}</strong> ${metricOf(c, each.proof.metric)} ${c.number(each.proof.before)} → ${c.number(each.proof.after)}</p>` : nothing}
    ${each.command ? html`<div class="row"><button type="button" class="plain" @click=${() => c.act({ kind: "try", line: at, offer: each.number })}>${c.t(word)}</button>${taken(c, each, `${nameOf(c, line)}, ${each.change}`)}</div>` : nothing}
    ${each.hindrance ? html`<p class="soft">${c.t(`hindrance.${each.hindrance}`)}</p>` : nothing}</li>`)}</ul>`;
}

/** A remedy as it is used elsewhere. @param {Context} c @param {{command: string, code?: string}} of @param {string} name */
export function taken(c, { command, code }, name) {
  /** @param {string} key @param {string} text */
  const block = (key, text) => html`<p class="soft">${c.t(key)}</p><pre tabindex="0" role="region" aria-label=${`${name}: ${c.t(key)}`}>${text}</pre>
    <button type="button" class="plain" @click=${() => navigator.clipboard.writeText(text).then(() => say(c.t("copied")))}>${c.t("copy")}</button>`;
  return html`<details class="taken"><summary>${c.t("take")}</summary>${block("take.command", command)}${code ? block("take.code", code) : nothing}</details>`;
}
