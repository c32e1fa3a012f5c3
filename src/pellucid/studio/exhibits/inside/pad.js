/** The image as it can be drawn on: `<image-pad .plot=${...}>`, with the pointer, or with the cursor keys, Enter and Delete. */
import { MapPicture } from "./maps.js";

/**
 * @typedef {object} Drawn
 * @property {boolean} erases
 * @property {number} pen  its width, in pixels of the image
 * @property {(bytes: Uint8Array) => void} draw  takes the image (C, H, W) at every stroke
 */

const KEPT = 600;

export class ImagePad extends MapPicture {
  constructor() {
    super();
    /** @type {Drawn | undefined} */
    this.tool = undefined;
    /** What is being drawn; shown in place of the frames' image until they show it too. @type {Uint8Array | undefined} */
    this.bytes = undefined;
    /** @type {[number, number] | undefined} */
    this.last = undefined;
    /** The plot that the page gave last. @type {(import("./maps.js").MapPlot & Drawn) | undefined} */
    this.given = undefined;
    this.ends = 0;
    this.waits = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    const { canvas } = this;
    canvas.style.touchAction = "none";
    canvas.onpointerdown = (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.last = this.exactly(event);
      this.stroke(this.last);
    };
    canvas.onpointerup = canvas.onpointercancel = () => { this.last = undefined; this.release(); };
  }

  /** @param {import("./maps.js").MapPlot & Drawn} plot */
  set plot(plot) {
    this.given = this.tool = plot;
    if (this.bytes && !this.last && (same(this.bytes, plot.values) || this.bytes.length !== plot.values.length)) this.bytes = undefined;
    super.plot = this.bytes ? { ...plot, values: this.bytes } : plot;
  }

  /** The drawing has ended for now: show what the page says again, when it has had time to hear of the drawing. */
  release() {
    this.flush();
    clearTimeout(this.ends);
    this.ends = window.setTimeout(() => {
      if (this.last) return;
      this.bytes = undefined;
      if (this.given) this.plot = this.given;
    }, KEPT);
  }

  /** Where the pointer is, in pixels of the image and their parts. @param {PointerEvent} event @returns {[number, number]} */
  exactly(event) {
    const [height, width] = this.whole();
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientY - box.top) / box.height) * height, ((event.clientX - box.left) / box.width) * width];
  }

  /** @param {PointerEvent} event */
  onPoint(event) {
    if (this.last && event.buttons & 1) this.stroke(this.exactly(event));
    else super.onPoint(event);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key !== "Enter" && event.key !== "Delete" && event.key !== "Backspace") {
      super.onKey(event);
      return;
    }
    event.preventDefault();
    const [row, column] = this.cursor;
    this.line([row + 0.5, column + 0.5], [row + 0.5, column + 0.5], 1, event.key !== "Enter");
    this.release();
    this.tell();
  }

  /** @param {[number, number]} to */
  stroke(to) {
    if (!this.tool) return;
    this.line(this.last ?? to, to, this.tool.pen, this.tool.erases);
    this.last = to;
  }

  /** Draw from one place to another: a pixel takes as much ink as the pen covers of it. @param {[number, number]} from @param {[number, number]} to @param {number} pen @param {boolean} erases */
  line(from, to, pen, erases) {
    const plot = this.shown;
    if (!plot) return;
    const [height, width] = this.whole();
    const bytes = this.bytes ?? Uint8Array.from(plot.values);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const ink = 255 * Math.max(0, Math.min(1, pen / 2 + 0.5 - far([row + 0.5, column + 0.5], from, to)));
        for (let at = row * width + column; ink && at < bytes.length; at += height * width) {
          bytes[at] = erases ? Math.min(bytes[at], 255 - ink) : Math.max(bytes[at], ink);
        }
      }
    }
    this.bytes = bytes;
    super.plot = { ...plot, values: bytes };
    this.send();
  }

  /** Tell of it as often as is painted; large images less often, so that their messages do not pile up. */
  send() {
    if (!this.waits && this.bytes) this.waits = window.setTimeout(() => this.flush(), Math.max(16, this.bytes.length / 800));
  }

  /** Tell of it now, before anything that is asked for next. */
  flush() {
    clearTimeout(this.waits);
    if (this.waits && this.bytes) this.tool?.draw(this.bytes.slice());
    this.waits = 0;
  }
}

/** How far a place is from a line. @param {[number, number]} place @param {[number, number]} from @param {[number, number]} to */
function far([row, column], [top, left], [bottom, right]) {
  const [down, across] = [bottom - top, right - left];
  const length = down * down + across * across;
  const share = length ? Math.max(0, Math.min(1, ((row - top) * down + (column - left) * across) / length)) : 0;
  return Math.hypot(row - top - share * down, column - left - share * across);
}

/** @param {ArrayLike<number>} one @param {ArrayLike<number>} other */
function same(one, other) {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

customElements.define("image-pad", ImagePad);

/** Bytes in base64. @param {Uint8Array} bytes */
export function packed(bytes) {
  let letters = "";
  for (let at = 0; at < bytes.length; at += 8192) letters += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(letters);
}

/**
 * A file's image as bytes (C, H, W), on white where it is transparent, stretched to the size: as `pellucid.predict` reads one.
 *
 * @param {Blob} file @param {number[]} shape @param {boolean} inverted
 */
export async function decoded(file, [channels, height, width], inverted) {
  const image = await createImageBitmap(file);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const count = height * width;
  const bytes = new Uint8Array(channels * count);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    // of grey: the luma of ITU-R 601-2
    const found = channels === 1 ? [Math.round(0.299 * r + 0.587 * g + 0.114 * b)] : [r, g, b];
    for (let k = 0; k < channels; k++) bytes[k * count + i] = inverted ? 255 - found[k] : found[k];
  }
  return bytes;
}
