/** A figure with its caption, and its export as SVG and PNG. */
import { html, nothing } from "../third_party/lit.js";

/** @typedef {import("../shell/exhibit.js").Context} Context */

/**
 * @param {Context} c
 * @param {object} of
 * @param {string} of.name  of the file that is saved
 * @param {string} of.title
 * @param {unknown} [of.caption]
 * @param {unknown} of.body  what is shown; its drawing has a method `toSvg()` that gives the figure as a text
 * @param {unknown} [of.extra]  controls that belong to the figure
 */
export function figure(c, { name, title, caption = nothing, body, extra = nothing }) {
  /** @param {Event} event */
  const drawing = (event) => {
    const around = /** @type {HTMLElement} */ (event.currentTarget).closest("figure");
    const found = [...(around?.querySelectorAll("*") ?? [])].find((each) => "toSvg" in each);
    return /** @type {{toSvg: () => string} | undefined} */ (/** @type {unknown} */ (found))?.toSvg() ?? "";
  };
  /** @param {Event} event */
  const asSvg = (event) => download(`${name}.svg`, new Blob([drawing(event)], { type: "image/svg+xml" }));
  /** @param {Event} event */
  const asPng = async (event) => download(`${name}.png`, await rasterised(drawing(event)));
  return html`<figure class="drawn" data-name=${name}>
    <figcaption><strong>${title}</strong> <span>${caption}</span>
      <span class="saving"><button type="button" class="link" aria-label=${`${title}: SVG`} data-tip=${c.t("save", { kind: "SVG" })} @click=${asSvg}>SVG</button>
      <button type="button" class="link" aria-label=${`${title}: PNG`} data-tip=${c.t("save", { kind: "PNG" })} @click=${asPng}>PNG</button></span></figcaption>
    ${body}${extra}</figure>`;
}

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** An SVG text as a picture twice as large. @param {string} text @returns {Promise<Blob>} */
async function rasterised(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const image = new Image();
  image.src = address;
  await image.decode();
  URL.revokeObjectURL(address);
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width * 2, height: image.height * 2 });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture")))));
}
