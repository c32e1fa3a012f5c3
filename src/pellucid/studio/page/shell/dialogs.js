/** Help, sharing, the exhibit written otherwise, and what a page without the right token shows. */
import { html, live } from "../third_party/lit.js";
import { say } from "../parts/tip.js";
import { download } from "../parts/figure.js";

/** @typedef {(key: string, values?: Record<string, any>) => string} Say */

/** @param {string} id @param {Say} t @param {string} title @param {unknown} inner */
function dialog(id, t, title, inner) {
  return html`<dialog id=${id} aria-labelledby="${id}-title"><form method="dialog">
    <h2 id="${id}-title">${title}</h2><button class="plain">${t("close")}</button></form>${inner}</dialog>`;
}

/** @param {Say} t @param {boolean} on @param {(on: boolean) => void} turn */
export function help(t, on, turn) {
  const keys = [[t("space"), "play"], ["s", "step"], ["w", "slow"], ["r", "reset"], ["?", "help"]];
  return dialog("help-dialog", t, t("help"), html`
    <p>${t("help.text")}</p>
    <table><caption>${t("keys")}</caption><tbody>${keys.map(([key, name]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${t(name)}</td></tr>`)}</tbody></table>
    <label><input type="checkbox" .checked=${live(on)} @change=${(/** @type {any} */ event) => turn(event.target.checked)}> ${t("keys.on")}</label>
    <h3>${t("colours")}</h3>
    <p><span class="scale signed"></span> ${t("colours.signed")}</p><p><span class="scale sequential"></span> ${t("colours.sequential")}</p>`);
}

/**
 * @param {Say} t
 * @param {{link: () => string, file: () => string, name: string, take: (text: string) => boolean}} of
 */
export function share(t, { link, file, name, take }) {
  const copy = async () => {
    await navigator.clipboard.writeText(link());
    say(t("copied"));
    const told = document.getElementById("share-told");
    if (told) told.textContent = t("copied");
  };
  /** @param {string} text */
  const open = (text) => {
    const done = take(text);
    const told = document.getElementById("share-told");
    if (told) told.textContent = done ? "" : t("share.unreadable");
    if (done) /** @type {HTMLDialogElement} */ (document.getElementById("share-dialog")).close();
  };
  return dialog("share-dialog", t, t("share"), html`
    <p>${t("share.text")}</p>
    <p class="row"><button type="button" class="plain" @click=${copy}>${t("share.copy")}</button>
      <button type="button" class="plain" @click=${() => download(`${name}.pellucid.json`, new Blob([file()], { type: "application/json" }))}>${t("share.file")}</button></p>
    <h3>${t("share.open")}</h3>
    <form @submit=${(/** @type {any} */ event) => { event.preventDefault(); open(event.target.elements.link.value); }}>
      <label for="share-link">${t("share.paste")}</label>
      <p class="row"><input id="share-link" name="link" type="text" autocomplete="off" spellcheck="false"><button class="plain">${t("share.take")}</button></p></form>
    <p class="row"><input id="share-open" type="file" hidden accept=".json,application/json"
      @change=${async (/** @type {any} */ event) => event.target.files[0] && open(await event.target.files[0].text())}>
      <button type="button" class="plain" @click=${() => document.getElementById("share-open")?.click()}>${t("share.choose")}</button></p>
    <p id="share-told" role="status"></p>`);
}

/** @param {Say} t @param {string[]} kinds @param {Record<string, string>} texts */
export function sources(t, kinds, texts) {
  return dialog("sources-dialog", t, t("sources"), kinds.map((kind) => html`
    <h3>${t(`sources.${kind}`)}</h3><p class="soft">${t(`sources.${kind}.help`)}</p>
    <pre tabindex="0" role="region" aria-label=${t(`sources.${kind}`)}>${texts[kind] ?? "…"}</pre>
    <button type="button" class="plain" @click=${async () => { await navigator.clipboard.writeText(texts[kind] ?? ""); say(t("copied")); }}>${t("copy")}</button>`));
}

/** A page that has no token, or the token of a studio that has ended. @param {Say} t @param {(token: string) => void} take */
export function stranger(t, take) {
  return html`<h1>${t("stranger")}</h1><p>${t("stranger.text")}</p>
    <form @submit=${(/** @type {any} */ event) => {
      event.preventDefault();
      const token = /token=([\w-]+)/.exec(event.target.elements.link.value)?.[1];
      if (token) take(token);
    }}><label for="stranger-link">${t("stranger.paste")}</label>
    <p class="row"><input id="stranger-link" name="link" type="text" autocomplete="off" spellcheck="false"><button class="plain">${t("share.take")}</button></p></form>`;
}
