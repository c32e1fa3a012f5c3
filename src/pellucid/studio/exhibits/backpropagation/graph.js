/** The network as a graph from left to right, with its numbers on units and weights. */
import { html, nothing, svg } from "../../page/third_party/lit.js";
import { refused } from "../../page/parts/controls.js";
import { drawingOf, mark, words } from "../../page/parts/drawing.js";
import { figure } from "../../page/parts/figure.js";
import { settled } from "../../page/parts/settled.js";
import { LOSS, graphOf } from "./layout.js";
import { hidden, known, largest, numberOf, roleOf, stopOf, tint, told } from "./marks.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */
/** @typedef {import("./layout.js").Cell} Cell */
/** @typedef {import("./layout.js").Edge} Edge */

/** @param {Context} c */
export function graph(c) {
  const sheet = graphOf(c);
  const seen = known(c);
  const most = largest(c);
  const cells = [...sheet.cells].sort((a, b) => a.x - b.x || a.y - b.y);
  const current = cells.some((cell) => keyOf(cell) === c.local.mark) ? c.local.mark : keyOf(cells[0]);
  const body = html`<div class="bp-graph wide" role="group" aria-label=${c.t("graph")} aria-describedby="bp-keys" .toSvg=${() => saved(c, sheet, seen, most)}
    @keydown=${walk} @focusin=${(/** @type {any} */ event) => { const key = event.target.closest("[data-mark]")?.dataset.mark; if (key && key !== c.local.mark) { c.local.mark = key; c.redraw(); } }}>
    <div class="sheet" .style=${`width:${rem(sheet.width)};height:${rem(sheet.height)}`}>
    <svg viewBox="0 0 ${sheet.width} ${sheet.height}" aria-hidden="true">${sheet.edges.map((edge) => line(c, edge, seen, most))}</svg>
    ${sheet.heads.map((head) => title(c, head))}
    ${cells.map((cell) => drawn(c, cell, seen, most, keyOf(cell) === current))}</div></div>`;
  setTimeout(() => follow(c)); // when the frame is laid out
  return html`${figure(c, { name: "graph", title: c.t("graph"), caption: c.t("graph.way"), body, extra: legend(c, most) })}
    <p class="unseen" id="bp-keys">${c.t("graph.keys")}</p>${refused(c, "set_number")}`;
}

/** The sheet grows with the page's letters. @param {number} pixels */
const rem = (pixels) => `${pixels / 16}rem`;
/** @param {Cell} cell */
const keyOf = (cell) => `${cell.tensor}-${cell.at}`;

/** Keep what is computed in sight where graph or list are larger than their frames. @param {Context} c */
function follow(c) {
  const around = /** @type {HTMLElement | null} */ (document.querySelector(".bp-graph"));
  const key = [c.settings.preset, c.frame.values.at, c.frame.values.losses.length, c.settings.network].join();
  if (!around || c.local.followed === key) return;
  if (getComputedStyle(/** @type {Element} */ (around.firstElementChild)).position !== "relative") {
    setTimeout(() => follow(c), 50); // the style is still on its way
    return;
  }
  c.local.followed = key;
  const mark = /** @type {HTMLElement | null} */ (around.querySelector(".cell.read, .cell.current") ?? around.querySelector(".cell.now"));
  if (mark) around.scrollLeft = mark.offsetLeft - (around.clientWidth - mark.offsetWidth) / 2;
  const listed = /** @type {HTMLElement | null} */ (document.querySelector(".bp-stops [aria-current]"));
  const list = /** @type {HTMLElement | null} */ (document.querySelector(".bp-stops"));
  if (list && listed) list.scrollTop = listed.offsetTop - list.clientHeight / 2;
}

/** @param {Context} c @param {Edge} edge @param {ReturnType<typeof known>} seen @param {number} most */
function line(c, edge, seen, most) {
  const weight = edge.weight;
  const role = weight ? roleOf(c, weight) : [edge.from, edge.to].every((cell) => roleOf(c, cell)) ? "read" : "";
  const colour = weight && seen.g.has(weight.tensor) ? tint(c, numberOf(c, "g", weight), most).fill : "";
  return svg`<path class=${`${role} ${edge.whole ? "whole" : ""}`} d=${pathOf(edge)} .style=${colour ? `stroke:${colour}` : ""}></path>`;
}

/** @param {Edge} edge */
function pathOf({ from, to, weight }) {
  const [x0, y0, x1, y1] = [from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2];
  if (weight || x1 - x0 < 260) return `M${x0} ${y0}L${x1} ${y1}`;
  const low = Math.max(y0, y1) + 60;
  return `M${x0} ${y0}C${x0 + 60} ${low} ${x1 - 60} ${low} ${x1} ${y1}`;
}

/** A tensor's name above its cells, and what gives it. @param {Context} c @param {{tensor: number, kind: string, x: number, y: number, width: number}} head */
function title(c, { tensor, kind, x, y, width }) {
  const name = tensor === LOSS ? "E" : c.frame.values.tensors[tensor].plain;
  const said = kind ? kindOf(c, kind) : tensor === LOSS ? c.t("loss.of") : c.t(`role.${c.frame.values.tensors[tensor].role}`);
  return html`<div class="head" .style=${`left:${rem(x)};top:${rem(y)};width:${rem(width)}`} data-tip=${`${name}\n${said}`}><b>${name}</b><span>${said}</span></div>`;
}

/** What a step does, in the reader's language where there is a word. @param {Context} c @param {string} kind */
export function kindOf(c, kind) {
  const word = c.t(`kind.${kind}`);
  return word.startsWith("kind.") ? kind : word;
}

/** @param {Context} c @param {Cell} cell @param {ReturnType<typeof known>} seen @param {number} most @param {boolean} isTabbed */
function drawn(c, cell, seen, most, isTabbed) {
  const tensor = c.frame.values.tensors[cell.tensor];
  const isKnown = cell.tensor === LOSS ? seen.loss : seen.v.has(cell.tensor);
  const value = numberOf(c, "v", cell);
  const said = told(c, cell, seen);
  const gradient = seen.g.has(cell.tensor) ? numberOf(c, "g", cell) : undefined;
  const colour = gradient === undefined ? undefined : tint(c, gradient, most);
  const after = (cell.tensor === LOSS ? seen.after : seen.u.has(cell.tensor)) ? numberOf(c, "u", cell) : undefined;
  const classes = `cell ${cell.size} ${roleOf(c, cell)} ${isKnown ? "" : "later"} is-${tensor?.role ?? "loss"}`;
  const tinted = cell.size !== "unit" && colour ? `;--cell:${colour.fill};--cell-ink:${colour.ink}` : "";
  const style = `left:${rem(cell.x)};top:${rem(cell.y)};width:${rem(cell.width)};height:${rem(cell.height)}${tinted}`;
  if (cell.size === "dot") return html`<span class=${classes} .style=${style} data-mark=${keyOf(cell)} data-tip=${said} role="img" aria-label=${spoken(said)} tabindex=${isTabbed ? 0 : -1}></span>`;
  const isOwn = ["input", "parameter", "target"].includes(tensor?.role) && !(tensor.role === "input" && c.frame.values.whole) && !c.isHidden("set_number");
  const shown = isOwn
    ? html`<input inputmode="decimal" autocomplete="off" data-mark=${keyOf(cell)} aria-label=${spoken(said)} tabindex=${isTabbed ? 0 : -1}
        .value=${settled(plain(value, cell.size))} @focus=${(/** @type {any} */ event) => event.target.select()} @change=${(/** @type {any} */ event) => change(c, cell, event.target, value)}>`
    : html`<span class="value" data-mark=${keyOf(cell)} role="img" aria-label=${spoken(said)} tabindex=${isTabbed ? 0 : -1}
        @click=${() => look(c, cell)}>${isKnown ? hidden(c, value, 4) : "·"}</span>`;
  return html`<div class=${classes} .style=${style} data-tip=${said}>${shown}
    ${cell.size === "unit" && gradient !== undefined && colour && (after === undefined || cell.tensor === LOSS) ? html`<span class="gradient" .style=${`--cell:${colour.fill};--cell-ink:${colour.ink}`} aria-hidden="true" @click=${() => look(c, cell)}>${hidden(c, gradient, 3)}</span>` : nothing}
    ${cell.size === "unit" && after !== undefined ? html`<span class="after" aria-hidden="true">→ ${hidden(c, after, 4)}</span>` : nothing}</div>`;
}

/** @param {string} said */
const spoken = (said) => said.replaceAll("\n", ", ");
/** A number as it stands in a field: as many digits as there is room for. @param {number} value @param {Cell["size"]} size */
function plain(value, size) {
  if (!Number.isFinite(value)) return "";
  const text = String(Number(value.toPrecision(size === "unit" ? 4 : 3)));
  return text.length > 8 ? String(Number(value.toPrecision(2))) : text;
}

/** Work another number of this stop's tensor through. @param {Context} c @param {Cell} cell */
function look(c, cell) {
  if (roleOf(c, cell) === "now") c.set({ element: cell.at });
}

/** @param {Context} c @param {Cell} cell @param {HTMLInputElement} input @param {number} before */
function change(c, cell, input, before) {
  const value = Number(input.value.replace("−", "-").replace(",", "."));
  if (input.value.trim() === "" || !Number.isFinite(value)) input.value = plain(before, cell.size);
  else if (input.value !== plain(before, cell.size)) c.act({ kind: "set_number", tensor: c.frame.values.tensors[cell.tensor].source, element: cell.at, value });
}

/** The cursor keys move between marks: up and down along a column, to the sides to the nearest. @param {KeyboardEvent} event */
function walk(event) {
  const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  const here = /** @type {HTMLElement} */ (event.target).closest("[data-mark]");
  if (!way || !here) return;
  if (way[0] && here instanceof HTMLInputElement && isInside(here, way[0])) return;
  event.preventDefault();
  const at = here.getBoundingClientRect();
  let [nearest, least] = [/** @type {HTMLElement | undefined} */ (undefined), Infinity];
  for (const other of /** @type {NodeListOf<HTMLElement>} */ (/** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("[data-mark]"))) {
    const { left, top } = other.getBoundingClientRect();
    const [x, y] = [left - at.left, top - at.top];
    const along = x * way[0] + y * way[1];
    const far = along + 2.5 * Math.abs(x * way[1] + y * way[0]);
    if (along > 4 && far < least) [nearest, least] = [other, far];
  }
  nearest?.focus();
}

/** Whether the caret has a way to go inside the text. @param {HTMLInputElement} input @param {number} way */
function isInside(input, way) {
  const isAll = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  return !isAll && (way < 0 ? input.selectionStart !== 0 : input.selectionEnd !== input.value.length);
}

/** @param {Context} c @param {number} most */
function legend(c, most) {
  return html`<ul class="legend bp-legend" aria-label=${c.t("legend")}>
    <li><span class="key current"></span>${c.t("legend.current")}</li><li><span class="key read"></span>${c.t("legend.read")}</li>
    <li>${c.t("legend.gradient")} −${c.number(most, 2)} <span class="scale signed"></span> ${c.number(most, 2)} <span class="soft">${c.t("legend.root")}</span></li>
    <li><span class="after" aria-hidden="true">→</span> ${c.t("legend.after")}</li></ul>`;
}

/** The graph as a file. @param {Context} c @param {import("./layout.js").Graph} sheet @param {ReturnType<typeof known>} seen @param {number} most */
function saved(c, sheet, seen, most) {
  const light = { ...c, dark: false };
  let inner = "";
  for (const edge of sheet.edges) {
    const isKnown = edge.weight && seen.g.has(edge.weight.tensor);
    inner += mark("path", { d: pathOf(edge), fill: "none", stroke: isKnown && edge.weight ? tint(light, numberOf(c, "g", edge.weight), most).fill : "#7b8591", "stroke-width": 1.5 });
  }
  for (const { tensor, x, y, width } of sheet.heads) inner += words(x + width / 2, y + 15, tensor === LOSS ? "E" : c.frame.values.tensors[tensor].plain, { "text-anchor": "middle", "font-weight": 600 });
  for (const cell of sheet.cells) inner += savedCell(light, cell, seen, most);
  return drawingOf(sheet.width, sheet.height, `${c.t("graph")}: ${stopOf(c).phase}`, inner);
}

/** @param {Context} c @param {Cell} cell @param {ReturnType<typeof known>} seen @param {number} most */
function savedCell(c, cell, seen, most) {
  const role = roleOf(c, cell);
  const colour = seen.g.has(cell.tensor) ? tint(c, numberOf(c, "g", cell), most) : undefined;
  const edge = role === "read" ? "#6b3fa0" : role ? "#1c2127" : "#7b8591";
  const isKnown = cell.tensor === LOSS ? seen.loss : seen.v.has(cell.tensor);
  const fill = cell.size !== "unit" && colour ? colour.fill : "#ffffff";
  const middle = cell.x + cell.width / 2;
  let inner = mark("rect", { x: cell.x, y: cell.y, width: cell.width, height: cell.height, rx: 5, fill, stroke: edge, "stroke-width": role === "now" ? 1.2 : role ? 2.5 : 1 });
  if (cell.size === "dot") return inner;
  const text = { "text-anchor": "middle" };
  inner += words(middle, cell.y + 17, isKnown ? hidden(c, numberOf(c, "v", cell), 4) : "·", { ...text, fill: cell.size !== "unit" && colour ? colour.ink : "#1c2127" });
  if (cell.size !== "unit" || !colour) return inner;
  if (seen.u.has(cell.tensor)) return inner + words(middle, cell.y + 34, `→ ${hidden(c, numberOf(c, "u", cell), 4)}`, text);
  inner += mark("rect", { x: cell.x + 4, y: cell.y + 22, width: cell.width - 8, height: 15, rx: 3, fill: colour.fill });
  return inner + words(middle, cell.y + 34, hidden(c, numberOf(c, "g", cell), 3), { ...text, fill: colour.ink });
}
