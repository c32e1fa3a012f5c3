"""A run as one self-contained HTML page: from disk, offline, light and dark, on paper.

No script, no font, no image and no style stands outside it. The sections follow the reader's questions: is it good and
what is wrong, how does it do, where is it wrong, how much of that is luck, how did it learn, what is it, on what, and
how is it made again.
"""

from collections.abc import Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from pellucid.report.markup import element, write
from pellucid.report.pieces import Part
from pellucid.report.sections.asked import asked
from pellucid.report.sections.data import data_facts
from pellucid.report.sections.learning import learning
from pellucid.report.sections.mistakes import mistakes
from pellucid.report.sections.network import network
from pellucid.report.sections.performance import performance
from pellucid.report.sections.reach import reach
from pellucid.report.sections.seeds import seeds
from pellucid.report.sections.specimens import specimens
from pellucid.report.sections.verdict import verdict
from pellucid.report.subject import Subject


def page(subject: Subject) -> str:
    """Return the report of a run as a whole HTML document; the same run gives the same text."""
    return document(
        subject.title,
        _what(subject),
        verdict(subject),
        list(_sections(subject)),
        subject.asked["versions"]["pellucid"],
        f"the run folder {subject.folder}",
    )


def document(
    title: str, what: str, verdict: Sequence[Element], sections: Sequence[Element], version: str, source: str
) -> str:
    """Return a whole HTML document: a heading, the verdict, links to the sections, the sections.

    Args:
        title: the heading.
        what: a line beside it.
        verdict: stands above all.
        sections: each with an id, its heading first.
        version: of pellucid, that made what is told.
        source: what the page was made from.
    """
    links = ((part.get("id", ""), part[0].text or "") for part in sections)
    entries = element("ul", (element("li", element("a", name, href=f"#{key}")) for key, name in links))
    body = element(
        "body",
        element("header", element("h1", title), element("span", what), class_="top"),
        element("main", verdict, element("nav", entries, aria_label="Sections"), sections),
        element("footer", f"Made by pellucid {version} from {source}."),
    )
    style = (files("pellucid.report") / "style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"pellucid {version}"),
        element("title", f"{title}: report"),
        element("style", style),
    )
    return "<!DOCTYPE html>\n" + write(element("html", head, body, lang="en")) + "\n"


def _sections(subject: Subject) -> list[Element]:
    judgement = subject.judgement
    judged = [] if judgement is None else [performance(judgement, subject.folder), mistakes(judgement, subject.data)]
    for number, (name, each) in enumerate(subject.judgements.items(), start=1):
        of = Part(number, name)
        judged += [performance(each, subject.folder, of), mistakes(each, subject.data, of)]
    shown = [] if subject.specimens is None else [specimens(subject.specimens)]
    back = [] if subject.reach is None else [reach(subject.reach)]
    lucky = [seeds(subject.seeds)] if sum(not result.ended for result in subject.seeds) > 1 else []
    return [*shown, *judged, *lucky, learning(subject), *back, network(subject), data_facts(subject), asked(subject)]


def _what(subject: Subject) -> str:
    described = subject.asked["data"]
    parts = (
        subject.asked["task"],
        f"data {described['name']}",
        f"{subject.asked['network']['parameters']:,} parameters",
    )
    return " · ".join(parts)
