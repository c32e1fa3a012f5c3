export {html, svg, render, nothing, noChange} from "lit/html.js";
export {directive, Directive, AsyncDirective, PartType} from "lit/async-directive.js";
export {repeat} from "lit/directives/repeat.js";
export {classMap} from "lit/directives/class-map.js";
export {ifDefined} from "lit/directives/if-defined.js";
export {live} from "lit/directives/live.js";
export {ref, createRef} from "lit/directives/ref.js";
export {keyed} from "lit/directives/keyed.js";
