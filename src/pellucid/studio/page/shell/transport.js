/** Play, Step, Slow, Reset: the same bar in every exhibit. */
import { html, nothing, svg } from "../third_party/lit.js";
import { tip } from "../parts/tip.js";

/** @typedef {import("./exhibit.js").Context} Context */

const SHAPES = {
  play: svg`<path d="M4 2.5v11l9-5.5z"/>`,
  pause: svg`<path d="M4 2.5h3v11H4zM9 2.5h3v11H9z"/>`,
  step: svg`<path d="M3 2.5v11l7-5.5zM11 2.5h2.2v11H11z"/>`,
  slow: svg`<path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.7a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6zM7.2 4.5v4.1l3 1.8.8-1.3-2.2-1.3V4.5z"/>`,
  reset: svg`<path d="M8 2.2V.4L4.6 3.2 8 6V4.1a4.2 4.2 0 1 1-4.2 4.3H1.9A6.1 6.1 0 1 0 8 2.2z"/>`,
};

/**
 * @param {Context} c
 * @param {{slow: boolean, drive: (todo: "play" | "pause" | "step" | "reset") => void, pace: (slow: boolean) => void}} bar
 */
export function transport(c, { slow, drive, pace }) {
  const { playing } = c.frame;
  /** @param {keyof typeof SHAPES} name @param {string} key @param {() => void} press @param {string} [extra] */
  const button = (name, key, press, extra = "") => c.isHidden(name === "pause" ? "play" : name) ? nothing : html`
    <button type="button" class="transport ${extra}" id=${name === "pause" ? "play" : name}
      aria-keyshortcuts=${key === "␣" ? "Space" : key} aria-pressed=${name === "slow" ? String(slow) : nothing}
      data-tip=${tip(c.t(name), c.t(`${name}.help`), c.t("key", { key: key === "␣" ? c.t("space") : key }))} @click=${press}>
      <svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[name]}</svg><span>${c.t(name)}</span></button>`;
  return html`<div class="transports" role="group" aria-label=${c.t("transport")}>
    ${playing ? button("pause", "␣", () => drive("pause"), "main") : button("play", "␣", () => drive("play"), "main")}
    ${button("step", "s", () => drive("step"))}
    ${button("slow", "w", () => pace(!slow))}
    ${button("reset", "r", () => drive("reset"))}</div>`;
}
