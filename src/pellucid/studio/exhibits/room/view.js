/** Runs on the left, what they learn in the middle, what is wrong and what helps on the right. */
import { html, live, nothing } from "../../page/third_party/lit.js";
import "../../page/parts/chart.js";
import { button, number, refused, select, slider } from "../../page/parts/controls.js";
import { figure } from "../../page/parts/figure.js";

/** @typedef {import("../../page/shell/exhibit.js").Context} Context */

const HERE = ".";
const SHARES = ["accuracy", "precision", "recall", "f1", "iou", "exact_match"];
const SIGNS = { training: "●", finished: "✓", stopped: "■", diverged: "✕", unreadable: "?", gone: "?" };

/** @param {Context} c @param {string} metric @param {number | null} value */
const figureOf = (c, metric, value) => (value !== null && SHARES.includes(metric) ? `${c.number(100 * value, 3)} %` : c.number(value));
/** @param {Context} c @param {any} line */
const nameOf = (c, line) => (line.change ? c.t("remedy", { number: line.name.slice(1) }) : line.is_own ? c.t("here") : line.name);
/** @param {Context} c @param {string} state */
const stateOf = (c, state) => html`<span aria-hidden="true">${SIGNS[/** @type {"gone"} */ (state)]}</span> ${c.t(`state.${state}`)}`;

/** @param {Context} c @param {string} name @param {boolean} on */
function choose(c, name, on) {
  const shown = c.frame.values.lines.map((/** @type {any} */ line) => line.name).filter((/** @type {string} */ each) => each === HERE || !each.startsWith("."));
  const next = shown.filter((/** @type {string} */ each) => each !== name);
  if (on) next.push(name);
  if (next.length) c.set({ shown: next.slice(-6) });
  else c.redraw();
}

/** @param {Context} c */
function list(c) {
  const { runs, lines } = c.frame.values;
  const shown = lines.map((/** @type {any} */ line) => line.name);
  /** @param {string} name @param {string} label @param {unknown} rest */
  const row = (name, label, rest) => html`<tr><td><div class="control check"><label><input type="checkbox" .checked=${live(shown.includes(name))}
    @change=${(/** @type {any} */ event) => choose(c, name, event.target.checked)}>${label}</label></div></td>${rest}</tr>`;
  return html`<section class="panel"><h2>${c.t("runs")}</h2>${refused(c, "runs")}
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("runs")}><table><thead><tr><th scope="col">${c.t("run")}</th><th scope="col">${c.t("state")}</th><th scope="col">${c.t("data")}</th><th scope="col">${c.t("metric")}</th><th scope="col">${c.t("when")}</th></tr></thead><tbody>
    ${row(HERE, c.t("here"), html`<td colspan="4">${c.t("here.text")}</td>`)}
    ${runs.map((/** @type {any} */ run) => row(run.name, run.name, html`<td data-tip=${run.fault}>${stateOf(c, run.state)}${run.state === "training" ? ` ${run.epoch}/${run.epochs}` : ""}</td>
      <td data-tip=${`${run.task}\n${run.network}`}>${run.fault || run.data}</td><td>${run.metric ? `${run.metric} ${figureOf(c, run.metric, run.value)}` : "–"}</td>
      <td>${new Date(1000 * run.changed).toLocaleString(c.language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "short", timeStyle: "short" })}</td>`))}</tbody></table></div>
    ${runs.length ? nothing : html`<p class="soft">${c.t("runs.none")}</p>`}</section>`;
}

/** How the page's own training is set. @param {Context} c */
function own(c) {
  if (!c.frame.values.lines.some((/** @type {any} */ line) => line.name === HERE)) return nothing;
  const isBuilt = c.settings.network === "layers";
  return html`<section class="panel"><h2>${c.t("own")}</h2><div class="controls">
    ${select(c, { name: "data", options: ["digits", "iris", "wine", "moons"] })}
    ${select(c, { name: "network", options: ["layers", "mlp", "linear"] })}
    ${isBuilt ? slider(c, { name: "layers", min: 0, max: 6 }) : nothing}
    ${isBuilt ? select(c, { name: "activation", options: ["sigmoid", "tanh", "relu"] }) : nothing}
    ${select(c, { name: "optimizer", options: ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] })}
    ${slider(c, { name: "rate", min: -6, max: 3, step: 0.5 })}
    ${slider(c, { name: "epochs", min: 2, max: 100 })}${number(c, { name: "seed", min: 0, step: 1 })}</div></section>`;
}

/** A chart; the same object while nothing changed, so that it is not drawn anew. @param {Context} c @param {string} name @param {string[]} names @param {any} [more] */
function plot(c, name, names, more = {}) {
  const { arrays, values } = c.frame;
  const key = [values.version, c.language, c.dark, c.settings.axis, names.join()].join("|");
  const known = (c.local.plots ??= {})[name];
  if (known?.key === key) return known.plot;
  const made = {
    label: c.t(`chart.${name}`), x: arrays[`${name}.x`].data, xLabel: c.t(`axis.${name === "layers" ? "step" : c.settings.axis}`), yLabel: c.t(`unit.${name}`, { metric: values.metric }),
    series: names.map((each, index) => ({ name: each, values: arrays[`${name}.${index}`].data })), dark: c.dark, height: 190, ...more,
  };
  c.local.plots[name] = { key, plot: made };
  return made;
}

/** @param {Context} c */
function charts(c) {
  const { lines, layers, metric, sampled } = c.frame.values;
  const names = lines.map((/** @type {any} */ line) => nameOf(c, line));
  const shown = ["loss", "validation.loss", "metric", "epoch_loss", "learning_rate", "gradient_norm"];
  return html`<div class="row">${select(c, { name: "axis", options: ["step", "epoch"] })}</div>
    ${sampled ? html`<p class="soft">${c.t("sampled")}</p>` : nothing}
    <div class="beside linked">${shown.map((name) => figure(c, { name: name.replace(".", "-"), title: c.t(`chart.${name}`, { metric }),
      body: html`<line-chart data-linked .plot=${plot(c, name, names)}></line-chart>` }))}
    ${layers.length ? figure(c, { name: "layers", title: c.t("chart.layers"), caption: c.t("layers.caption"),
      body: html`<line-chart ?data-linked=${c.settings.axis === "step"} .plot=${plot(c, "layers", layers, { logarithmic: true })}></line-chart>` }) : nothing}</div>`;
}

/** @param {Context} c @param {any} finding @param {any} line @param {number} at */
function remedies(c, finding, line, at) {
  return html`<ul>${finding.remedies.map((/** @type {any} */ each) => html`<li><span lang="en">${each.action}</span> ${each.change ? html`<code>${each.change}</code>` : nothing}
    ${each.proof ? html`<br><strong>${c.t("proved")}</strong> ${each.proof.metric} ${c.number(each.proof.before)} → ${c.number(each.proof.after)}` : nothing}
    ${each.command ? html`<div class="row"><button type="button" class="plain" @click=${() => c.act({ kind: "try", line: at, offer: each.number })}>${c.t(finding.cause ? "try.label" : "repair.label")}</button>
      ${line.is_own ? nothing : html`<details><summary>${c.t("command")}</summary><pre tabindex="0">${each.command}</pre></details>`}</div>` : nothing}
    ${each.hindrance ? html`<p class="soft">${c.t(`hindrance.${each.hindrance}`)}</p>` : nothing}</li>`)}</ul>`;
}

/** @param {Context} c */
function findings(c) {
  const { findings: found, lines } = c.frame.values;
  return html`<section class="panel"><h2>${c.t("findings")}</h2>${refused(c, "try")}
    ${lines.filter((/** @type {any} */ line) => line.state === "diverged").map((/** @type {any} */ line) => html`<p><strong>${nameOf(c, line)}</strong>: ${c.t("diverged", { step: line.step, rate: c.number(line.rate) })}</p>`)}
    ${lines.filter((/** @type {any} */ line) => line.fault || line.lost || line.state === "gone").map((/** @type {any} */ line) => html`<p>${nameOf(c, line)}: ${line.state === "gone" ? c.t("gone") : line.fault || c.t("lost", { count: line.lost })}</p>`)}
    ${found.length ? nothing : html`<p class="soft">${c.t("findings.none")}</p>`}
    ${found.map((/** @type {any} */ each) => {
      const line = lines[each.line];
      if (!each.cause) return html`<h3>${nameOf(c, line)}: ${c.t("repair")}</h3><p class="soft">${c.t("repair.text")}</p>${remedies(c, each, line, each.line)}`;
      return html`<h3>${c.t(`severity.${each.severity}`)}: <code>${each.cause}</code></h3>
        <p class="soft">${nameOf(c, line)} · ${c.t("confidence", { share: c.number(100 * each.confidence, 3) })}${each.module ? ` · ${each.module}` : ""}</p>
        <p lang="en">${each.explanation}</p>
        <div class="wide" tabindex="0" role="region" aria-label=${c.t("evidence")}><table><thead><tr><th scope="col">${c.t("measure")}</th><th scope="col">${c.t("value")}</th><th scope="col">${c.t("reference")}</th></tr></thead>
        <tbody>${each.evidence.map((/** @type {any} */ one) => html`<tr><td lang="en" data-tip=${one.source}>${one.measure}</td><td>${typeof one.value === "number" ? c.number(one.value) : one.value}</td><td>${typeof one.reference === "number" ? c.number(one.reference) : one.reference ?? "–"} <small class="soft" lang="en">${one.source}</small></td></tr>`)}</tbody></table></div>
        ${each.remedies.length ? remedies(c, each, line, each.line) : nothing}`;
    })}</section>`;
}

/** What was tried, before and after. @param {Context} c */
function trials(c) {
  const { trials: tried, lines } = c.frame.values;
  const [first, ...others] = lines.filter((/** @type {any} */ line) => line.is_own);
  const repaired = lines.filter((/** @type {any} */ line) => line.repairs.length);
  if (!tried.length && !others.length && !repaired.length) return nothing;
  return html`<section class="panel"><h2>${c.t("tried")}</h2>
    ${others.map((/** @type {any} */ each) => html`<p><strong>${nameOf(c, each)}</strong> <code>${each.change}</code><br>${c.t("before.after", { metric: each.metric })}: ${figureOf(c, each.metric, first.best)} → <strong>${figureOf(c, each.metric, each.best)}</strong> <span class="soft">${c.t("epoch.of", { epoch: each.epoch, epochs: each.epochs })}</span></p>`)}
    ${tried.map((/** @type {any} */ each, /** @type {number} */ at) => html`<p><strong>${each.name}</strong> <code>${each.change}</code><br>
      ${c.t("before.after", { metric: each.metric })}: ${figureOf(c, each.metric, each.before)} → <strong>${figureOf(c, each.metric, each.after)}</strong> <span class="soft">${c.t("epoch.of", { epoch: each.epoch, epochs: each.epochs })} · ${each.status === null ? c.t("trial.runs") : each.status ? c.t("trial.failed", { status: each.status }) : c.t("trial.done")}</span></p>
      ${each.said.length ? html`<pre tabindex="0">${each.said.join("\n")}</pre>` : nothing}
      ${each.status === null ? button(c, { name: "stop", press: () => c.act({ kind: "stop", trial: at }) }) : nothing}`)}
    ${repaired.map((/** @type {any} */ line) => line.repairs.map((/** @type {any} */ each) => html`<p><strong>${line.name}</strong> <code>${each.cause}: ${each.change}</code><br>${c.t("probes", { steps: each.steps })}: ${each.metric} ${figureOf(c, each.metric, each.before)} → <strong>${figureOf(c, each.metric, each.after)}</strong></p>`))}</section>`;
}

/** @param {Context} c */
function configuration(c) {
  const { lines, differences } = c.frame.values;
  const seeds = lines.filter((/** @type {any} */ line) => line.seeds);
  return html`<section class="panel"><h2>${c.t(lines.length > 1 ? "differences" : "configuration")}</h2>
    <div class="wide" tabindex="0" role="region" aria-label=${c.t("configuration")}><table><thead><tr><th scope="col">${c.t("option")}</th>${lines.map((/** @type {any} */ line) => html`<th scope="col">${nameOf(c, line)}</th>`)}</tr></thead>
    <tbody>${differences.map((/** @type {any} */ row) => html`<tr><th scope="row">${row.name}</th>${row.values.map((/** @type {string} */ value) => html`<td>${value}</td>`)}</tr>`)}</tbody></table></div>
    ${seeds.map((/** @type {any} */ line) => html`<p><strong>${line.name}</strong>: ${c.t("seeds", { count: line.seeds.count, metric: line.metric, mean: figureOf(c, line.metric, line.seeds.mean), low: figureOf(c, line.metric, line.seeds.low), high: figureOf(c, line.metric, line.seeds.high) })}</p>`)}</section>`;
}

/** Let the cursor of one chart stand at the same place in all. */
function link() {
  /** @param {Event} event */
  const follow = (event) => {
    const over = event.target instanceof Element ? /** @type {any} */ (event.target.closest("line-chart[data-linked]")) : null;
    const left = over?.drawn?.cursor.left ?? -1;
    if (left < 0) return;
    const at = over.drawn.posToVal(left, "x");
    for (const each of /** @type {NodeListOf<any>} */ (document.querySelectorAll(".linked line-chart[data-linked]"))) {
      if (each !== over) each.drawn?.setCursor({ left: each.drawn.valToPos(at, "x"), top: 20 }, false);
    }
  };
  const kinds = ["pointermove", "keyup"];
  for (const kind of kinds) document.addEventListener(kind, follow);
  return () => kinds.forEach((kind) => document.removeEventListener(kind, follow));
}

/** @type {import("../../page/shell/exhibit.js").View} */
export default {
  sources: ["arrows", "pytorch"],
  mount: link,
  status: (c) => html`${c.frame.values.lines.map((/** @type {any} */ line) => html`<span>${nameOf(c, line)}: ${stateOf(c, line.state)}, ${c.t("epoch.of", { epoch: line.epoch, epochs: line.epochs })}, ${line.metric} ${figureOf(c, line.metric, line.best)} </span>`)}`,
  render: (c) => html`<div class="flow">${list(c)}${own(c)}</div>${charts(c)}
    <div class="beside">${findings(c)}${trials(c)}${configuration(c)}</div>`,
};
