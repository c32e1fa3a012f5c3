"""How things look in a notebook: small HTML without colours of its own, so that it is read in the light and the dark.

A leaf: whatever is to have a form of its own there gives `_repr_html_`, made of these. All text is escaped, and what
looks like a formula in a user's name stays as it is written.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"
_CELL = f"padding:.15em .7em .15em 0;border-bottom:{_LINE};vertical-align:top"
_NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
_FORMULA = "tex2jax_process mathjax_process"
_WIDTH, _HEIGHT = 280, 48


def card(title: str, *parts: str) -> str:
    """Return parts below a title.

    >>> card("a < b")
    '<div class="pellucid tex2jax_ignore mathjax_ignore" style="line-height:1.4"><b>a &lt; b</b></div>'

    Args:
        title: text.
        parts: HTML that the other functions gave.
    """
    inner = f"<b>{escape(title)}</b>{''.join(parts)}"
    return f'<div class="pellucid {_NO_FORMULAS}" style="line-height:1.4">{inner}</div>'


def paragraph(said: str) -> str:
    """Return a paragraph."""
    return f'<p style="margin:.3em 0">{escape(said)}</p>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return names beside what they are."""
    return _table(None, [(_cell(name, "opacity:.7;white-space:nowrap"), _cell(said)) for name, said in rows])


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table.

    Args:
        heads: of the columns.
        rows: texts.
        numbers: columns whose texts stand on the right.
    """
    sides = ["text-align:right" if place in numbers else "text-align:left" for place in range(len(heads))]
    return _table(heads, [[_cell(each, side) for each, side in zip(row, sides, strict=True)] for row in rows], sides)


def formulas(rows: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Return steps by name and kind, each with its formulas, which the notebook sets.

    Args:
        rows: name, kind, and LaTeX without dollar signs.
    """
    return _table(None, [(_cell(name), _cell(kind, "opacity:.7"), _set(latex)) for name, kind, latex in rows])


def folded(title: str, said: str) -> str:
    """Return text of equal widths that opens where its title is clicked."""
    return f"<details><summary>{escape(title)}</summary><pre>{escape(said)}</pre></details>"


def curve(values: Sequence[float], said: str) -> str:
    """Return a line through values in order, with what it shows in words; nothing where there are fewer than two."""
    finite = [(place, value) for place, value in enumerate(values) if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    least, most = min(value for _, value in finite), max(value for _, value in finite)
    across, up = _WIDTH / (len(values) - 1), (_HEIGHT - 4) / ((most - least) or 1.0)
    points = " ".join(f"{place * across:.1f},{_HEIGHT - 2 - (value - least) * up:.1f}" for place, value in finite)
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"></polyline>'
    box = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f'<svg role="img" aria-label="{escape(said)}" {box}>{line}</svg><br/><small>{escape(said)}</small>'


def _set(latex: Sequence[str]) -> str:
    lines = "<br/>".join(rf"\({escape(each)}\)" for each in latex)
    return f'<td class="{_FORMULA}" style="{_CELL};text-align:left">{lines}</td>'


def _cell(said: str, style: str = "text-align:left") -> str:
    aligned = style if "text-align" in style else f"{style};text-align:left"
    return f'<td style="{_CELL};{aligned};white-space:pre-wrap">{escape(said)}</td>'


def _table(heads: Sequence[str] | None, rows: Iterable[Iterable[str]], sides: Sequence[str] = ()) -> str:
    columns = zip(heads or (), sides, strict=True)
    head = "".join(f'<th scope="col" style="{_CELL};{side}">{escape(each)}</th>' for each, side in columns)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    heading = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f'<table style="border-collapse:collapse;margin:.4em 0">{heading}<tbody>{body}</tbody></table>'
