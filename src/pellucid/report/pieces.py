"""Small parts that several sections of a page share: tables, strips, badges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from pellucid.judging.judgement import Estimate
from pellucid.report.markup import Child, element


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers (on the right), running text or words.

    Words and numbers are never broken; text is, where the page is narrow.
    """

    heading: str
    numbers: bool = False
    text: bool = False

    @property
    def style(self) -> str:
        """The class of its cells."""
        return "n" if self.numbers else "text" if self.text else "nowrap"


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Child]]) -> Element:
    """Return a table whose first column names the rows; it scrolls sideways where it is too wide for the page."""
    head = element("tr", (element("th", column.heading, scope="col", class_=column.style) for column in columns))
    body = (
        element(
            "tr",
            element("th", cells[0], scope="row", class_=columns[0].style),
            (element("td", cell, class_=col.style) for col, cell in zip(columns[1:], cells[1:], strict=True)),
        )
        for cells in rows
    )
    made = element(
        "table", element("caption", element("span", caption)), element("thead", head), element("tbody", body)
    )
    return scrolling(caption, made)


def scrolling(label: str, content: Element, style: str = "wide") -> Element:
    """Return content that scrolls sideways by itself, with the keyboard too, where the page is narrow."""
    return element("div", content, class_=style, tabindex="0", role="region", aria_label=label)


@dataclass(frozen=True, slots=True)
class Part:
    """Which of several targets a section is about.

    Attributes:
        number: from 1; 0 where there is one target.
        name: of the target.
    """

    number: int = 0
    name: str = ""

    def key(self, key: str) -> str:
        """Return a key that no other part's section has."""
        return f"{key}-{self.number}" if self.number else key

    def title(self, title: str) -> str:
        """Return a heading that says whose it is."""
        return f"{self.name}: {title[:1].lower()}{title[1:]}" if self.number else title


WHOLE = Part()


def section(key: str, title: str, *content: Child, lead: str = "") -> Element:
    """Return a section with its heading and a line that says what there is to see."""
    heading = element("h2", title, id=f"{key}-title")
    first = element("p", lead, class_="lead") if lead else None
    return element("section", heading, first, content, id=key, aria_labelledby=f"{key}-title")


def more(count: int, shown: int, what: str) -> Element | None:
    """Return a line that says how much of something is not shown, where something is not."""
    left = count - shown
    return element("p", f"{left:,} more {what} not shown.", class_="soft") if left > 0 else None


def strip(estimate: Estimate, low: float, high: float) -> Element | None:
    """Return an estimate with its interval on a little scale; it says nothing that stands not beside it in words."""
    if not (math.isfinite(estimate.value) and high > low):
        return None

    def place(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    ends = [place(each if math.isfinite(each) else estimate.value) for each in (estimate.low, estimate.high)]
    return element(
        "svg",
        element("rect", x="0", y="5.5", width="100", height="1", fill="var(--line)"),
        element(
            "rect", x=ends[0], y="3.5", width=round(max(ends[1] - ends[0], 0.5), 2), height="5", rx="1",
            fill="var(--blue)", opacity="0.35",
        ),
        element("rect", x=round(place(estimate.value) - 0.8, 2), y="1.5", width="1.6", height="9", fill="var(--blue)"),
        class_="strip", viewBox="-1 0 102 12", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def bar(share: float) -> Element:
    """Return a bar as long as a share of the greatest; it says nothing that stands not beside it in words."""
    return element("span", class_="bar", style=f"width:{5 * share:.2f}rem", aria_hidden="true")


_SIGNS = {"critical": "✕", "warning": "!", "note": "i", "fine": "✓"}


def badge(severity: str, word: str | None = None) -> Element:
    """Return how severe something is, by sign, word and colour."""
    sign = element("b", element("span", _SIGNS[severity]), aria_hidden="true")
    return element("span", sign, word or severity.capitalize(), class_=f"badge {severity}")
