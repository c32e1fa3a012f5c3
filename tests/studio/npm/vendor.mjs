/** Makes the page's third-party files from the packages that package-lock.json pins: `npm ci && npm run vendor`. */
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const target = "../../../src/pellucid/studio/page/third_party";
const bundles = {
  lit: `
    export {html, svg, render, nothing, noChange} from "lit/html.js";
    export {directive, Directive, AsyncDirective, PartType} from "lit/async-directive.js";
    export {repeat} from "lit/directives/repeat.js";
    export {classMap} from "lit/directives/class-map.js";
    export {ifDefined} from "lit/directives/if-defined.js";
    export {live} from "lit/directives/live.js";
    export {ref, createRef} from "lit/directives/ref.js";
    export {keyed} from "lit/directives/keyed.js";`,
  uplot: `export {default} from "uplot";`,
  "d3-contour": `export {contours} from "d3-contour";`,
  katex: `export {render, renderToString} from "katex";`,
};
const licences = ["lit", "uplot", "d3-contour", "d3-array", "internmap", "katex"];

rmSync(join(target, "fonts"), { recursive: true, force: true });
mkdirSync(join(target, "licences"), { recursive: true });
mkdirSync(join(target, "fonts"), { recursive: true });
for (const [name, contents] of Object.entries(bundles)) {
  await build({
    stdin: { contents, resolveDir: "." }, bundle: true, minify: true, format: "esm", target: "es2022",
    legalComments: "inline", outfile: join(target, `${name}.js`),
  });
  // types as the packages declare them; only the type checker reads these
  writeFileSync(join(target, `${name}.d.ts`), `${contents.replace(/^ +/gm, "").trim()}\n`);
}
copyFileSync("node_modules/katex/dist/katex.min.css", join(target, "katex.css"));
copyFileSync("node_modules/uplot/dist/uPlot.min.css", join(target, "uplot.css"));
cpSync("node_modules/katex/dist/fonts", join(target, "fonts"), { recursive: true, filter: (path) => statSync(path).isDirectory() || path.endsWith(".woff2") });
for (const name of licences) copyFileSync(`node_modules/${name}/LICENSE`, join(target, "licences", `${name}.txt`));

const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name !== "checksums.json");
const sums = files.map((entry) => join(entry.parentPath, entry.name)).sort().map((path) => [
  relative(target, path).replaceAll("\\", "/"), createHash("sha256").update(readFileSync(path)).digest("hex"),
]);
const versions = licences.map((name) => [name, JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version]);
writeFileSync(join(target, "checksums.json"), `${JSON.stringify({ versions: Object.fromEntries(versions), sha256: Object.fromEntries(sums) }, null, 1)}\n`);
