/**
 * Controls of settings. Each finds its words under its own name in the exhibit's strings: `NAME.label`, `NAME.help`,
 * `NAME.unit` and, of a choice, `NAME.OPTION`. Each shows what the engine refused of it, and none where a teacher hides it.
 */
import { html, live, nothing } from "../third_party/lit.js";
import { settled } from "./settled.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */
/**
 * @typedef {object} Of
 * @property {string} name  the setting
 * @property {any} [value]  shown instead of the setting's
 * @property {(value: any) => void} [change]  called instead of setting it
 * @property {boolean} [disabled]
 */

/** A whole number or a fraction between two bounds. @param {Context} c @param {Of & {min: number, max: number, step?: number}} of */
export function slider(c, { min, max, step = 1, ...of }) {
  const value = of.value ?? c.settings[of.name];
  const input = html`<input
    id=${idOf(of)} type="range" min=${min} max=${max} step=${step} .value=${live(String(value))} ?disabled=${of.disabled}
    aria-describedby=${helpOf(c, of)} aria-valuetext=${`${c.number(value)}${unit(c, of)}`}
    @input=${(/** @type {any} */ event) => changed(c, of, Number(event.target.value))}>`;
  return control(c, of, html`<span class="sliding">${input}<output for=${idOf(of)}>${c.number(value)}${unit(c, of)}</output></span>`);
}

/** A number that is typed. @param {Context} c @param {Of & {min?: number, max?: number, step?: number | "any"}} of */
export function number(c, { min, max, step = "any", ...of }) {
  const value = of.value ?? c.settings[of.name];
  return control(c, of, html`<span><input
    id=${idOf(of)} type="number" min=${min ?? nothing} max=${max ?? nothing} step=${step} .value=${settled(String(value ?? ""), isRefused(c, of))}
    ?disabled=${of.disabled} aria-describedby=${helpOf(c, of)}
    @change=${(/** @type {any} */ event) => event.target.value !== "" && changed(c, of, Number(event.target.value))}>${unit(c, of)}</span>`);
}

/** One of several. @param {Context} c @param {Of & {options: readonly string[]}} of */
export function select(c, { options, ...of }) {
  const value = of.value ?? c.settings[of.name];
  return control(c, of, html`<select
    id=${idOf(of)} ?disabled=${of.disabled} aria-describedby=${helpOf(c, of)}
    @change=${(/** @type {any} */ event) => changed(c, of, event.target.value)}>
    ${options.map((option) => html`<option value=${option} .selected=${live(option === value)}>${c.t(`${of.name}.${option}`)}</option>`)}
  </select>`);
}

/** Yes or no. @param {Context} c @param {Of} of */
export function checkbox(c, of) {
  if (c.isHidden(of.name)) return nothing;
  return html`<div class="control check" data-tip=${helpText(c, of)}>
    <label><input id=${idOf(of)} type="checkbox" .checked=${live(Boolean(of.value ?? c.settings[of.name]))} ?disabled=${of.disabled}
      aria-describedby=${helpOf(c, of)} @change=${(/** @type {any} */ event) => changed(c, of, event.target.checked)}>
      ${c.t(`${of.name}.label`)}</label>${hidden(c, of)}${refused(c, of.name)}</div>`;
}

/** A text, in one line or in several. @param {Context} c @param {Of & {rows?: number, placeholder?: string}} of */
export function text(c, { rows = 1, placeholder = "", ...of }) {
  const value = String(of.value ?? c.settings[of.name] ?? "");
  /** @param {any} event */
  const take = (event) => changed(c, of, event.target.value);
  const shared = rows > 1
    ? html`<textarea id=${idOf(of)} rows=${rows} spellcheck="false" placeholder=${placeholder} .value=${settled(value, isRefused(c, of))}
        ?disabled=${of.disabled} aria-describedby=${helpOf(c, of)} @change=${take}></textarea>`
    : html`<input id=${idOf(of)} type="text" spellcheck="false" autocomplete="off" placeholder=${placeholder}
        .value=${settled(value, isRefused(c, of))} ?disabled=${of.disabled} aria-describedby=${helpOf(c, of)} @change=${take}>`;
  return control(c, of, shared);
}

/** A button that does one thing. @param {Context} c @param {{name: string, press: () => void, disabled?: boolean, pressed?: boolean}} of */
export function button(c, { name, press, disabled = false, pressed }) {
  if (c.isHidden(name)) return nothing;
  return html`<button type="button" class="plain" data-tip=${helpText(c, { name })} ?disabled=${disabled}
    aria-pressed=${pressed === undefined ? nothing : String(pressed)} @click=${press}>${c.t(`${name}.label`)}</button>${refused(c, name)}`;
}

/** What the engine refused of a control, in the reader's language where the exhibit has words for it. @param {Context} c @param {string} name */
export function refused(c, name) {
  const refusal = c.refusal(name);
  return refusal ? html`<p class="refused" role="alert">${refusalText(c, refusal)}</p>` : nothing;
}

/** The exhibit's own words; of an error of pellucid's, which are English, its kind before them in other languages. @param {Context} c @param {import("../shell/exhibit.js").Refusal} refusal */
export function refusalText(c, refusal) {
  const key = `refusal.${refusal.key}`;
  const told = refusal.key ? c.t(key, refusal.values) : key;
  if (told !== key) return told;
  const { kind, message, expected, advice } = refusal;
  const words = [message, expected && `expected: ${expected}`, advice].filter(Boolean).join(". ");
  return c.language === "en" ? words : html`${c.t(`refusal.of.${kind}`)}<br><span lang="en">${words}</span>`;
}

/** @param {Context} c @param {Of} of @param {unknown} inner */
function control(c, of, inner) {
  if (c.isHidden(of.name)) return nothing;
  return html`<div class="control" data-tip=${helpText(c, of)}>
    <label for=${idOf(of)}>${c.t(`${of.name}.label`)}</label>${inner}${hidden(c, of)}${refused(c, of.name)}</div>`;
}

/** @param {Context} c @param {Of} of @param {any} value */
function changed(c, of, value) {
  if (of.change) of.change(value);
  else c.set({ [of.name]: value });
}

/** @param {Context} c @param {{name: string}} of */
const isRefused = (c, of) => Boolean(c.refusal(of.name));
/** @param {{name: string}} of */
const idOf = (of) => `control-${of.name}`;
/** @param {Context} c @param {{name: string}} of */
const helpText = (c, of) => {
  const key = `${of.name}.help`;
  const help = c.t(key);
  return help === key ? "" : `${c.t(`${of.name}.label`)}\n${help}`;
};
/** @param {Context} c @param {{name: string}} of */
const helpOf = (c, of) => (helpText(c, of) ? `${idOf(of)}-help` : nothing);
/** @param {Context} c @param {{name: string}} of */
const hidden = (c, of) => (helpText(c, of) ? html`<span hidden id="${idOf(of)}-help">${c.t(`${of.name}.help`)}</span>` : nothing);
/** @param {Context} c @param {{name: string}} of */
const unit = (c, of) => {
  const key = `${of.name}.unit`;
  const told = c.t(key);
  return told === key ? "" : ` ${told}`;
};
