/**
 * Where everything stands: tensors as cells in blocks, blocks in columns from the data on the left to the loss on the right.
 *
 * @typedef {{source: string, latex: string, plain: string, role: "input" | "parameter" | "value" | "target", shape: number[]}} Tensor
 * @typedef {{name: string, kind: string, output: number, operands: number[]}} Step
 *
 * @typedef {object} Cell  one number
 * @property {number} tensor  -1 is the loss
 * @property {number} at  counted along the tensor's rows
 * @property {number} x  its left upper corner
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {"unit" | "cell" | "dot"} size  with value and gradient, with a value alone, or a mere square
 * @property {Cell} [from]  of a weight on a line: the cells that it joins
 * @property {Cell} [to]
 *
 * @typedef {object} Block
 * @property {number} depth
 * @property {number[]} tensors  what it gives, the last one to the outside
 * @property {string[]} kinds  of the steps that give them
 * @property {number[]} reads  tensors of other blocks
 * @property {number[]} held  parameters that it shows within itself
 * @property {number} bias  the parameter before each of its units, or -1
 * @property {number} lined  the parameter that its lines from `reads[0]` are, or -1
 *
 * @typedef {object} Edge
 * @property {Cell} from
 * @property {Cell} to
 * @property {boolean} whole  joins blocks, not single numbers
 * @property {Cell} [weight]
 *
 * @typedef {{cells: Cell[], edges: Edge[], heads: {tensor: number, kind: string, x: number, y: number, width: number}[], width: number, height: number}} Graph
 */

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

export const LOSS = -1;
const [UNIT, SIDE, ROOM] = [68, 46, 30];
const [TALL, HEAD, MARGIN] = [42, 40, 10];
const [WIDE, LOW] = [62, 40]; // of a weight on its line
const MOST_LABELLED = 9;

/** Which numbers of a tensor belong to a sample, and in what shape. @param {Tensor} tensor @param {number} samples @param {number} sample */
function slice({ role, shape }, samples, sample) {
  const isBatch = role !== "parameter" && shape.length > (role === "target" ? 0 : 1) && shape[0] === samples;
  const dims = isBatch ? shape.slice(1) : shape;
  const count = dims.reduce((a, b) => a * b, 1);
  return { dims, count, first: isBatch ? sample * count : 0 };
}

/** A tensor's cells around the origin. @param {Tensor} tensor @param {number} index @param {number} samples @param {number} sample @param {number} pitch */
function boxOf(tensor, index, samples, sample, pitch) {
  const { dims, count, first } = slice(tensor, samples, sample);
  /** @param {number} i @param {number} x @param {number} y @param {number} width @param {number} height @param {Cell["size"]} size @returns {Cell} */
  const cell = (i, x, y, width, height, size) => ({ tensor: index, at: first + i, x, y, width, height, size });
  const isUnits = dims.length < 2 && count <= 8;
  if (isUnits) {
    const cells = Array.from({ length: count }, (_, i) => cell(i, 0, i * pitch, UNIT, TALL, "unit"));
    return { cells, width: UNIT, height: (count - 1) * pitch + TALL, isUnits };
  }
  const columns = dims.length < 2 ? 8 : dims[dims.length - 1];
  const rows = dims.length > 2 ? dims[dims.length - 2] : Math.ceil(count / columns);
  const maps = Math.ceil(count / (rows * columns));
  const deep = Math.ceil(Math.sqrt(maps)); // maps under each other, before the next stand beside them
  const [side, tall, size] = count > 40 ? [12, 12, /** @type {const} */ ("dot")] : [SIDE, ROOM, /** @type {const} */ ("cell")];
  const [wide, high] = [columns * (side + 2) + 6, rows * (tall + 2) + 6];
  const cells = Array.from({ length: count }, (_, i) => {
    const [map, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    return cell(i, Math.floor(map / deep) * wide + column * (side + 2), (map % deep) * high + row * (tall + 2), side, tall, size);
  });
  return { cells, width: Math.ceil(maps / deep) * wide - 8, height: Math.min(maps, deep) * high - 8, isUnits };
}

/** Steps as blocks: a function of each number stands beside what it is of, where nobody else reads that. @param {Tensor[]} tensors @param {Step[]} steps */
function blocksOf(tensors, steps) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Map<number, Block>} */
  const home = new Map();
  const readers = (/** @type {number} */ tensor) => steps.filter((step) => step.operands.includes(tensor)).length;
  const isAlike = (/** @type {number} */ a, /** @type {number} */ b) => tensors[a].shape.join() === tensors[b].shape.join();
  const open = (/** @type {Partial<Block>} */ of) => {
    const block = { depth: 0, tensors: [], kinds: [], reads: [], held: [], bias: -1, lined: -1, ...of };
    blocks.push(block);
    for (const each of block.tensors) home.set(each, block);
    return block;
  };
  tensors.forEach((tensor, index) => { if (tensor.role === "input") open({ tensors: [index], kinds: [""] }); });
  for (const step of steps) {
    const values = step.operands.filter((each) => tensors[each].role !== "parameter");
    const [before] = values;
    if (step.operands.length === 1 && values.length === 1 && tensors[before].role === "value" && readers(before) === 1 && isAlike(before, step.output)) {
      const block = /** @type {Block} */ (home.get(before));
      block.tensors.push(step.output);
      block.kinds.push(step.kind);
      home.set(step.output, block);
    } else {
      open({ tensors: [step.output], kinds: [step.kind], reads: values, held: step.operands.filter((each) => tensors[each].role === "parameter") });
    }
  }
  return { blocks, home };
}

/** Each block as far to the right as who reads it allows, so that inputs stand before what they go into. @param {Block[]} blocks @param {Map<number, Block>} home */
function place(blocks, home) {
  for (const block of blocks) block.depth = Math.max(-1, ...block.reads.map((each) => home.get(each)?.depth ?? -1)) + 1;
  for (const block of [...blocks].reverse()) {
    const readers = blocks.filter((other) => other.reads.some((each) => block.tensors.includes(each)));
    if (readers.length) block.depth = Math.min(...readers.map((other) => other.depth)) - 1;
  }
}

/** Which parameters are lines, and which stand before units. @param {Block[]} blocks @param {Tensor[]} tensors @param {number} samples */
function attach(blocks, tensors, samples) {
  const units = (/** @type {number} */ tensor) => {
    const { dims, count } = slice(tensors[tensor], samples, 0);
    return dims.length < 2 && count <= 8 ? count : 0;
  };
  for (const block of blocks) {
    const [source] = block.reads;
    if (block.kinds[0] !== "fully connected" || source === undefined) continue;
    const [wide, high] = [units(source), units(block.tensors[0])];
    if (!wide || !high) continue;
    for (const each of block.held) {
      const { shape } = tensors[each];
      if (shape.length === 2 && shape[0] === high && shape[1] === wide) block.lined = each;
      else if (shape.length === 1 && shape[0] === high) block.bias = each;
    }
    block.held = block.held.filter((each) => each !== block.lined && each !== block.bias);
  }
}

/** Whether a block's lines carry their weights as numbers. @param {Block} block @param {Tensor[]} tensors */
const isLabelled = (block, tensors) => block.lined >= 0 && tensors[block.lined].shape[0] * tensors[block.lined].shape[1] <= MOST_LABELLED;

/** One block's cells around its own corner. @param {Block} block @param {Tensor[]} tensors @param {number} samples @param {number} sample @param {number} pitch */
function filled(block, tensors, samples, sample, pitch) {
  /** @type {Cell[]} */
  const cells = [];
  /** @type {{tensor: number, kind: string, x: number, y: number, width: number}[]} */
  const heads = [];
  let [x, height] = [0, 0];
  const add = (/** @type {number} */ tensor, /** @type {string} */ kind, top = 0) => {
    const box = boxOf(tensors[tensor], tensor, samples, sample, pitch);
    for (const cell of box.cells) cells.push({ ...cell, x: cell.x + x, y: cell.y + top + HEAD });
    heads.push({ tensor, kind, x, y: top, width: box.width });
    height = Math.max(height, top + HEAD + box.height);
    return box.width;
  };
  if (block.bias >= 0) x += add(block.bias, "") + 4;
  block.tensors.forEach((tensor, i) => { x += add(tensor, block.kinds[i]) + (i + 1 < block.tensors.length ? 4 : 0); });
  let widest = x;
  for (const each of block.held) {
    x = 0;
    widest = Math.max(widest, add(each, "", height + 14));
  }
  return { cells, heads, width: widest, height };
}

/** The target's cells and the loss under them. @param {Tensor[]} tensors @param {number} samples @param {number} sample @param {number} pitch */
function ending(tensors, samples, sample, pitch) {
  const target = tensors.findIndex((each) => each.role === "target");
  const made = filled({ depth: 0, tensors: [target], kinds: [""], reads: [], held: [], bias: -1, lined: -1 }, tensors, samples, sample, pitch);
  const top = made.height + 18;
  made.heads.push({ tensor: LOSS, kind: "", x: 0, y: top, width: UNIT });
  made.cells.push({ tensor: LOSS, at: 0, x: 0, y: top + HEAD, width: UNIT, height: TALL, size: "unit" });
  return { ...made, width: Math.max(made.width, UNIT), height: top + HEAD + TALL };
}

/** @typedef {{block: Block, cells: Cell[], heads: {tensor: number, kind: string, x: number, y: number, width: number}[], width: number, height: number}} Placed */

/** The whole graph. @param {Context} c @returns {Graph} */
export function graphOf(c) {
  const { samples } = c.frame.values;
  /** @type {Tensor[]} */
  const tensors = c.frame.values.tensors;
  const { blocks, home } = blocksOf(tensors, c.frame.values.steps);
  place(blocks, home);
  attach(blocks, tensors, samples);
  const first = Math.min(...blocks.map((each) => each.depth));
  const pitch = blocks.some((each) => isLabelled(each, tensors)) ? 120 : 58;
  /** @type {Placed[]} */
  const placed = blocks.map((block) => ({ block, ...filled(block, tensors, samples, c.settings.sample, pitch) }));
  const output = c.frame.values.stops.find((/** @type {any} */ stop) => stop.phase === "begin").tensor;
  const outward = tensors.findIndex((each) => each.source === output);
  const last = Math.max(...blocks.map((each) => each.depth)) + 1;
  const end = { depth: last, tensors: [], kinds: [], reads: [outward], held: [], bias: -1, lined: -1 };
  placed.push({ block: end, ...ending(tensors, samples, c.settings.sample, pitch) });
  const { width, height } = level(placed, spread(placed, first, last, tensors));
  const cells = placed.flatMap((each) => each.cells);
  const edges = placed.flatMap((each) => joined(each, placed, tensors));
  return { cells: [...cells, ...edges.flatMap((edge) => edge.weight ?? [])], edges, heads: placed.flatMap((each) => each.heads), width, height };
}

/** Move every block to its place on the sheet, and return its width. @param {Placed[]} placed @param {number} first @param {number} last @param {Tensor[]} tensors */
function spread(placed, first, last, tensors) {
  let x = MARGIN;
  let height = 0;
  for (let depth = first; depth <= last; depth++) {
    const column = placed.filter((each) => each.block.depth === depth);
    if (!column.length) continue;
    const tall = column.reduce((sum, each) => sum + each.height + 26, -26);
    height = Math.max(height, tall);
    if (depth > first) x += column.some((each) => isLabelled(each.block, tensors)) ? 196 : 50;
    for (const each of column) shift(each, x, 0);
    x += Math.max(...column.map((each) => each.width));
  }
  for (let depth = first; depth <= last; depth++) {
    const column = placed.filter((each) => each.block.depth === depth);
    let y = MARGIN + (height - column.reduce((sum, each) => sum + each.height + 26, -26)) / 2;
    for (const each of column) {
      shift(each, 0, y);
      y += each.height + 26;
    }
  }
  return x + MARGIN;
}

/** Put the target beside the output, where they have equally many units. @param {Placed[]} placed @param {number} width */
function level(placed, width) {
  const end = placed[placed.length - 1];
  const output = placed.flatMap((each) => each.cells).filter((cell) => cell.tensor === end.block.reads[0]);
  const target = end.cells.filter((cell) => cell.tensor !== LOSS);
  if (output.length === target.length && output[0].size === "unit") shift(end, 0, output[0].y - target[0].y);
  const top = Math.min(...placed.flatMap((each) => each.heads.map((head) => head.y)));
  for (const each of placed) shift(each, 0, MARGIN - top);
  const bottom = Math.max(...placed.flatMap((each) => each.cells.map((cell) => cell.y + cell.height)));
  return { width, height: bottom + MARGIN };
}

/** @param {Placed} block @param {number} x @param {number} y */
function shift(block, x, y) {
  for (const each of [...block.cells, ...block.heads]) {
    each.x += x;
    each.y += y;
  }
}

/** The lines into a block. @param {Placed} to @param {Placed[]} placed @param {Tensor[]} tensors @returns {Edge[]} */
function joined(to, placed, tensors) {
  const own = to.block.tensors.length ? to.block.tensors[0] : tensors.findIndex((each) => each.role === "target");
  const ends = to.cells.filter((cell) => cell.tensor === own);
  return to.block.reads.flatMap((tensor, number) => {
    const begins = placed.flatMap((each) => each.cells).filter((cell) => cell.tensor === tensor);
    const fronts = to.block.bias < 0 ? ends : to.cells.filter((cell) => cell.tensor === to.block.bias);
    if (number === 0 && to.block.lined >= 0) return weighted(begins, fronts, to.block.lined, isLabelled(to.block, tensors));
    if (begins.length === ends.length && [...begins, ...ends].every((each) => each.size === "unit")) {
      return begins.map((from, i) => ({ from, to: fronts[i], whole: false }));
    }
    return [{ from: hull(begins), to: hull(ends), whole: true }];
  });
}

/** Every weight as a line, and where there are few with its number on it. @param {Cell[]} begins @param {Cell[]} ends @param {number} tensor @param {boolean} labelled @returns {Edge[]} */
function weighted(begins, ends, tensor, labelled) {
  const edges = ends.flatMap((to, row) => begins.map((from, column) => ({ from, to, whole: false, at: row * begins.length + column })));
  const [width, height, size] = labelled ? [WIDE, LOW, /** @type {const} */ ("unit")] : [10, 10, /** @type {const} */ ("dot")];
  /** @type {Cell[]} */
  const placed = [];
  const steep = (/** @type {{from: Cell, to: Cell}} */ edge) => Math.abs(middle(edge.from) - middle(edge.to));
  for (const edge of [...edges].sort((a, b) => steep(a) - steep(b))) {
    const slope = Math.sign(middle(edge.to) - middle(edge.from));
    // lines that cross are written on at one side of the crossing each
    const spots = [0.5 - 0.16 * slope, ...SHARES].map((share) => ({ tensor, at: edge.at, width, height, size, from: edge.from, to: edge.to, ...spot(edge, share, width, height) }));
    const free = spots.map((each) => placed.reduce((sum, other) => sum + shared(each, other), 0));
    placed.push(spots[free.indexOf(Math.min(...free))]);
  }
  return edges.map(({ at, ...edge }) => ({ ...edge, weight: placed.find((each) => each.at === at) }));
}

/** Where on a line a number may stand, the middle first. */
const SHARES = [0.5, 0.34, 0.66, 0.4, 0.6, 0.28, 0.72, 0.22, 0.78];
/** @param {Cell} cell */
const middle = (cell) => cell.y + cell.height / 2;

/** @param {{from: Cell, to: Cell}} edge @param {number} share @param {number} width @param {number} height */
function spot({ from, to }, share, width, height) {
  const left = from.x + from.width;
  return { x: left + (to.x - left) * share - width / 2, y: middle(from) + (middle(to) - middle(from)) * share - height / 2 };
}

/** How much two boxes overlap. @param {Cell} a @param {Cell} b */
function shared(a, b) {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}

/** The box around cells. @param {Cell[]} cells @returns {Cell} */
function hull(cells) {
  const x = Math.min(...cells.map((cell) => cell.x));
  const y = Math.min(...cells.map((cell) => cell.y));
  const right = Math.max(...cells.map((cell) => cell.x + cell.width));
  const bottom = Math.max(...cells.map((cell) => cell.y + cell.height));
  return { ...cells[0], x, y, width: right - x, height: bottom - y };
}
