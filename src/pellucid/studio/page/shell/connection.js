/** The socket to the engine: greets, hears frames, and comes back by itself when it was lost. */

/** @typedef {import("./exhibit.js").Frame} Frame */
/** @typedef {import("./exhibit.js").Numbers} Numbers */

/** @type {Record<string, {new (buffer: ArrayBuffer, offset: number, length: number): Numbers}>} */
const KINDS = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array,
  uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array, int32: Int32Array,
};
/** Why the server closed a socket for good: to come back would change nothing. */
const FINAL = new Set([4400, 4401, 4404]);

/** A frame's message, looked at without a copy. @param {ArrayBuffer} buffer @returns {Frame} */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  /** @type {Frame["arrays"]} */
  const arrays = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const count = shape.reduce((/** @type {number} */ product, /** @type {number} */ side) => product * side, 1);
    arrays[name] = { data: new KINDS[dtype](buffer, 4 + length + offset, count), shape };
  }
  return { number: header.number, playing: header.playing, values: header.values, arrays };
}

export class Connection {
  /**
   * @param {() => {token: string, exhibit: string, settings: Record<string, any> | null}} greeting
   * @param {{frame: (frame: Frame) => void, told: (message: any) => void,
   *          state: (state: "connecting" | "connected" | "waiting" | "refused", code: number) => void}} hears
   */
  constructor(greeting, hears) {
    this.greeting = greeting;
    this.hears = hears;
    this.tries = 0;
    /** @type {WebSocket | undefined} */
    this.socket = undefined;
    this.isOver = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.open();
  }

  open() {
    this.hears.state("connecting", 0);
    const socket = new WebSocket(`ws://${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", ...this.greeting() }));
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket) return;
      if (this.tries >= 0) {
        this.tries = -1; // heard: the next loss begins with a short wait again
        this.hears.state("connected", 0);
      }
      if (typeof data === "string") this.hears.told(JSON.parse(data));
      else this.hears.frame(decode(data));
    };
    socket.onclose = ({ code }) => {
      if (this.isOver || this.socket !== socket) return;
      if (FINAL.has(code)) {
        this.hears.state("refused", code);
        return;
      }
      this.tries = Math.max(this.tries, 0) + 1;
      const wait = Math.min(8000, 250 * 2 ** this.tries) * (0.75 + Math.random() / 2);
      this.hears.state("waiting", code);
      this.timer = setTimeout(() => this.open(), wait);
    };
  }

  /** @param {Record<string, any>} message */
  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}
