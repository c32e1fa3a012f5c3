"""HTML and SVG as a tree of elements.

Nothing in this room writes a tag as text: what stands in an element is text and is escaped when the tree is written,
so that no class name, column or file name of a user's data can become markup.
"""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Child = Element | str | None | Iterable["Child"]

# characters no HTML page may hold: controls but for tab and line breaks, lone surrogates, non-characters
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def element(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """Return an element.

    Args:
        tag: its name.
        children: elements, texts, lists of these; None is left out.
        attributes: by name, `_` for `-` and `class_` for `class`; None is left out.

    >>> write(element("p", "5 < 6", element("b", "!"), class_="note"))
    '<p class="note">5 &lt; 6<b>!</b></p>'
    """
    values = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    made = Element(tag, {name: _clean(str(value)) for name, value in values.items()})
    _append(made, children)
    return made


def write(root: Element) -> str:
    """Return an element as HTML."""
    return tostring(root, encoding="unicode", method="html")


def text_of(root: Element) -> str:
    """Return what can be read in an element."""
    return "".join(root.itertext())


def _append(parent: Element, children: Iterable[Child]) -> None:
    for child in children:
        if isinstance(child, str):
            _append_text(parent, _clean(child))
        elif isinstance(child, Element):
            parent.append(child)
        elif child is not None:
            _append(parent, child)


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
