/** Who is ahead, whether the bet was won, and why somebody went astray. */
import { html, live } from "../../page/third_party/lit.js";
import { nameOf, shownLanes } from "./names.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

/** @param {Context} c */
export function verdict(c) {
  const { order, over } = c.frame.values;
  return html`<section class="panel verdict"><h2>${c.t(over ? "ranking.end" : "ranking")}</h2>
    ${bet(c)}<ol>${order.map((/** @type {number} */ lane) => html`<li><strong>${nameOf(c, lane)}</strong> ${reason(c, lane)}</li>`)}</ol>
    <p class="soft"><small>${c.t("ranking.rule")}</small></p></section>`;
}

/** @param {Context} c */
function bet(c) {
  if (c.isHidden("guess")) return "";
  const { order, over } = c.frame.values;
  const { guess } = c.settings;
  const isIn = guess !== null && order.includes(guess);
  const outcome = over && isIn ? html`<p class="notice" role="status">${order[0] === guess ? c.t("guess.right", { name: nameOf(c, guess) }) : c.t("guess.wrong", { name: nameOf(c, guess), place: order.indexOf(guess) + 1, winner: nameOf(c, order[0]) })}</p>` : "";
  return html`<div class="control"><label for="control-guess">${c.t("guess.label")}</label>
    <select id="control-guess" @change=${(/** @type {any} */ event) => c.set({ guess: event.target.value === "" ? null : Number(event.target.value) })}>
      <option value="" .selected=${live(!isIn)}>${c.t("guess.none")}</option>
      ${shownLanes(c).map((lane) => html`<option value=${lane} .selected=${live(lane === guess)}>${nameOf(c, lane)}</option>`)}</select></div>${outcome}`;
}

/** @param {Context} c @param {number} lane */
function reason(c, lane) {
  const { fate, step, arrived, loss, rate, stable, evaluations } = c.frame.values.lanes[lane];
  const { sharpness } = c.frame.values;
  if (fate === "nan" || fate === "far") {
    const why = stable === null ? c.t("astray.other", { rate: c.number(rate) })
      : c.t(rate > stable ? "astray.sharp" : "astray.later", { rate: c.number(rate), bound: c.number(stable, 3), sharpness: c.number(sharpness, 3) });
    return html`<div class="notice bad">${c.t(`astray.${fate}`, { step })} ${why}</div>`;
  }
  if (arrived !== null) return c.t("reason.arrived", { step: arrived, evaluations });
  return c.t("reason.loss", { loss: c.number(loss, 3) });
}
