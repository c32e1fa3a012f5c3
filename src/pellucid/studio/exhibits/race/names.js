/** What a lane is called. */

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** The lanes that run, from above to below. @param {Context} c @returns {number[]} */
export const shownLanes = (c) => c.frame.values.lanes.flatMap((/** @type {any} */ lane, /** @type {number} */ at) => (lane.row === null ? [] : [at]));

/** The optimiser's name; with the lane's number where several lanes have the same. @param {Context} c @param {number} lane */
export function nameOf(c, lane) {
  const { rule } = c.settings.lanes[lane] ?? c.settings.lanes[0];
  const isOne = c.settings.lanes.filter((/** @type {any} */ each) => each.on && each.rule === rule).length < 2;
  return isOne ? c.t(`rule.${rule}`) : `${c.t(`rule.${rule}`)} ${lane + 1}`;
}
