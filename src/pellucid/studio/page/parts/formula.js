/** Formulas, set by KaTeX; who listens hears their MathML. Each is set in a task of its own, so that no frame waits for it. */
import { Directive, directive, PartType } from "../third_party/lit.js";

/** The milliseconds between two settings of one formula: numbers that change faster cannot be read. */
const BETWEEN = 100;
/** @type {Map<HTMLElement, {source: string, display: boolean}>} what is yet to be set */
const waiting = new Map();
/** @type {WeakMap<HTMLElement, number>} when each was last set */
const set = new WeakMap();
/** @type {Promise<any> | undefined} */
let loading;
let isRunning = false;

class Formula extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("a formula stands in an element: <span ${tex(...)}></span>");
    this.last = "";
  }

  /** @param {string} source @param {boolean} display */
  render(source, display) {
    return `${source}${display}`;
  }

  /** @param {any} part @param {[string, boolean]} args */
  update(part, [source, display]) {
    if (this.last === source + display) return;
    this.last = source + display;
    waiting.set(part.element, { source, display });
    loading ??= import("../third_party/katex.js");
    if (isRunning) return;
    isRunning = true;
    void loading.then(run);
  }
}

/** Set one formula that is due, and come back for the others. @param {any} katex */
function run(katex) {
  const now = performance.now();
  for (const [element, { source, display }] of waiting) {
    if (now - (set.get(element) ?? -Infinity) < BETWEEN) continue;
    waiting.delete(element);
    if (!element.isConnected) continue;
    // nodes, not markup: the page's policy forbids style attributes, but not the nodes' own style
    katex.render(source, element, { displayMode: display, throwOnError: false, strict: false });
    set.set(element, now);
    break;
  }
  isRunning = waiting.size > 0;
  if (isRunning) setTimeout(run, 0, katex);
}

const formula = directive(Formula);

/** `<span ${tex("y = w x + b")}></span>` @param {string} source @param {boolean} [display] */
export function tex(source, display = false) {
  return formula(source, display);
}

/** A number inside a formula. @param {number} value @param {number} [digits] */
export function texNumber(value, digits = 4) {
  if (!Number.isFinite(value)) return "\\mathrm{NaN}";
  const [mantissa, power] = Number(value.toPrecision(digits)).toString().split("e");
  return power ? `${mantissa}\\cdot10^{${Number(power)}}` : mantissa;
}
