/** The shell as it is drawn: header, the exhibit in its frame, footer, dialogs. */
import { html, nothing } from "../third_party/lit.js";
import { refusalText } from "../parts/controls.js";
import { help, share, sources, stranger } from "./dialogs.js";
import { NAMES, TAGS } from "./language.js";
import { transport } from "./transport.js";

/** @typedef {import("./exhibit.js").Context} Context */
/** @typedef {import("./language.js").Strings} Strings */
/**
 * All that the page knows.
 *
 * @typedef {object} Store
 * @property {import("./address.js").Address} address
 * @property {{name: string, titles: Record<string, string>}[]} exhibits
 * @property {Record<string, string>} versions
 * @property {Strings} words  the shell's
 * @property {Strings} own  the exhibit's
 * @property {import("./exhibit.js").View | undefined} view
 * @property {import("./exhibit.js").Frame | undefined} frame
 * @property {Record<string, any> | undefined} settings
 * @property {Record<string, any>} local
 * @property {Record<string, string>} identity
 * @property {boolean} plays
 * @property {boolean} slow
 * @property {boolean} shortcuts
 * @property {boolean} hasFailed
 * @property {boolean} isLost  the connection was, and has not come back
 * @property {import("./exhibit.js").Refusal | undefined} refusal
 * @property {"connecting" | "connected" | "waiting" | "refused"} state
 * @property {Record<string, string>} sources
 * @property {string} notice
 * @property {number[]} painted  when, of the last two seconds
 *
 * @typedef {object} Deeds
 * @property {(change: Partial<import("./address.js").Address>) => void} turn
 * @property {(exhibit: string) => void} go
 * @property {(dialog: string) => void} open
 * @property {(todo: "play" | "pause" | "step" | "reset") => void} drive
 * @property {(slow: boolean) => void} pace
 * @property {() => void} showSources
 * @property {() => string} link
 * @property {() => string} file
 * @property {(text: string) => boolean} take
 * @property {(on: boolean) => void} useShortcuts
 * @property {() => void} dismiss
 * @property {(token: string) => void} enter
 *
 * @typedef {object} Means
 * @property {(key: string, values?: Record<string, any>) => string} t
 * @property {"en" | "zh"} language
 * @property {Context | undefined} context  once there is a frame
 * @property {Deeds} do
 */

/** @param {Store} store @param {Means} means */
export function layout(store, means) {
  return html`
    <a class="skip" href="#main" @click=${(/** @type {Event} */ event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>${means.t("skip")}</a>
    ${header(store, means)}
    <main id="main" tabindex="-1">${content(store, means)}<div id="tip" role="tooltip" hidden></div></main>
    ${footer(store, means)}
    ${dialogs(store, means)}`;
}

/** @param {Store} store @param {Means} means */
function header(store, { t, language, do: { go, turn, open } }) {
  return html`<header>
    <strong class="brand"><img src="/page/icon.svg" alt="" width="22" height="22">pellucid <span>studio</span></strong>
    <nav aria-label=${t("exhibits")}><ul>${store.exhibits.map((each) => html`<li><button type="button" class="link"
      aria-current=${each.name === store.address.exhibit ? "page" : nothing} @click=${() => go(each.name)}>${each.titles[language]}</button></li>`)}</ul></nav>
    <div class="choices">
      <label><span class="unseen">${t("language")}</span><select id="language" @change=${(/** @type {any} */ event) => turn({ lang: event.target.value })}>
        ${Object.entries(NAMES).map(([tag, name]) => html`<option value=${tag} lang=${TAGS[/** @type {"en"} */ (tag)]} ?selected=${tag === language}>${name}</option>`)}</select></label>
      <label><span class="unseen">${t("theme")}</span><select id="theme" @change=${(/** @type {any} */ event) => turn({ theme: event.target.value || undefined })}>
        ${["", "light", "dark"].map((name) => html`<option value=${name} ?selected=${name === (store.address.theme ?? "")}>${t(`theme.${name || "system"}`)}</option>`)}</select></label>
      <button type="button" class="plain" id="help" aria-haspopup="dialog" data-tip=${`${t("help")}\n?`} @click=${() => open("help-dialog")}>${t("help")}</button>
    </div></header>`;
}

/** @param {Store} store @param {Means} means */
function content(store, { t, context: c, do: { enter, drive, pace, showSources, open, dismiss } }) {
  if (store.state === "refused") return stranger(t, enter);
  const failed = store.hasFailed ? html`<div class="notice bad" role="alert">${t("failed")}</div>` : nothing;
  if (!c || !store.view || !store.settings) return html`<h1>${t("title")}</h1>${failed}<p class="soft">${t("loading")}</p>`;
  return html`
    <div class="opening"><div><h1>${t("title")}</h1><p class="lead">${t("lead")}</p></div></div>
    <div class="bar">
      ${store.plays ? transport(c, { slow: store.slow, drive, pace }) : nothing}
      <div class="status">${store.view.status?.(c) ?? nothing}</div>
      <div class="sharing">
        ${store.view.sources?.length ? html`<button type="button" class="plain" aria-haspopup="dialog" @click=${showSources}>${t("sources")}</button>` : nothing}
        <button type="button" class="plain" aria-haspopup="dialog" @click=${() => open("share-dialog")}>${t("share")}</button>
      </div>
    </div>
    ${failed}${store.isLost ? html`<div class="notice">${t("no-answer")}</div>` : nothing}${notices(store, c, dismiss)}
    <div class="exhibit">${store.view.render(c)}</div>`;
}

/** What was refused and has no control of its own on the page, and what a shared state does not match. @param {Store} store @param {Context} c @param {() => void} dismiss */
function notices({ refusal, notice }, c, dismiss) {
  const isLoose = refusal && !document.getElementById(`control-${refusal.control}`) && !document.querySelector(`[data-refusals~="${CSS.escape(refusal.control)}"]`);
  return html`${isLoose ? html`<div class="notice bad" role="alert">${refusalText(c, refusal)}</div>` : nothing}
    ${notice ? html`<div class="notice">${notice} <button type="button" class="link" @click=${dismiss}>${c.t("close")}</button></div>` : nothing}`;
}

/** @param {Store} store @param {Means} means */
function footer(store, { t }) {
  const second = store.painted.filter((at) => at > performance.now() - 1000).length;
  const rate = store.frame?.playing && second > 1 ? ` · ${t("rate", { count: second })}` : "";
  return html`<footer><span class="dot ${store.state}"></span><span role="status">${t(`state.${store.state}`)}</span><span>${rate}</span>
    <span class="versions">pellucid ${store.versions.pellucid ?? ""} · torch ${store.versions.torch ?? ""}</span></footer>`;
}

/** @param {Store} store @param {Means} means */
function dialogs(store, { t, do: { useShortcuts, link, file, take } }) {
  return html`${help(t, store.shortcuts, useShortcuts)}
    ${share(t, { link, file, name: store.address.exhibit ?? "", take })}
    ${sources(t, store.view?.sources ?? [], store.sources)}`;
}
