/** The claims by topic, the one that is looked at, and what came out when it was measured here. */
import { html, nothing } from "../../page/third_party/lit.js";
import { button, number, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { tip } from "../../page/parts/tip.js";
import { evidence, labelled, said } from "./words.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {{title: string, detail: string, says: string, svg?: string, tiles?: {src: string, caption: string}[], columns?: number}} Drawn */

/** @type {Record<string, string>} */
const MARKS = { holds: "good", "holds in part": "fair", undecided: "fair", "does not hold": "bad" };
/** @type {Record<string, string>} */
const CHECKS = { true: "good", null: "fair", false: "bad" };

/** The reader's words for a claim. @param {Context} c @param {string} name */
const titleOf = (c, name) => c.t(`title.${name}`);

/** @param {Context} c */
function list(c) {
  const { topics, claims, verdicts, recorded_verdicts: recorded } = c.frame.values;
  const { topic, name } = c.settings;
  const shown = topic === "all" ? topics : [topic];
  /** @param {any} each */
  const entry = (each) => html`<li><button type="button" aria-pressed=${String(each.name === name)} data-tip=${tip(titleOf(c, each.name), c.t("about", { seconds: each.seconds }))}
    @click=${() => c.set({ name: each.name })}><span>${titleOf(c, each.name)}</span>
    <span class="end">${verdicts[each.name] ? html`<span class="mark ${MARKS[verdicts[each.name]]}">${c.t(`verdict.${verdicts[each.name]}`)}</span>` : recorded[each.name] ? html`<small class="mark ${MARKS[recorded[each.name]]}">${c.t(`verdict.${recorded[each.name]}`)}</small>` : nothing}</span></button></li>`;
  return html`<section><h2>${c.t("list")}</h2><div class="controls">${select(c, { name: "topic", options: ["all", ...topics] })}</div>
    <div class="claims" tabindex="0" role="region" aria-label=${c.t("list")}>${shown.map((/** @type {string} */ each) => html`<h3>${c.t(`topic.${each}`)}</h3>
      <ul class="claims-of">${claims.filter((/** @type {any} */ claim) => claim.topic === each).map(entry)}</ul>`)}</div></section>`;
}

/** @param {Context} c */
function claim(c) {
  const { method, sources } = c.frame.values;
  return html`<section><h2>${titleOf(c, c.settings.name)}</h2>
    <h3>${c.t("claim")}</h3><p>${c.t(`claim.${c.settings.name}`)}</p>
    <h3>${c.t("method")}</h3><p>${said(c, method)}</p>
    <h3>${c.t("says")}</h3><ul class="plain-list soft" lang="en">${sources.map((/** @type {string} */ each) => html`<li>${each}</li>`)}</ul></section>`;
}

/** @param {Context} c */
function measure(c) {
  const { seconds, running } = c.frame.values;
  return html`<div class="controls">${slider(c, { name: "seeds", min: 5, max: 20 })}${number(c, { name: "seed", min: 0, step: 1 })}</div>
    <p class="row" data-refusals="run">${button(c, { name: "run", press: () => c.act({ kind: "run" }), disabled: Boolean(running) })}<span class="soft">${c.t("about", { seconds: c.number(seconds, 3) })}</span></p>
    ${running ? measuring(c) : nothing}`;
}

/** @param {Context} c */
function measuring(c) {
  const { name, elapsed, expected, starting } = c.frame.values.running;
  const told = c.t(starting ? "starting" : "running", { title: titleOf(c, name), elapsed: Math.floor(elapsed), expected: c.number(expected, 3) });
  return html`<div class="measuring"><progress aria-label=${c.t("progress")} max=${expected} .value=${Math.min(elapsed, expected)}></progress>
    <p class="row"><span>${told}</span>${button(c, { name: "stop", press: () => c.act({ kind: "stop" }) })}</p></div>`;
}

/** @param {Context} c */
function outcome(c) {
  const { outcome: found, recorded, failure } = c.frame.values;
  return html`<section><h2>${c.t("outcome")}</h2>
    ${recorded ? html`<p class="mark ${MARKS[recorded.verdict]}" id="recorded">${verdictOf(c, "recorded.told", recorded)}</p><p class="soft"><small>${c.t("recorded.when", { ...recorded, ...recorded.versions })}</small></p>` : nothing}
    ${measure(c)}
    ${failure ? html`<p class="failure" role="alert">${c.t("failure", { title: titleOf(c, failure.name) })} <code lang="en">${failure.reason}</code></p>` : nothing}
    ${found ? html`<p class="mark ${MARKS[found.verdict]}" id="verdict">${verdictOf(c, "told", found)}</p>` : html`<p class="soft">${c.t("unmeasured")}</p>`}
    ${found && recorded ? html`<p>${c.t(found.verdict === recorded.verdict ? "agrees" : "differs")}</p>` : nothing}
    ${statements(c, found, recorded)}</section>`;
}

/** @param {Context} c @param {string} key @param {any} found */
function verdictOf(c, key, found) {
  const held = found.checks.filter((/** @type {any} */ check) => check.holds).length;
  return c.t(key, { verdict: c.t(`verdict.${found.verdict}`), held, of: found.checks.length, seeds: found.seeds.length, seconds: c.number(found.seconds, 2) });
}

/** Each statement with what was recorded of it, and beside that what was measured here. @param {Context} c @param {any} found @param {any} recorded */
function statements(c, found, recorded) {
  const all = (found ?? recorded)?.checks.map((/** @type {any} */ check) => check.statement) ?? [];
  /** @param {any} side @param {string} statement @param {string} key */
  const told = (side, statement, key) => {
    const check = side?.checks.find((/** @type {any} */ each) => each.statement === statement);
    return check ? html`<p><span class="soft">${c.t(key)}</span> <span class="mark ${CHECKS[String(check.holds)]}">${c.t(`check.${check.holds}`)}</span> · <span class="soft">${evidence(c, check.evidence)}</span></p>` : nothing;
  };
  return html`<ul class="checks">${all.map((/** @type {string} */ statement) => html`<li><p>${said(c, statement)}${c.language === "zh" ? "。" : "."}</p>${told(recorded, statement, "recorded")}${told(found, statement, "here")}</li>`)}</ul>
    ${(found ?? recorded)?.notes.map((/** @type {string} */ note) => html`<p class="soft">${said(c, note)}</p>`)}`;
}

/** @param {Context} c */
function figures(c) {
  const { outcome: found, recorded } = c.frame.values;
  const name = c.settings.name;
  return html`<div class="beside">
    ${recorded?.figures.map((/** @type {Drawn} */ each) => drawn(c, { ...each, title: c.t("figure.recorded", recorded) }, `${name}-recorded`))}
    ${found?.figures.map((/** @type {Drawn} */ each, /** @type {number} */ at) => drawn(c, each, `${name}-${at + 1}`))}
    ${quantities(c, found, recorded)}</div>`;
}

/** @param {Context} c @param {Drawn} described @param {string} name */
function drawn(c, { title, detail, says, svg, tiles = [] }, name) {
  if (svg === undefined) {
    const pictures = tiles.filter((each) => each.src.startsWith("data:image/png;base64,"));
    return html`<figure lang="en"><figcaption><strong>${title}</strong> <span>${detail}</span></figcaption>
      <ul class="tiles">${pictures.map((each) => html`<li><img src=${each.src} alt="">${each.caption}</li>`)}</ul><p class="unseen">${says}</p></figure>`;
  }
  const drawing = labelled(c, svg);
  // as a picture and not as markup: nothing in it can become part of the page
  const body = html`<img class="drawing" lang="en" alt=${says} src=${pictureOf(c, drawing)} .toSvg=${() => drawing}>`;
  return figure(c, { name, title, caption: html`<span lang="en">${detail}</span>`, body });
}

/** The address of a drawing in the page's theme, made once. @param {Context} c @param {string} svg */
function pictureOf(c, svg) {
  /** @type {Map<string, string>} */
  const kept = (c.local.pictures ??= new Map());
  const themed = svg.replace("@media (prefers-color-scheme: dark)", c.dark ? "@media all" : "@media not all");
  let address = kept.get(themed);
  if (!address) {
    address = URL.createObjectURL(new Blob([themed], { type: "image/svg+xml" }));
    kept.set(themed, address);
  }
  return address;
}

/** Each quantity as it was recorded, and as it was measured here. @param {Context} c @param {any} found @param {any} recorded */
function quantities(c, found, recorded) {
  const rows = (found ?? recorded)?.quantities ?? [];
  if (!rows.length) return nothing;
  const sides = [recorded && ["recorded", recorded], found && ["here", found]].filter(Boolean);
  /** @param {any} side @param {string} name */
  const cells = (side, name) => {
    const [mean, interval] = side.quantities.find((/** @type {any} */ each) => each.name === name)?.written ?? ["–", ""];
    return html`<td>${mean}</td><td>${evidence(c, interval)}</td>`;
  };
  return html`<section><h2>${c.t("figures")}</h2><div class="wide" tabindex="0" role="region" aria-label=${c.t("figures")}><table class="figures">
    <thead><tr><th scope="col">${c.t("figures.what")}</th>${sides.map(([key]) => html`<th scope="col">${c.t(key)} ${c.t("figures.mean")}</th><th scope="col">${c.t("figures.interval")}</th>`)}</tr></thead>
    <tbody>${rows.map((/** @type {any} */ row) => html`<tr><td>${said(c, row.name)}</td>${sides.map(([, side]) => cells(side, row.name))}</tr>`)}</tbody></table></div></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["pytorch"],
  mount: (c) => () => {
    for (const address of c.local.pictures?.values() ?? []) URL.revokeObjectURL(address);
  },
  status: (c) => c.t("status.idle", { count: Object.keys(c.frame.values.verdicts).length, all: c.frame.values.claims.length }),
  render: (c) => html`<link rel="stylesheet" href="/exhibits/experiments/style.css">
    <div class="flow">${list(c)}${claim(c)}${outcome(c)}</div>${figures(c)}`,
};
