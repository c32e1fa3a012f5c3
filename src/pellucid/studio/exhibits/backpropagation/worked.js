/** One stop written out: the rule, this layer's formula, the numbers, what it is held against, and a question before it. */
import { html, nothing } from "../../page/third_party/lit.js";
import { refused } from "../../page/parts/controls.js";
import { tex } from "../../page/parts/formula.js";
import { matrix } from "../../page/parts/matrix.js";
import { settled } from "../../page/parts/settled.js";
import { tip } from "../../page/parts/tip.js";
import { kindOf } from "./graph.js";
import { indexOf, nameOf, now, stopOf } from "./marks.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {import("./marks.js").Stop} Stop */

const [MOST, FIRST] = [6, 4];
/** A range so wide that values have no colour: colour is for gradients. @type {[number, number]} */
export const PLAIN = [-1e12, 1e12];

/** What a stop is called. @param {Context} c @param {Stop} stop */
export function titleOf(c, stop) {
  if (stop.phase === "loss") return "E";
  if (stop.phase === "after") return "E′";
  const name = c.frame.values.tensors[indexOf(c, stop.tensor)].plain;
  if (stop.phase === "forward") return name;
  return stop.phase === "update" ? `${name}′` : `∂E/∂${name}`;
}

/** Through what, or of what kind, in words. @param {Context} c @param {Stop} stop */
export function wayOf(c, stop) {
  const step = c.frame.values.steps.find((/** @type {any} */ each) => each.name === stop.step);
  if (stop.phase === "backward" && stop.is_part) return c.t("stop.through", { name: c.frame.values.tensors[step.output].plain });
  if (stop.phase === "begin" && stop.is_part) return c.t("stop.through", { name: "E" });
  if (step) return kindOf(c, step.kind);
  return stop.phase === "sum" ? c.t("stop.sum") : "";
}

/** A formula with its words in the reader's language. @param {Context} c @param {string} latex */
function inWords(c, latex) {
  return latex.replace(/\\text\{([^}]*)\}/g, (whole, words) => {
    const word = c.t(`tex.${words.trim()}`);
    return word.startsWith("tex.") ? whole : `\\text{${words.startsWith(" ") ? " " : ""}${word}${words.endsWith(" ") ? " " : ""}}`;
  });
}

/** A sum, shortened where it is long and not opened. @param {Context} c @param {string[]} terms */
function sum(c, terms) {
  const all = c.local.isOpen || terms.length <= MOST;
  const shown = all ? terms : [...terms.slice(0, FIRST), "\\dots", terms[terms.length - 1]];
  return shown.map((term, i) => (i && term.startsWith("-") ? `\\left(${term}\\right)` : term)).join(" + ");
}

/** @param {Context} c @param {{left: string, parts: string[][]}[]} lines */
function aligned(c, lines) {
  const rows = lines.map(({ left, parts }) => {
    const sums = parts.map((terms) => sum(c, terms));
    return `${left} &= ${sums.filter((each, i) => i === 0 || each !== sums[i - 1]).join(" = ")}`;
  });
  return `\\begin{aligned} ${rows.join(" \\\\ ")} \\end{aligned}`;
}

/** @param {Context} c @param {string} name @param {string[]} formulas */
function rows(c, name, formulas) {
  const wanted = formulas.filter(Boolean);
  if (!wanted.length) return nothing;
  return html`<dt>${c.t(`worked.${name}`)}</dt><dd><div class="wide" tabindex="0" role="region" aria-label=${c.t(`worked.${name}`)}>
    ${wanted.map((formula) => html`<div ${tex(inWords(c, formula), true)}></div>`)}</div></dd>`;
}

/** @param {Context} c */
export function worked(c) {
  const stop = stopOf(c);
  const { worked: w, stops } = c.frame.values;
  const longest = Math.max(0, ...[...w.symbols, ...w.numbers].flatMap((line) => line.parts.map((/** @type {string[]} */ terms) => terms.length)));
  return html`<section class="panel bp-worked" aria-live="polite"><h2><span>${c.t(`phase.${stop.phase}`)}: ${titleOf(c, stop)}</span> <small class="soft">${wayOf(c, stop)} · ${c.t("stop.of", { at: c.frame.values.at + 1, count: stops.length })}</small></h2>
    <p>${explained(c, stop)}</p>
    <dl>${rows(c, "general", w.general)}${rows(c, "layer", w.layer)}${rows(c, "matrix", [w.matrix])}
      ${rows(c, "element", w.symbols.length || w.numbers.length ? [...(w.symbols.length ? [aligned(c, w.symbols)] : []), ...(w.numbers.length ? [aligned(c, w.numbers)] : [])] : [])}</dl>
    ${longest > MOST ? html`<button type="button" class="plain" id="open-sum" aria-pressed=${String(Boolean(c.local.isOpen))} @click=${() => { c.local.isOpen = !c.local.isOpen; c.redraw(); }}>${c.t(c.local.isOpen ? "sum.close" : "sum.open", { count: longest })}</button>` : nothing}
    ${question(c, stop)}${result(c, stop)}${check(c)}
    ${["begin", "backward", "sum", "update"].includes(stop.phase) ? html`<p class="soft"><small>${c.t("notation")}</small></p>` : nothing}</section>`;
}

/** What happens here, in a sentence. @param {Context} c @param {Stop} stop */
function explained(c, stop) {
  const { tensors, steps, losses, next_loss: after, stops } = c.frame.values;
  const tensor = indexOf(c, stop.tensor);
  const x = tensor < 0 ? "E" : tensors[tensor].plain;
  const step = steps.find((/** @type {any} */ each) => each.name === stop.step);
  const y = step ? tensors[step.output].plain : "";
  const values = { x, y, before: c.number(losses[losses.length - 1], c.settings.digits), after: c.number(after, c.settings.digits) };
  if (stop.phase !== "backward") return c.t(stop.phase === "after" && !(after < losses[losses.length - 1]) ? "explained.worse" : `explained.${stop.phase}`, values);
  if (stop.is_part) return c.t("explained.part", { ...values, count: stops.filter((/** @type {Stop} */ each) => each.tensor === stop.tensor && ["begin", "backward"].includes(each.phase)).length });
  const isLearned = tensors[tensor].role === "parameter";
  const kind = isLearned ? (tensors[tensor].shape.length < 2 ? "bias" : "parameter") : step.operands.length === 1 ? "function" : "value";
  return c.t(`explained.${kind}`, values);
}

/** The tensor of this stop, whose numbers can be chosen. @param {Context} c @param {Stop} stop */
function result(c, stop) {
  const { data, shape } = c.frame.arrays.result;
  if (data.length < 2) return nothing;
  const columns = shape[shape.length - 1];
  const { element } = c.frame.values;
  const title = titleOf(c, stop);
  const { tensor } = now(c);
  return html`<dl><dt>${c.t("result", { name: title })}</dt><dd>${matrix(c, {
    name: "result", label: title, values: data, rows: data.length / columns, columns, digits: 3,
    ...(["forward", "update"].includes(stop.phase) ? { range: PLAIN } : {}),
    current: [Math.floor(element / columns), element % columns],
    classes: (row, column) => (row * columns + column === element ? "current" : ""),
    describe: (row, column, value) => tip(`${stop.phase === "forward" ? "" : stop.phase === "update" ? "" : "∂E/∂"}${nameOf(c, tensor, row * columns + column)}${stop.phase === "update" ? "′" : ""}`, c.frame.values.hidden ? "?" : c.number(value, c.settings.digits), c.t("result.help")),
    pick: (row, column) => { const at = row * columns + column; if (at !== element && !c.frame.playing) c.set({ element: at }); },
  })}</dd></dl>`;
}

/** What the gradient is held against. @param {Context} c */
function check(c) {
  const { check: found, truth } = c.frame.values;
  if (!found) return nothing;
  const { differences, autograd } = found;
  const isGood = differences && ["correct", "probably fine"].includes(differences.verdict);
  return html`<div class="check"><strong>${c.t("check")}</strong>
    ${differences ? html`<p>${c.t("check.differences", { slope: c.number(differences.slope, Math.max(6, c.settings.digits)), truth: c.number(truth, Math.max(6, c.settings.digits)), count: differences.checked, error: c.number(differences.error, 2) })}
      <span class=${isGood ? "good" : "bad"}>${isGood ? "✓" : "✗"} ${c.t(`verdict.${differences.verdict}`)}</span>${differences.kinks ? html` ${c.t("check.kinks", { count: differences.kinks })}` : nothing}</p>` : nothing}
    ${autograd === null || autograd === undefined ? nothing : html`<p class="soft">${c.t("check.autograd", { apart: c.number(autograd, 2) })}</p>`}</div>`;
}

/** The reader says first what it will be. @param {Context} c @param {Stop} stop */
function question(c, stop) {
  if (!c.settings.ask || ["loss", "after"].includes(stop.phase)) return nothing;
  const { hidden, verdict, truth, place } = c.frame.values;
  const name = `${titleOf(c, stop)}${place.length && c.frame.arrays.result.data.length > 1 ? `[${place.map((/** @type {number} */ each) => each + 1).join(",")}]` : ""}`;
  /** @param {any} event */
  const answer = (event) => {
    event.preventDefault();
    const text = event.target.elements.answer.value.trim().replace("−", "-").replace(",", ".");
    if (text !== "" && Number.isFinite(Number(text))) c.set({ answer: Number(text) });
  };
  return html`<form class="bp-ask" @submit=${answer}><p>${c.t("ask.what", { name })}</p>
    <label><span class="unseen">${c.t("ask.answer")}</span><input id="answer" name="answer" inputmode="decimal" autocomplete="off" .value=${settled(c.settings.answer === null ? "" : String(c.settings.answer))}></label>
    <button class="plain">${c.t("ask.submit")}</button>
    ${hidden ? nothing : html`<p role="status"><strong class=${verdict === "right" ? "good" : ""}>${c.t(`ask.${verdict}`)}</strong> ${c.t("ask.truth", { name, value: c.number(truth, c.settings.digits) })}</p>`}${refused(c, "answer")}</form>`;
}
