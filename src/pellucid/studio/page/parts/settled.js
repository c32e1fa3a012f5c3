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
    const field = part.element;
    if (this.isTyped || isKept || field.value === text) return noChange;
    if (!isMarked(field)) return text;
    field.value = text;
    field.select(); // what is typed next is to replace the new text just as it would have replaced the old one
    return noChange;
  }
}

/** Whether somebody is in the field and has all of its text selected. @param {any} field */
function isMarked(field) {
  return field === document.activeElement && field.value !== "" && field.selectionStart === 0 && field.selectionEnd === field.value.length;
}

const keep = directive(Settled);

/** @param {string} text @param {boolean} [kept]  leave what stands there: it was refused, and is to be mended rather than typed anew */
export function settled(text, kept = false) {
  return keep(text, kept);
}
