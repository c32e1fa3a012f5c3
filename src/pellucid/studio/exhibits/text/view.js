/** A text, three networks that learn it, what one of them goes on with, its gates, and how far back each one learns from. */
import { html, nothing } from "../../page/third_party/lit.js";
import "../../page/parts/chart.js";
import { colourOf } from "../../page/parts/colours.js";
import { button, number, select, slider, text } from "../../page/parts/controls.js";
import { drawingOf, mark, words } from "../../page/parts/drawing.js";
import { figure } from "../../page/parts/figure.js";
import { tex } from "../../page/parts/formula.js";
import { inPieces, inTurn, kept } from "../../page/parts/kept.js";
import { matrix } from "../../page/parts/matrix.js";
import { tip } from "../../page/parts/tip.js";
import { told } from "../../page/parts/told.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const KINDS = ["rnn", "lstm", "gru"];
const SHARES = ["i", "f", "o", "r", "z"];

/** A character that can be seen. @param {Context} c @param {number} token */
const letter = (c, token) => {
  const written = c.frame.values.vocabulary[token];
  return written === " " ? "␣" : written === "\n" ? "↵" : written;
};

/** @param {Context} c */
const chosen = (c) => Math.min(c.local.at ?? c.frame.values.prompted - 1, c.frame.arrays.tokens.data.length - 1);

/** @param {Context} c @param {number} chance */
const percent = (c, chance) => `${c.number(100 * chance, 3)} %`;

/** The characters expected most behind a place. @param {Context} c @param {number} at */
function expected(c, at) {
  const { likeliest, likely } = c.frame.arrays;
  const each = likeliest.shape[1];
  return Array.from({ length: each }, (_, i) => ({ letter: letter(c, likeliest.data[at * each + i]), chance: likely.data[at * each + i] }));
}

/** @param {Context} c @param {number} at */
function saying(c, at) {
  const chance = c.frame.arrays.chances.data[at];
  const next = expected(c, at).map((each) => `${each.letter} ${percent(c, each.chance)}`).join("   ");
  return tip(
    c.t("character", { letter: letter(c, c.frame.arrays.tokens.data[at]), place: at + 1 }),
    Number.isFinite(chance) ? c.t("chance", { chance: percent(c, chance) }) : c.t("chance.first"),
    c.t("next.tip", { next }),
  );
}

/** @param {Context} c */
function source(c) {
  const { name, characters, vocabulary, excerpt } = c.frame.values;
  const title = name === "sentences" ? c.t("source.sentences") : name === "own" ? c.t("source.own") : name;
  return html`<section><h2>${c.t("source")}</h2>
    <p class="soft">${title}: ${c.t("source.size", { characters: c.number(characters, 6), symbols: vocabulary.length - 1 })}</p>
    <div class="given" tabindex="0" role="region" aria-label=${c.t("source.excerpt")}>${excerpt}…</div>
    <div class="controls">${text(c, { name: "own", rows: 3, placeholder: c.t("own.placeholder") })}
      ${slider(c, { name: "window", min: 4, max: 64 })}</div></section>`;
}

/** @param {Context} c */
function networks(c) {
  const { networks: rows } = c.frame.values;
  return html`<section><h2>${c.t("networks.title")}</h2>
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("networks.title")}><table>
      <thead><tr><th scope="col">${c.t("network")}</th><th scope="col">${c.t("parameters")}</th><th scope="col">${c.t("training")}</th><th scope="col">${c.t("validation")}</th></tr></thead>
      <tbody>${rows.map((/** @type {any} */ each) => html`<tr><th scope="row">${c.t(`shown.${each.kind}`)}</th><td>${c.number(each.parameters, 6)}</td>
        <td>${c.number(each.loss, 3)}</td><td>${c.number(each.validation, 3)}</td></tr>`)}</tbody></table></div>
    ${rows.filter((/** @type {any} */ each) => each.diverged).map((/** @type {any} */ each) => html`<p class="diverged" role="status">${c.t("diverged", { network: c.t(`shown.${each.kind}`), step: each.steps })}</p>`)}
    <div class="controls">${select(c, { name: "networks", options: ["all", ...KINDS] })}
      ${slider(c, { name: "units", min: 4, max: 128, step: 4 })}
      ${number(c, { name: "learning_rate", min: 0.0001, max: 10 })}
      ${number(c, { name: "seed", min: 0, step: 1 })}</div></section>`;
}

/** @param {Context} c */
function losses(c) {
  const { kinds, every, guessing } = c.frame.values;
  const series = kinds.map((/** @type {string} */ kind) => ({ name: c.t(`shown.${kind}`), values: c.frame.arrays[`loss.${kind}`].data, category: KINDS.indexOf(kind), formula: c.t("loss.formula") }));
  const longest = Math.max(...series.map((/** @type {any} */ each) => each.values.length));
  return figure(c, { name: "loss", title: c.t("loss"), caption: c.t("loss.caption", { guessing: c.number(guessing, 3) }), body: html`<line-chart .plot=${{
    label: c.t("loss"), x: Array.from({ length: longest }, (_, i) => (i + 1) * every), xLabel: c.t("step.axis"), yLabel: c.t("loss.axis"), series, dark: c.dark,
  }}></line-chart>` });
}

/** The text, each character as bright as it was expected. @param {Context} c */
function written(c) {
  const { tokens, chances } = c.frame.arrays;
  const at = chosen(c);
  /** @param {number} i @param {boolean} dark */
  const colours = (i, dark) => (Number.isFinite(chances.data[i]) ? colourOf(chances.data[i], [0, 1], "sequential", dark) : undefined);
  /** @param {number} i */
  const choose = (i) => { c.local.at = i; c.redraw(); };
  /** @param {KeyboardEvent} event */
  const walk = (event) => {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tokens.data.length - 1 };
    const next = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (next === undefined) return;
    event.preventDefault();
    const to = Math.max(0, Math.min(tokens.data.length - 1, next));
    choose(to);
    /** @type {HTMLElement | undefined} */ (/** @type {HTMLElement} */ (event.currentTarget).children[to])?.focus();
  };
  const toSvg = () => drawn(c, colours);
  return html`<div class="written" role="group" aria-label=${c.t("written")} .toSvg=${toSvg} @keydown=${walk}>${inPieces(c, tokens.data.length, { pieces: 8 }, (i) => {
    const colour = colours(i, c.dark);
    return html`<button type="button" class=${i < c.frame.values.prompted ? "prompted" : ""} tabindex=${i === at ? 0 : -1} aria-pressed=${String(i === at)}
      ${told(c, () => saying(c, i))} .style=${colour ? `--cell:${colour.fill};--cell-ink:${colour.ink}` : ""} @click=${() => choose(i)}>${letter(c, tokens.data[i])}</button>`;
  })}</div>`;
}

/** @param {Context} c @param {(i: number, dark: boolean) => {fill: string, ink: string} | undefined} colours */
function drawn(c, colours) {
  const across = 40;
  const { data } = c.frame.arrays.tokens;
  const marks = Array.from(data, (token, i) => {
    const [x, y] = [(i % across) * 20, Math.floor(i / across) * 26];
    const { fill, ink } = colours(i, false) ?? { fill: "#ffffff", ink: "#000000" };
    return mark("rect", { x: x + 1, y: y + 1, width: 18, height: 24, fill }) + words(x + 10, y + 17, letter(c, token), { "text-anchor": "middle", fill: ink });
  });
  return drawingOf(across * 20, Math.ceil(data.length / across) * 26, c.t("written"), marks.join(""));
}

/** What everything is drawn from, beside numbers of its own. @param {Context} c */
const asked = (c) => [c.settings, c.dark, c.language, ...Object.keys(c.settings).concat("draw").map((name) => c.refusal(name))];
/** How long the lines are: with it they change. @param {Context} c */
const grown = (c) => c.frame.values.kinds.map((/** @type {string} */ kind) => c.frame.arrays[`loss.${kind}`].data.length).join();

/** @param {Context} c */
function generated(c) {
  const at = chosen(c);
  const { kinds } = c.frame.values;
  return html`<section class="asked">${figure(c, { name: "text", title: c.t("generated", { network: c.t(`shown.${c.frame.values.shown}`) }), caption: html`${c.t("generated.caption")} <span class="scale sequential" aria-hidden="true"></span> 0–100 %`, body: written(c) })}
    <div class="beside"><div class="controls">
      ${kinds.length > 1 ? select(c, { name: "shown", options: kinds }) : nothing}
      ${text(c, { name: "prompt" })}
      ${slider(c, { name: "temperature", min: 0, max: 2, step: 0.1 })}
      ${slider(c, { name: "length", min: 0, max: 300, step: 10 })}
      <div class="control">${button(c, { name: "draw", press: () => c.set({ draw: (c.settings.draw + 1) % 1000 }) })}</div></div>
    <section class="panel"><h2>${c.t("next", { letter: letter(c, c.frame.arrays.tokens.data[at]), place: at + 1 })}</h2>
      <ol class="next">${expected(c, at).map((each) => html`<li><code>${each.letter}</code>
        <span class="chance" aria-hidden="true" .style=${`--chance:${100 * each.chance}%;--cell:${colourOf(each.chance, [0, 1], "sequential", c.dark).fill}`}></span><span>${percent(c, each.chance)}</span></li>`)}</ol></section></div></section>`;
}

/** Up and down lead from one gate to the next. @param {KeyboardEvent} event */
function betweenRows(event) {
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const at = /** @type {HTMLElement} */ (event.target);
  const found = /^gates-(\d+)$/.exec(at.closest("table")?.id.replace(/^matrix-/, "") ?? "");
  if (!way || !found) return;
  event.preventDefault();
  /** @type {HTMLElement | null} */ (document.querySelector(`#matrix-gates-${Number(found[1]) + way} [data-cell="${at.dataset.cell}"]`))?.focus();
}

/** @param {Context} c @param {(gate: string) => string} name */
function stripsSvg(c, name) {
  const { gates } = c.frame.values;
  const side = 18;
  let marks = "";
  gates.forEach((/** @type {string} */ gate, /** @type {number} */ row) => {
    marks += words(106, row * side + 32, name(gate), { "text-anchor": "end" });
    c.frame.arrays[`gate.${gate}`].data.forEach((value, at) => {
      marks += mark("rect", { x: 112 + at * side, y: row * side + 18, width: side - 1, height: side - 1, fill: colourOf(value, [-1, 1], "signed", false).fill });
    });
  });
  c.frame.arrays.tokens.data.forEach((token, at) => { marks += words(112 + at * side + side / 2, 13, letter(c, token), { "text-anchor": "middle" }); });
  return drawingOf(112 + c.frame.arrays.tokens.data.length * side, gates.length * side + 24, c.t("gates"), marks);
}

/** @param {Context} c */
function opened(c) {
  const { gates, shown } = c.frame.values;
  const tokens = c.frame.arrays.tokens.data;
  const at = chosen(c);
  const who = c.settings.unit ? c.t("unit.one", { unit: c.settings.unit }) : c.t("unit.mean");
  /** @param {string} gate */
  const name = (gate) => c.t(`gate.${shown}.${gate}`);
  /** @param {string} gate @param {number} row */
  const strip = (gate, row) => matrix(c, {
    name: `gates-${row}`, label: name(gate), values: c.frame.arrays[`gate.${gate}`].data, rows: 1, pieces: { pieces: 3, first: 3 * row, turns: 3 * gates.length }, columns: tokens.length, range: [-1, 1], digits: 2, current: [0, at],
    classes: (_, column) => (column === at ? "current" : ""),
    describe: (_, column, value) => tip(name(gate), `${c.number(value, 3)} (${who})`, c.t(`formula.${shown}.${gate}`), c.t("character", { letter: letter(c, tokens[column]), place: column + 1 })),
  });
  return figure(c, { name: "gates", title: c.t("gates.title", { network: c.t(`shown.${shown}`) }), caption: html`${who}; <span class="scale signed" aria-hidden="true"></span> ${c.t("gates.caption")}`, body: html`<div class="gates" .toSvg=${() => stripsSvg(c, name)}>
    <ol class="names">${gates.map((/** @type {string} */ gate) => html`<li data-tip=${tip(name(gate), c.t(`formula.${shown}.${gate}`), SHARES.includes(gate) ? c.t("gate.share") : undefined)}>${name(gate)}</li>`)}</ol>
    <div class="strip" tabindex="0" role="region" aria-label=${c.t("gates")} @keydown=${betweenRows}><div class="letters" aria-hidden="true">${Array.from(tokens, (token, i) => html`<span class=${i === at ? "at" : ""}>${letter(c, token)}</span>`)}</div>
      ${gates.map((/** @type {string} */ gate, /** @type {number} */ row) => strip(gate, row))}</div></div>`,
  extra: html`<div class="controls narrow">${slider(c, { name: "unit", min: 0, max: c.settings.units })}</div>` });
}

/** @param {Context} c */
function reaching(c) {
  const kinds = c.frame.values.kinds.filter((/** @type {string} */ kind) => c.frame.arrays[`reach.${kind}`]);
  const series = kinds.map((/** @type {string} */ kind) => ({ name: c.t(`shown.${kind}`), values: Array.from(c.frame.arrays[`reach.${kind}`].data, (value) => (value > 0 ? value : null)), category: KINDS.indexOf(kind), formula: c.t("reach.formula") }));
  const longest = Math.max(1, ...series.map((/** @type {any} */ each) => each.values.length));
  return figure(c, { name: "reach", title: c.t("reach"), caption: c.t("reach.caption", { window: c.settings.window }), body: html`<line-chart .plot=${{
    label: c.t("reach"), x: Array.from({ length: longest }, (_, i) => i), xLabel: c.t("reach.x"), yLabel: c.t("reach.y"), series, dark: c.dark, logarithmic: true, height: 260,
  }}></line-chart>` });
}

/** Why it fades. @param {Context} c */
function formula(c) {
  const chain = "\\frac{\\partial h_T}{\\partial x_{T-d}} = \\frac{\\partial h_T}{\\partial h_{T-1}} \\cdots \\frac{\\partial h_{T-d+1}}{\\partial h_{T-d}} \\cdot \\frac{\\partial h_{T-d}}{\\partial x_{T-d}}";
  return html`<section class="panel"><h2>${c.t("fading")}</h2><div class="wide" tabindex="0" role="region" aria-label=${c.t("fading")} ${tex(chain, true)}></div>
    <p class="soft">${c.t("reach.text")}</p></section>`;
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  status: (c) => html`${c.t("at", { steps: c.frame.values.steps })}`,
  render: (c) => html`<link rel="stylesheet" href="/exhibits/text/style.css">
    <div class="flow">${kept([c.frame.values.name, ...asked(c)], () => source(c))}<span class="into" aria-hidden="true">→</span>${inTurn(c, 0, 2, () => networks(c))}<span class="into" aria-hidden="true">→</span>
      ${inTurn(c, 1, 2, () => html`${kept([grown(c), ...asked(c)], () => losses(c))}`)}</div>
    ${generated(c)}<section class="asked">${opened(c)}</section><div class="beside">${kept([c.frame.values.follows, ...asked(c)], () => reaching(c))}${kept([c.language], () => formula(c))}</div>`,
};
