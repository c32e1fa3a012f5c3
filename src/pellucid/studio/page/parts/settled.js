/** `.value=${settled(text, kept)}`: what a field shows, but not while somebody is typing in it, nor while what was typed is refused. */
import { Directive, directive, noChange } from "../third_party/lit.js";

class Settled extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    this.isTyped = this.isShown = false;
    const field = /** @type {HTMLElement} */ (part.element);
    field.addEventListener("input", () => { this.isTyped = true; });
    for (const end of ["change", "blur"]) field.addEventListener(end, () => { this.isTyped = false; }, { capture: true });
  }

  /** @param {string} text @param {boolean} _kept @returns {unknown} */
  render(text, _kept) {
    return text;
  }

  /** @param {any} part @param {[string, boolean]} args */
  update(part, [text, kept]) {
    const isKept = kept && this.isShown; // at first there is nothing to keep: what a shared address held was refused
    this.isShown = true;
    return this.isTyped || isKept || part.element.value === text ? noChange : text;
  }
}

const keep = directive(Settled);

/** @param {string} text @param {boolean} [kept]  leave what stands there: it was refused, and is to be mended rather than typed anew */
export function settled(text, kept = false) {
  return keep(text, kept);
}
