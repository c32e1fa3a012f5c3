"""An experiment as one self-contained HTML page: the claim, the verdict, what was seen, and how it was measured."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from pellucid.experiments import Check, Outcome
from pellucid.report.charts import figure
from pellucid.report.experiment_text import verdict_line, written
from pellucid.report.markup import element
from pellucid.report.page import document
from pellucid.report.pieces import Column, badge, section, table

_STYLE = {"holds": "good", "holds in part": "fair", "undecided": "fair", "does not hold": "bad"}
_BADGES = {True: ("fine", "Holds"), False: ("critical", "Does not hold"), None: ("warning", "Undecided")}


def experiment_page(outcome: Outcome, version: str) -> str:
    """Return an experiment that was run as a whole HTML document; the same figures give the same text."""
    experiment = outcome.experiment
    sections = [_seen(outcome), _figures(outcome), _method(outcome)]
    what = f"experiment · {experiment.topic.lower()} · {len(outcome.seeds)} seeds"
    source = f"the experiment {experiment.name}"
    return document(experiment.title, what, [_verdict(outcome)], sections, version, source)


def figures_of(outcome: Outcome) -> list[Element]:
    """Return the experiment's figures, drawn."""
    return [figure(described, f"figure{place}") for place, described in enumerate(outcome.result.figures)]


def _verdict(outcome: Outcome) -> Element:
    status = verdict_line(outcome).rpartition(", in ")[0]
    checks = element("ul", (_checked(check) for check in outcome.result.checks), class_="concerns")
    return element(
        "section",
        element("p", f"The claim {status}.", class_="status"),
        element("p", outcome.experiment.claim, class_="headline"),
        checks,
        class_=f"verdict {_STYLE[outcome.verdict]}",
        aria_label="Verdict",
    )


def _checked(check: Check) -> Element:
    severity, word = _BADGES[check.holds]
    statement = f"{check.statement[0].upper()}{check.statement[1:]}."
    said = element("div", element("p", statement), element("p", check.evidence, class_="soft"))
    return element("li", badge(severity, word), said)


def _seen(outcome: Outcome) -> Element:
    figures: Sequence[Element] = figures_of(outcome)
    notes = [element("p", note) for note in outcome.result.notes]
    return section("seen", "What was seen", element("div", figures, class_="pair"), notes)


def _figures(outcome: Outcome) -> Element:
    rows = [(quantity.name, *written(quantity)) for quantity in outcome.result.quantities]
    heads = [Column("quantity", text=True), Column("mean", numbers=True), Column("95 % interval", numbers=True)]
    lead = (
        "Each figure was measured once with every seed. The interval is Student's, of the mean over the seeds; what"
        " spreads over powers of ten has the geometric mean, and all that the seeds gave."
    )
    return section("figures", "The figures", table("Over the seeds", heads, rows), lead=lead)


def _method(outcome: Outcome) -> Element:
    experiment = outcome.experiment
    sources = [element("li", source.strip()) for source in experiment.source.split(";")]
    seeds = ", ".join(map(str, outcome.seeds))
    again = f"pellucid experiment {experiment.name} --seeds {len(outcome.seeds)} --seed {outcome.seeds[0]}"
    return section(
        "method", "How it was measured", element("p", experiment.method), element("p", f"Seeds {seeds}."),
        element("p", "To measure it again:"), element("pre", element("code", again)),
        element("h3", "Who says so"), element("ul", sources),
    )  # fmt: skip
