/**
 * Drawings that are not made again with every frame: `${kept(keys, draw)}` when one of its keys is another,
 * `${inTurn(c, part, parts, draw)}` when it is that part's turn, `${inPieces(c, count, pieces, draw)}` piece by piece.
 */
import { Directive, directive, noChange } from "../third_party/lit.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */

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

class Turn extends Directive {
  /** @param {any} part */
  constructor(part) {
    super(part);
    this.isDrawn = false;
  }

  /** @param {boolean} isDue @param {() => unknown} draw @returns {unknown} */
  render(isDue, draw) {
    if (this.isDrawn && !isDue) return noChange;
    this.isDrawn = true;
    return draw();
  }
}

const take = directive(Turn);

/**
 * While it plays, draw one of an exhibit's parts with each frame: all at once would take longer than a frame may.
 * What the reader does is drawn at once.
 *
 * @param {Context} c
 * @param {number} part
 * @param {number} parts
 * @param {() => unknown} draw
 */
export function inTurn(c, part, parts, draw) {
  return take(c.turn === undefined || c.turn % parts === part, draw);
}

/**
 * @typedef {object} Pieces
 * @property {number} pieces  how many
 * @property {number} [first]  the turn of the first of them
 * @property {number} [turns]  as many as there are pieces by default
 */

/** Many marks in a row, a piece of it in each turn. @param {Context} c @param {number} count @param {Pieces | undefined} of @param {(at: number) => unknown} draw */
export function inPieces(c, count, { pieces, first = 0, turns = pieces } = { pieces: 1 }, draw) {
  const size = Math.ceil(count / pieces);
  /** @param {number} from */
  const piece = (from) => Array.from({ length: Math.max(0, Math.min(size, count - from)) }, (_, i) => draw(from + i));
  return Array.from({ length: pieces }, (_, at) => inTurn(c, (first + at) % turns, turns, () => piece(at * size)));
}
