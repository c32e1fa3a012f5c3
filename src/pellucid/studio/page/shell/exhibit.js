/**
 * What a view is, and what the shell gives it; docs/studio.md tells how to write one.
 *
 * @typedef {Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array} Numbers
 *
 * @typedef {object} Tensor
 * @property {Numbers} data  in row-major order; a view of the message, valid as long as it is held
 * @property {number[]} shape
 *
 * @typedef {object} Frame
 * @property {number} number
 * @property {boolean} playing
 * @property {Record<string, any>} values
 * @property {Record<string, Tensor>} arrays
 *
 * @typedef {object} Refusal
 * @property {string} control
 * @property {string} kind  of error
 * @property {string} key
 * @property {Record<string, any>} values
 * @property {string} message
 * @property {string} expected
 * @property {string} advice
 *
 * @typedef {object} Context
 * @property {Frame} frame  the newest
 * @property {number | undefined} turn  the number of frames so far while it plays; undefined where it does not, and where the reader has done something
 * @property {Record<string, any>} settings  the engine's, as it last told them
 * @property {Record<string, any>} local  the view's own, kept while the exhibit is shown, in no address
 * @property {(key: string, values?: Record<string, any>) => string} t  a string in the reader's language
 * @property {(value: number | null | undefined, digits?: number) => string} number  a number as it is written there
 * @property {(changes: Record<string, any>) => void} set  change settings; several within one painting go as one
 * @property {(action: {kind: string} & Record<string, any>) => void} act  one of the engine's actions
 * @property {() => void} redraw  draw again, after `local` has changed
 * @property {(control: string) => Refusal | undefined} refusal  what the engine refused of a control
 * @property {(control: string) => boolean} isHidden  whether the teacher hides it
 * @property {"en" | "zh"} language
 * @property {boolean} dark
 *
 * @typedef {object} View
 * @property {(c: Context) => unknown} render  the exhibit, a lit template; called for every frame
 * @property {(c: Context) => unknown} [status]  a few live numbers beside the transport bar
 * @property {string[]} [sources]  which of `pytorch` and `arrows` the engine's `sources` has
 * @property {(c: Context) => (() => void) | void} [mount]  called once after the first frame; what it returns, at the end
 */
export {};
