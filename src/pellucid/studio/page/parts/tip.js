/** What a mark says on hover and on focus: `data-tip="name\nvalue\nformula"`, the first line in bold. */

/** @param {...(string | undefined | false)} lines */
export function tip(...lines) {
  return lines.filter(Boolean).join("\n");
}

/** Say something to who listens rather than looks. @param {string} text */
export function say(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

/** Show a tip at a place of the window. @param {string} text @param {number} x @param {number} y */
export function showTip(text, x, y) {
  const box = /** @type {HTMLElement} */ (document.getElementById("tip"));
  const [head, ...rest] = text.split("\n");
  const strong = document.createElement("strong");
  strong.textContent = head;
  box.replaceChildren(strong, ...rest.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(6, Math.min(x + 12, innerWidth - width - 6))}px`;
  box.style.top = `${y + 16 + height > innerHeight ? Math.max(6, y - height - 10) : y + 16}px`;
}

export function hideTip() {
  const box = document.getElementById("tip");
  if (box) box.hidden = true;
}

/** Let every mark of the page answer. */
export function listenForTips() {
  /** @param {Event} event */
  const marked = (event) => {
    const mark = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    /** @type {any} */ (mark)?.told?.(); // told.js: its words may be of an earlier frame
    return mark;
  };
  /** @param {Element} mark */
  const beside = (mark) => {
    const { left, bottom } = mark.getBoundingClientRect();
    showTip(mark.getAttribute("data-tip") ?? "", left, bottom - 8);
  };
  document.addEventListener("pointerover", (event) => {
    const mark = marked(event);
    if (mark?.getAttribute("data-tip")) beside(mark);
  });
  document.addEventListener("pointerout", (event) => {
    if (marked(event)) hideTip();
  });
  document.addEventListener("focusin", (event) => {
    const mark = marked(event);
    if (mark?.getAttribute("data-tip") && mark.matches(":focus-visible")) beside(mark);
    else hideTip();
  });
  document.addEventListener("focusout", hideTip);
  document.addEventListener("scroll", hideTip, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
  });
}
