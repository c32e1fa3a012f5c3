/** On the left: which points, which features, and how to draw or paste one's own. */
import { html, live, nothing } from "../../page/third_party/lit.js";
import { button, refused, select, slider, text } from "../../page/parts/controls.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const SETS = ["circles", "xor", "gaussians", "spirals", "moons", "clouds", "slope", "hills", "own", "given"];
export const FEATURES = ["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"];
const MOST_CLASSES = 6;
const MOST_POINTS = 400;

/** The class or the value of the next point. @param {Context} c */
export const nextAnswer = (c) => c.local.answer ?? 0;

/** @param {Context} c */
export function data(c) {
  const isDrawn = !["own", "given"].includes(c.settings.data);
  return html`<section class="data"><h2>${c.t("data")}</h2><div class="controls">
    ${select(c, { name: "data", options: SETS.filter((each) => each !== "given" || c.frame.values.given) })}
    ${isDrawn ? html`${slider(c, { name: "noise", min: 0, max: 0.5, step: 0.01 })}${slider(c, { name: "count", min: 20, max: 600, step: 20 })}` : nothing}
    ${slider(c, { name: "test_share", min: 10, max: 90, step: 5 })}</div>
    <p class="soft"><small>${sampled(c)}</small></p>${features(c)}${own(c)}</section>`;
}

/** How many points there are, where only some of them are drawn. @param {Context} c */
function sampled(c) {
  const [total, shown] = [c.frame.values.total, c.frame.arrays.x1.data.length].map((count) => new Intl.NumberFormat(c.language).format(count));
  return total === shown ? "" : c.t("sampled", { total, shown });
}

/** @param {Context} c */
function features(c) {
  if (c.isHidden("features")) return nothing;
  /** @param {string} name @param {boolean} isOn */
  const toggle = (name, isOn) => c.set({ features: FEATURES.filter((each) => (each === name ? isOn : c.settings.features.includes(each))) });
  return html`<fieldset data-tip=${`${c.t("features.label")}\n${c.t("features.help")}`}><legend>${c.t("features.label")}</legend><div class="kinds">
    ${FEATURES.map((name) => html`<label><input type="checkbox" id="feature-${name}" .checked=${live(c.settings.features.includes(name))}
      @change=${(/** @type {any} */ event) => toggle(name, event.target.checked)}>${c.t(`feature.${name}`)}</label>`)}</div>${refused(c, "features")}</fieldset>`;
}

/** @param {Context} c */
function own(c) {
  if (c.isHidden("draw")) return nothing;
  const isValue = c.frame.values.classes.length === 0;
  const kinds = isValue ? [-1, 0, 1] : Array.from({ length: MOST_CLASSES }, (_, at) => at);
  const count = c.frame.values.classes.length;
  return html`<details ?open=${c.settings.data === "own"}><summary>${c.t("draw")}</summary><p class="soft"><small>${c.t("draw.text")}</small></p>
    <div class="controls">
      <div class="control"><label for="control-next">${c.t(isValue ? "next.value" : "next.class")}</label>
        <select id="control-next" @change=${(/** @type {any} */ event) => { c.local.answer = Number(event.target.value); c.redraw(); }}>
        ${kinds.map((each) => html`<option value=${each} .selected=${live(each === nextAnswer(c))}>${isValue ? c.number(each) : className(c, each, count)}</option>`)}</select></div>
      <div class="row">${button(c, { name: "clear", press: () => c.act({ kind: "clear" }) })}</div>
      ${c.settings.data === "own" && !c.settings.points.length ? select(c, { name: "answer", options: ["classes", "values"] }) : nothing}
      ${text(c, { name: "paste", rows: 3, value: c.local.pasted ?? "", placeholder: "0.2,0.5,a\n-0.4,0.1,b",
        change: (value) => { c.local.pasted = value; if (value.trim()) c.act({ kind: "paste", text: value }); } })}
      <div class="row"><input id="file" type="file" hidden accept=".csv,.tsv,.txt,text/csv" @change=${(/** @type {any} */ event) => event.target.files[0] && opened(c, event.target.files[0])}>
        ${button(c, { name: "file", press: () => document.getElementById("file")?.click() })}</div>
    </div>${refused(c, "draw")}</details>`;
}

/** Read a file; of a long one only lines at random are sent. @param {Context} c @param {File} file */
async function opened(c, file) {
  const lines = (await file.text()).split(/\r?\n/).filter((line) => line.trim());
  const isHeader = /[^\s\d.,;+eE-]/.test((lines[0] ?? "").split(/[,;\t]/).slice(0, 2).join(""));
  const rows = isHeader ? lines.slice(1) : lines;
  Object.assign(/** @type {HTMLInputElement} */ (document.getElementById("file")), { value: "" }); // so that it can be opened again
  c.act({ kind: "paste", text: some(rows).join("\n"), rows: rows.length > MOST_POINTS ? rows.length : 0 });
}

/** At most as many as are kept, in their order, and of the same file always the same. @param {string[]} rows */
function some(rows) {
  let [state, left] = [1, Math.min(MOST_POINTS, rows.length)];
  return rows.filter((_, at) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator; its high bits are drawn by
    const isTaken = state / 2 ** 32 < left / (rows.length - at);
    left -= Number(isTaken);
    return isTaken;
  });
}

/** @param {Context} c @param {number} kind @param {number} [count] */
export function className(c, kind, count = c.frame.values.classes.length) {
  const { data: set } = c.settings;
  const key = `class.${set}.${kind}`;
  const named = c.t(key);
  if (named !== key) return named;
  if (set === "given") return c.frame.values.classes[kind] ?? "";
  if (set === "own" && c.settings.names[kind]) return c.settings.names[kind];
  return c.t(count > 2 || kind > 1 ? "class" : kind ? "class.blue" : "class.orange", { number: kind + 1 });
}
