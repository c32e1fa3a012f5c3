/**
 * The fragment of the address: the only part of it that a browser sends to nobody.
 *
 * @typedef {object} Address
 * @property {string} [token]
 * @property {string} [exhibit]
 * @property {"en" | "zh"} [lang]
 * @property {"light" | "dark"} [theme]
 * @property {string[]} hide  controls that the teacher hides
 * @property {Saved} [state]
 *
 * @typedef {object} Saved
 * @property {Record<string, any>} settings
 * @property {Record<string, string>} [versions]
 * @property {Record<string, string>} [identity]
 */

/** @param {string} fragment @returns {Address} */
export function readAddress(fragment) {
  const parts = new URLSearchParams(fragment.replace(/^[^#]*#/, ""));
  const lang = parts.get("lang");
  const theme = parts.get("theme");
  return {
    token: parts.get("token") ?? undefined,
    exhibit: parts.get("exhibit") ?? undefined,
    lang: lang === "en" || lang === "zh" ? lang : undefined,
    theme: theme === "light" || theme === "dark" ? theme : undefined,
    hide: (parts.get("hide") ?? "").split(",").filter(Boolean),
    state: readState(parts.get("state")),
  };
}

/** @param {Address} address */
export function writeAddress(address) {
  const parts = new URLSearchParams();
  if (address.exhibit) parts.set("exhibit", address.exhibit);
  if (address.lang) parts.set("lang", address.lang);
  if (address.theme) parts.set("theme", address.theme);
  if (address.hide.length) parts.set("hide", address.hide.join(","));
  if (address.state) parts.set("state", packed(JSON.stringify(address.state)));
  return `#${parts}`;
}

/** @param {string | null} text @returns {Saved | undefined} */
function readState(text) {
  if (!text) return undefined;
  try {
    return asSaved(JSON.parse(unpacked(text)));
  } catch {
    return undefined; // a mistyped address shows the exhibit as it is by default
  }
}

/** @param {unknown} value @returns {Saved | undefined} */
export function asSaved(value) {
  const saved = /** @type {any} */ (value);
  return saved && typeof saved === "object" && saved.settings && typeof saved.settings === "object" ? saved : undefined;
}

/** base64 with the letters that an address may hold @param {string} text */
function packed(text) {
  const bytes = new TextEncoder().encode(text);
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text */
function unpacked(text) {
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
}
