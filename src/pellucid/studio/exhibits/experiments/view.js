/** The claims by topic, the one that is looked at, and what came out when it was measured here. */
import { html, nothing } from "../../page/third_party/lit.js";
import { button, number, refused, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";
import { tip } from "../../page/parts/tip.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {{title: string, detail: string, says: string, svg?: string, tiles?: {src: string, caption: string}[], columns?: number}} Drawn */

const EVERY = 300; // milliseconds between two questions whether a measurement is done
/** @type {Record<string, string>} */
const MARKS = { holds: "good", "holds in part": "fair", undecided: "fair", "does not hold": "bad" };
/** @type {Record<string, string>} */
const CHECKS = { true: "good", null: "fair", false: "bad" };

/** The reader's words for a claim. @param {Context} c @param {string} name */
const titleOf = (c, name) => c.t(`title.${name}`);

/** @param {Context} c */
function list(c) {
  const { topics, claims, verdicts } = c.frame.values;
  const { topic, name } = c.settings;
  const shown = topic === "all" ? topics : [topic];
  /** @param {any} each */
  const entry = (each) => html`<li><button type="button" aria-pressed=${String(each.name === name)} data-tip=${tip(titleOf(c, each.name), c.t("about", { seconds: each.seconds }))}
    @click=${() => c.set({ name: each.name })}><span>${titleOf(c, each.name)}</span>
    <span class="end">${verdicts[each.name] ? html`<span class="mark ${MARKS[verdicts[each.name]]}">${c.t(`verdict.${verdicts[each.name]}`)}</span>` : html`<small class="soft">${each.seconds} s</small>`}</span></button></li>`;
  return html`<section><h2>${c.t("list")}</h2><div class="controls">${select(c, { name: "topic", options: ["all", ...topics] })}</div>
    <div class="claims" tabindex="0" role="region" aria-label=${c.t("list")}>${shown.map((/** @type {string} */ each) => html`<h3>${c.t(`topic.${each}`)}</h3>
      <ul class="claims-of">${claims.filter((/** @type {any} */ claim) => claim.topic === each).map(entry)}</ul>`)}</div></section>`;
}

/** @param {Context} c */
function claim(c) {
  const { method, sources } = c.frame.values;
  return html`<section><h2>${titleOf(c, c.settings.name)}</h2>
    ${c.t("original") ? html`<p class="soft"><small>${c.t("original")}</small></p>` : nothing}
    <h3>${c.t("claim")}</h3><p>${c.t(`claim.${c.settings.name}`)}</p>
    <h3>${c.t("method")}</h3><p lang="en">${method}</p>
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
    <p class="row"><span>${told}</span>${button(c, { name: "stop", press: () => c.act({ kind: "stop" }) })}</p>${refused(c, "look")}</div>`;
}

/** @param {Context} c */
function outcome(c) {
  const found = c.frame.values.outcome;
  if (!found) return html`<section><h2>${c.t("outcome")}</h2>${measure(c)}<p class="soft">${c.t("unmeasured")}</p></section>`;
  const held = found.checks.filter((/** @type {any} */ check) => check.holds).length;
  const told = c.t("told", {
    verdict: c.t(`verdict.${found.verdict}`), held, of: found.checks.length, seeds: found.seeds.length, seconds: c.number(found.seconds, 2),
  });
  return html`<section><h2>${c.t("outcome")}</h2>${measure(c)}<p class="mark ${MARKS[found.verdict]}" id="verdict">${told}</p>
    <ul class="checks">${found.checks.map((/** @type {any} */ check) => html`<li><p><span class="mark ${CHECKS[String(check.holds)]}">${c.t(`check.${check.holds}`)}</span>
      · <span lang="en">${check.statement}.</span></p><p class="soft" lang="en">${check.evidence}</p></li>`)}</ul>
    ${found.notes.map((/** @type {string} */ note) => html`<p class="soft" lang="en">${note}</p>`)}</section>`;
}

/** @param {Context} c */
function figures(c) {
  const found = c.frame.values.outcome;
  if (!found) return nothing;
  return html`<div class="beside">${found.figures.map((/** @type {Drawn} */ each, /** @type {number} */ at) => drawn(c, each, `${c.settings.name}-${at + 1}`))}
    ${found.quantities.length ? quantities(c, found.quantities) : nothing}</div>`;
}

/** @param {Context} c @param {Drawn} described @param {string} name */
function drawn(c, { title, detail, says, svg, tiles = [] }, name) {
  if (svg === undefined) {
    const pictures = tiles.filter((each) => each.src.startsWith("data:image/png;base64,"));
    return html`<figure lang="en"><figcaption><strong>${title}</strong> <span>${detail}</span></figcaption>
      <ul class="tiles">${pictures.map((each) => html`<li><img src=${each.src} alt="">${each.caption}</li>`)}</ul><p class="unseen">${says}</p></figure>`;
  }
  // as a picture and not as markup: nothing in it can become part of the page
  const body = html`<img class="drawing" lang="en" alt=${says} src=${pictureOf(c, svg)} .toSvg=${() => svg}>`;
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

/** @param {Context} c @param {{name: string, written: [string, string]}[]} rows */
function quantities(c, rows) {
  return html`<section><h2>${c.t("figures")}</h2><div class="wide" tabindex="0" role="region" aria-label=${c.t("figures")}><table class="figures">
    <thead><tr><th scope="col">${c.t("figures.what")}</th><th scope="col">${c.t("figures.mean")}</th><th scope="col">${c.t("figures.interval")}</th></tr></thead>
    <tbody>${rows.map(({ name, written: [mean, interval] }) => html`<tr><td lang="en">${name}</td><td>${mean}</td><td>${interval}</td></tr>`)}</tbody></table></div></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["pytorch"],
  mount: (c) => {
    const asking = setInterval(() => c.local.running && c.act({ kind: "look" }), EVERY);
    return () => {
      clearInterval(asking);
      for (const address of c.local.pictures?.values() ?? []) URL.revokeObjectURL(address);
    };
  },
  status: (c) => c.t("status.idle", { count: Object.keys(c.frame.values.verdicts).length, all: c.frame.values.claims.length }),
  render: (c) => {
    c.local.running = Boolean(c.frame.values.running);
    return html`<link rel="stylesheet" href="/exhibits/experiments/style.css">
      <div class="flow">${list(c)}${claim(c)}${outcome(c)}</div>${figures(c)}`;
  },
};
