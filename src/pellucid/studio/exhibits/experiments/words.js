/** What an experiment says, in the reader's language: its sentences are known by heart, its figures follow few patterns. */
import { html } from "../../page/third_party/lit.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** What stands between the figures, the longer before what is part of it. @type {[RegExp, string][]} */
const CHINESE = [
  [/^in (\S+) of (\S+) cases$/, "$2 种情形中有 $1 种"],
  [/; the difference has the (\S+) % interval (\S+) to (\S+) points/, "；差的 $1 % 置信区间为 $2 至 $3 个百分点"],
  [/; the difference has the (\S+) % interval (\S+) to ([^\s,]+)/, "；差的 $1 % 置信区间为 $2 至 $3"],
  [/; the difference is (\S+) points/, "；相差 $1 个百分点"],
  [/; the difference is (\S+)/, "；相差 $1"],
  [/\((\S+) % interval (\S+) % to (\S+) %\)/, "（$1 % 置信区间 $2 % 至 $3 %）"],
  [/\((\S+) % interval (\S+) to (\S+) points\)/, "（$1 % 置信区间 $2 至 $3 个百分点）"],
  [/\((\S+) % interval (\S+) to (\S+)\)/, "（$1 % 置信区间 $2 至 $3）"],
  [/^measured (\S+), expected (\S+?)(?=;|$)/, "测得 $1，应为 $2"],
  [/; at most (\S+) apart, allowed (\S+)/, "；最多相差 $1，允许 $2"],
  [/, wanted more than (\S+) points/, "，要求多于 $1 个百分点"],
  [/, wanted more than (\S+)/, "，要求大于 $1"],
  [/, wanted within ± (\S+) points/, "，要求在 ± $1 个百分点之内"],
  [/, wanted within ± (\S+)/, "，要求在 ± $1 之内"],
  [/, wanted above /, "，要求高于 "],
  [/, wanted below /, "，要求低于 "],
  [/ against (\S+): (\S+) times /, "，对照为 $1：$2 倍"],
  [/ against /, "，对照为 "],
  [/^(\S+) to (\S+)$/, "$1 至 $2"],
  [/ （/, "（"],
];

/** A sentence of the experiment's; one that a new measurement has worded stays English. @param {Context} c @param {string} text */
export function said(c, text) {
  const known = c.language === "zh" ? c.frame.values.chinese[text] : undefined;
  return known ?? html`<span lang="en">${text}</span>`;
}

/** A drawing with its labels in the reader's language. @param {Context} c @param {string} svg */
export function labelled(c, svg) {
  if (c.language === "en") return svg;
  return svg.replace(/(<text[^>]*>)([^<]*)(?=<\/text>)/g, (_, tag, label) => tag + (c.frame.values.chinese[label] ?? label));
}

/** The figures that decide a statement. @param {Context} c @param {string} text @returns {string} */
export function evidence(c, text) {
  return c.language === "zh" ? CHINESE.reduce((told, [pattern, words]) => told.replace(pattern, words), text) : text;
}
