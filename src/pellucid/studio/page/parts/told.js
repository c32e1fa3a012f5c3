/** `<button ${told(c, () => "name\nvalue\nformula")}>`: what a mark says, as its tip and to a screen reader. */
import { Directive, directive, noChange } from "../third_party/lit.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */

/** Marks whose words are of an earlier frame; made anew with every frame, they would take longer than the drawing. @type {Set<Told>} */
const stale = new Set();

class Told extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    this.mark = part.element;
    this.said = "";
    this.make = () => "";
    this.mark.told = () => this.tell();
  }

  /** @param {Context} _c @param {() => string} _make @returns {unknown} */
  render(_c, _make) {
    return noChange;
  }

  /** @param {any} _part @param {[Context, () => string]} args */
  update(_part, [c, make]) {
    this.make = make;
    if (this.said && c.turn !== undefined) stale.add(this);
    else this.tell();
    return noChange;
  }

  tell() {
    stale.delete(this);
    const said = this.make();
    if (said === this.said) return;
    this.said = said;
    this.mark.setAttribute("data-tip", said);
    this.mark.setAttribute("aria-label", said.replaceAll("\n", ", "));
  }
}

const tell = directive(Told);

/** While it plays, the words follow when somebody asks for them, and all of them when it pauses. @param {Context} c @param {() => string} make */
export function told(c, make) {
  return tell(c, make);
}

/** Let every mark say what it shows. */
export function tellAll() {
  for (const mark of [...stale]) mark.tell();
}
