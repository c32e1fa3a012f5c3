/** Formulas, set by KaTeX; who listens hears their MathML. */
import { Directive, directive, PartType } from "../third_party/lit.js";

/** @type {Promise<any> | undefined} */
let loading;

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
    loading ??= import("../third_party/katex.js");
    // nodes, not markup: the page's policy forbids style attributes, but not the nodes' own style
    loading.then((katex) => {
      if (this.last === source + display) katex.render(source, part.element, { displayMode: display, throwOnError: false, strict: false });
    });
  }
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
