/** Words and numbers in the reader's language. */

/** @typedef {"en" | "zh"} Language */
/** @typedef {Record<Language, Record<string, string>>} Strings */

export const TAGS = { en: "en-GB", zh: "zh-Hans" };
export const NAMES = { en: "English", zh: "简体中文" };

/** @returns {Language} */
export function usualLanguage() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** @param {string} address @returns {Promise<any>} */
export async function fetchJson(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

/**
 * A function that says what stands under a key; `{name}` in it is replaced. An unknown key says itself.
 *
 * @param {Language} language
 * @param {...Strings} books  the first that has the key
 * @returns {(key: string, values?: Record<string, any>) => string}
 */
export function speaker(language, ...books) {
  return (key, values = {}) => {
    const text = books.map((book) => book[language]?.[key]).find((found) => found !== undefined) ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
}

/**
 * A number with `digits` significant ones, a true minus sign, and no zeros that say nothing.
 *
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function written(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const plain = size >= 1e-4 && size < 1e7 ? String(Number(value.toPrecision(digits))) : exponential(value, digits);
  return plain.replace(/^-/, "−");
}

/** @param {number} value @param {number} digits */
function exponential(value, digits) {
  const [mantissa, power] = value.toExponential(Math.max(0, digits - 1)).split("e");
  const raised = [...String(Number(power))].map((letter) => (letter === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(letter)])).join("");
  const factor = Number(mantissa);
  return Math.abs(factor) === 1 ? `${factor < 0 ? "-" : ""}10${raised}` : `${factor}·10${raised}`;
}
