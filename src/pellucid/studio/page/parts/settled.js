/** `.value=${settled(text)}`: what a field shows, but not while somebody is typing in it. */
import { Directive, directive, noChange } from "../third_party/lit.js";

class Settled extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    this.isTyped = false;
    const field = /** @type {HTMLElement} */ (part.element);
    field.addEventListener("input", () => { this.isTyped = true; });
    for (const end of ["change", "blur"]) field.addEventListener(end, () => { this.isTyped = false; }, { capture: true });
  }

  /** @param {string} text @returns {unknown} */
  render(text) {
    return text;
  }

  /** @param {any} part @param {[string]} args */
  update(part, [text]) {
    return this.isTyped || part.element.value === text ? noChange : text;
  }
}

const keep = directive(Settled);

/** @param {string} text */
export function settled(text) {
  return keep(text);
}
