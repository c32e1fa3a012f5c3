/** The page's beginning: reads the address, draws the shell, and joins one view with one engine. */
import { render } from "../third_party/lit.js";
import { hideTip, listenForTips } from "../parts/tip.js";
import { tellAll } from "../parts/told.js";
import { asSaved, readAddress, writeAddress } from "./address.js";
import { Connection } from "./connection.js";
import { TAGS, fetchJson, speaker, usualLanguage, written } from "./language.js";
import { layout } from "./layout.js";

/** @typedef {import("./exhibit.js").Context} Context */
/** @typedef {import("./exhibit.js").Frame} Frame */

/** @typedef {import("./layout.js").Store} Store */

/** @type {Store} */
const store = {
  address: readAddress(location.hash), exhibits: [], versions: {}, words: { en: {}, zh: {} }, own: { en: {}, zh: {} },
  view: undefined, frame: undefined, settings: undefined, local: {}, identity: {}, plays: true, slow: false, shortcuts: true,
  hasFailed: false, isLost: false, refusal: undefined, state: "connecting", sources: {}, notice: "", painted: [],
};
const language = () => store.address.lang ?? usualLanguage();
const darkness = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (store.address.theme ? store.address.theme === "dark" : darkness.matches);
const t = (/** @type {string} */ key, /** @type {any} */ values = undefined) => speaker(language(), store.own, store.words)(key, values);

/** @type {Connection | undefined} */
let connection;
/** @type {(() => void) | void} */
let unmount;
let isMounted = false;
let isDue = false;
let isAsked = false; // by something else than the next frame
/** @type {Record<string, any> | undefined} */
let waitingChanges;

/** Draw what has changed, at the next painting. */
function redraw() {
  isAsked = true;
  schedule();
}

function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDue = false;
  const begun = performance.now();
  const frame = store.frame;
  const isNew = frame && frame.number !== acknowledged;
  if (isNew) turns += 1;
  const turn = frame?.playing && !isAsked ? turns : undefined;
  isAsked = false;
  dress();
  render(layout(store, { t, language: language(), context: frame && context(frame, turn), do: deeds }), /** @type {HTMLElement} */ (document.getElementById("studio")));
  if (turn === undefined) tellAll();
  if (isNew && connection) {
    acknowledged = frame.number;
    connection.say({ type: "ack", frame: frame.number });
    queueMicrotask(() => measure(begun)); // charts paint in a microtask of their own
  }
  if (frame && store.view?.mount && !isMounted) {
    isMounted = true;
    unmount = store.view.mount(context(frame));
  }
}
let acknowledged = 0;
let turns = 0;

/** Language, theme and title of the document; set only when they change, because the browser then styles all of it anew. */
function dress() {
  const root = document.documentElement;
  const theme = store.address.theme ?? "system";
  const title = `${t("title")} · pellucid studio`;
  if (root.lang !== TAGS[language()]) root.lang = TAGS[language()];
  if (root.dataset.theme !== theme) root.dataset.theme = theme;
  if (document.title !== title) document.title = title;
}

/** Keep how long a frame took: our part as `frame`, with the browser's style, layout and painting as `painted`. @param {number} begun */
function measure(begun) {
  performance.measure("frame", { start: begun, end: performance.now() });
  afterPainting.port2.postMessage(begun);
  store.painted = [...store.painted.filter((at) => at > begun - 2000), begun];
  if (performance.getEntriesByName("frame").length > 1000) performance.clearMeasures();
}
const afterPainting = new MessageChannel(); // the next task comes when the browser has painted
afterPainting.port1.onmessage = (/** @type {MessageEvent} */ event) => performance.measure("painted", { start: event.data, end: performance.now() });

/** @param {Frame} frame @param {number} [turn] @returns {Context} */
function context(frame, turn) {
  return {
    frame, turn, settings: store.settings ?? {}, local: store.local, t, number: written, language: language(), dark: isDark(), redraw,
    act: (action) => {
      store.refusal = undefined;
      connection?.say({ type: "act", action });
    },
    set,
    refusal: (control) => (store.refusal?.control === control ? store.refusal : undefined),
    isHidden: (control) => store.address.hide.includes(control),
  };
}

/** Show a change at once, and tell the engine once a painting. @param {Record<string, any>} changes */
function set(changes) {
  store.refusal = undefined;
  if (!waitingChanges) {
    requestAnimationFrame(() => {
      connection?.say({ type: "set", changes: waitingChanges });
      waitingChanges = undefined;
    });
  }
  waitingChanges = { ...waitingChanges, ...changes };
  store.settings = { ...store.settings, ...changes };
  redraw();
}

/** @param {"play" | "pause" | "step" | "reset"} todo */
function drive(todo) {
  store.refusal = undefined;
  store.hasFailed = false;
  connection?.say({ type: "transport", do: todo });
  redraw();
}

/** What the marks of the page do. @type {import("./layout.js").Deeds} */
const deeds = {
  turn, go, open, drive, pace, showSources, take,
  link: () => location.origin + "/" + writeAddress(shared()),
  file: () => JSON.stringify(shared(), null, 1),
  useShortcuts: (on) => { store.shortcuts = on; redraw(); },
  dismiss: () => { store.notice = ""; redraw(); },
  enter: (token) => { store.address.token = token; remember(); join(); },
};

/** @param {string} id */
function open(id) {
  hideTip();
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById(id));
  if (dialog && !dialog.open) dialog.showModal();
  redraw();
}

function showSources() {
  connection?.say({ type: "show" });
  open("sources-dialog");
}

/** What a link or a file holds. */
function shared() {
  const { exhibit, lang, theme, hide } = store.address;
  const state = store.settings && { settings: store.settings, versions: store.versions, identity: store.identity };
  return { exhibit, lang, theme, hide, state };
}

/** Take a link or a file that somebody shared. @param {string} text */
function take(text) {
  let found;
  try {
    found = text.trim().startsWith("{") ? JSON.parse(text) : readAddress(text);
  } catch {
    found = {};
  }
  const saved = asSaved(found.state);
  const isKnown = store.exhibits.some((each) => each.name === found.exhibit);
  if (!isKnown || !saved) return false;
  const hide = Array.isArray(found.hide) ? found.hide.filter((/** @type {unknown} */ name) => typeof name === "string") : [];
  store.address = { ...store.address, exhibit: found.exhibit, hide, state: saved };
  visit();
  return true;
}

/** @param {boolean} slow */
function pace(slow) {
  store.slow = slow;
  connection?.say({ type: "pace", slow });
  redraw();
}

/** @param {Partial<import("./address.js").Address>} change */
function turn(change) {
  Object.assign(store.address, change);
  keep();
  redraw();
}

/** @param {string} name */
function go(name) {
  if (name === store.address.exhibit) return;
  store.address = { ...store.address, exhibit: name, state: undefined, hide: [] };
  history.pushState(null, "", writeAddress(store.address));
  visit();
}

/** Keep the exhibit's whole state in the address, not more often than browsers allow. */
function keep() {
  clearTimeout(keeping);
  keeping = setTimeout(() => {
    store.address.state = shared().state;
    history.replaceState(null, "", writeAddress(store.address));
  }, 250);
}
/** @type {number | undefined} */
let keeping;

/** The token leaves the address, so that a link that is shared does not hold it; the tab keeps it over a reload. */
function remember() {
  if (store.address.token) sessionStorage.setItem("token", store.address.token);
  else store.address.token = sessionStorage.getItem("token") ?? undefined;
}

/** Show the exhibit that the address names. */
async function visit() {
  clearTimeout(keeping);
  connection?.close();
  unmount?.();
  unmount = undefined;
  isMounted = false;
  const named = store.exhibits.find((each) => each.name === store.address.exhibit) ?? store.exhibits[0];
  const name = named.name;
  Object.assign(store, { view: undefined, frame: undefined, settings: undefined, refusal: undefined, hasFailed: false, local: {}, sources: {}, slow: false });
  store.address.exhibit = name;
  store.notice = strangeness(store.address.state);
  join();
  const [own, module] = await Promise.all([fetchJson(`/exhibits/${name}/strings.json`), import(`/exhibits/${name}/view.js`)]);
  if (store.address.exhibit !== name) return;
  store.own = own;
  store.view = module.default;
  draw();
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** What differs between who shared a state and us. @param {import("./address.js").Saved | undefined} saved */
function strangeness(saved) {
  const theirs = saved?.versions?.pellucid;
  return theirs && theirs !== store.versions.pellucid ? t("other-version", { theirs, ours: store.versions.pellucid }) : "";
}

function join() {
  connection?.close();
  acknowledged = 0;
  const exhibit = store.address.exhibit ?? "";
  connection = new Connection(
    () => ({ token: store.address.token ?? "", exhibit, settings: store.settings ?? store.address.state?.settings ?? null }),
    { frame: (frame) => { store.frame = frame; schedule(); }, told, state: connectionState },
  );
}

/** @param {"connecting" | "connected" | "waiting" | "refused"} state */
function connectionState(state) {
  if (state === "connected") {
    acknowledged = 0; // a new engine counts from 1 again
    if (store.slow) connection?.say({ type: "pace", slow: true });
  }
  store.state = state;
  store.isLost = state === "waiting" || (state === "connecting" && store.isLost);
  redraw();
}

/** @param {any} message */
function told(message) {
  switch (message.type) {
    case "ready": {
      store.plays = message.plays;
      store.identity = message.identity;
      const theirs = store.address.state?.identity ?? {};
      if (Object.keys(theirs).some((key) => theirs[key] !== message.identity[key])) store.notice = t("other-data");
      break;
    }
    case "settings":
      store.settings = waitingChanges ? { ...message.settings, ...waitingChanges } : message.settings;
      keep();
      break;
    case "refused": store.refusal = message; break;
    case "sources": store.sources = message.sources; break;
    case "failed": store.hasFailed = true; break;
  }
  redraw();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isBusy = event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
  if (isBusy || target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]")) return;
  if (event.key === "?") open("help-dialog");
  if (!store.shortcuts || !store.plays || event.repeat) return;
  const onButton = target.closest("button, a, summary, [type=checkbox], [role=button]");
  if (event.key === " " && !onButton) drive(store.frame?.playing ? "pause" : "play");
  else if (event.key === "s") drive("step");
  else if (event.key === "w") pace(!store.slow);
  else if (event.key === "r") drive("reset");
  else return;
  event.preventDefault();
}

async function begin() {
  remember();
  listenForTips();
  addEventListener("keydown", onKey);
  addEventListener("resize", redraw);
  darkness.addEventListener("change", redraw);
  const whenMoved = () => {
    const { token } = store.address;
    store.address = { ...readAddress(location.hash) };
    store.address.token ??= token;
    remember();
    visit();
  };
  addEventListener("popstate", whenMoved);
  setInterval(() => store.frame?.playing && schedule(), 1000);
  const [listed, words] = await Promise.all([fetchJson("/exhibits.json"), fetchJson("/page/strings.json")]);
  Object.assign(store, { exhibits: listed.exhibits, versions: listed.versions, words });
  if (store.exhibits.length) await visit();
  history.replaceState(null, "", writeAddress(store.address));
}

begin();
