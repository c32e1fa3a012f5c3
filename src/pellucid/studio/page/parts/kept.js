/** `${kept(keys, draw)}`: a large drawing that is made again only when one of its keys is another. */
import { Directive, directive, noChange } from "../third_party/lit.js";

class Kept extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    /** @type {unknown[]} */
    this.keys = [];
  }

  /** @param {unknown[]} keys @param {() => unknown} draw @returns {unknown} */
  render(keys, draw) {
    if (keys.length === this.keys.length && keys.every((key, i) => Object.is(key, this.keys[i]))) return noChange;
    this.keys = keys;
    return draw();
  }
}

const keep = directive(Kept);

/** @param {unknown[]} keys  all that the drawing depends on @param {() => unknown} draw */
export function kept(keys, draw) {
  return keep(keys, draw);
}
