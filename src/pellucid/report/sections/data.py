"""The data: how much there is, how it is balanced, what is missing, what leaks."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from pellucid.data.dataset import SplitName, describe
from pellucid.judging.judgement import DataFacts, Judgement
from pellucid.judging.wording import percent
from pellucid.report.markup import Child, element
from pellucid.report.numbers import shortened
from pellucid.report.pieces import Column, bar, more, section, table
from pellucid.report.subject import Subject

_MOST_CLASSES = 20
_MOST_COLUMNS = 20
_MOST_NOTES = 20


def data_facts(subject: Subject) -> Element:
    """Return what is worth knowing of the data before a figure is believed."""
    described = subject.asked["data"]
    judged = {"": subject.judgement} if subject.judgement else subject.judgements
    facts = next((judgement.facts for judgement in judged.values()), None)
    notes = list(facts.notes if facts and facts.notes else described["notes"])
    lead = f"{described['name']}: input {described['input']}; {describe(subject.target)}."
    return section(
        "data",
        "The data",
        _samples(facts.samples if facts else described["samples"]),
        [] if facts is None else [_duplicates(facts), *_balances(judged), _missing(facts)],
        element("h3", "What the reading noted") if notes else None,
        element("ul", (element("li", note) for note in notes[:_MOST_NOTES])) if notes else None,
        more(len(notes), _MOST_NOTES, "notes are"),
        lead=lead,
    )


def _samples(samples: Mapping[SplitName, int]) -> Element:
    total = sum(samples.values()) or 1
    uses = {"train": "it learned from these", "validation": "chose the best epoch", "test": "chose nothing"}
    rows = [
        (name, f"{count:,}", percent(count / total), bar(count / total), uses.get(name, ""))
        for name, count in samples.items()
    ]
    columns = (
        Column("split"), Column("rows", numbers=True), Column("share", numbers=True), Column(""), Column("what for"),
    )  # fmt: skip
    return table("Rows in each split", columns, rows)


def _duplicates(facts: DataFacts) -> Element:
    found = [
        f"{count:,} of {facts.samples[split]:,} {split} rows ({percent(count / max(facts.samples[split], 1))})"
        for split, count in facts.duplicates.items()
        if count
    ]
    if not found:
        return element("p", "No held-out row has the same input as a training row.")
    return element("p", element("strong", f"Duplicates: {' and '.join(found)} "), "have the input of a training row.")


def _balances(judged: Mapping[str, Judgement]) -> list[list[Child]]:
    """Return the balance of the classes, of several targets each one's."""
    return [_balance(name, judgement.facts) for name, judgement in judged.items() if judgement.facts is not None]


def _balance(target: str, facts: DataFacts) -> list[Child]:
    if not facts.balance:
        return []
    splits = list(facts.samples)
    ordered = sorted(facts.balance.items(), key=lambda item: -sum(item[1].values()))
    few = len(ordered) <= _MOST_CLASSES
    half = _MOST_CLASSES // 2
    shown = list(facts.balance.items()) if few else [*ordered[:half], *ordered[-half:]]
    most = max((counts.get("train", 0) for _, counts in shown), default=1) or 1
    rows: list[list[Child]] = [
        [shortened(name, 40), *(f"{counts.get(split, 0):,}" for split in splits), bar(counts.get("train", 0) / most)]
        for name, counts in shown
    ]
    columns = (Column("class"), *(Column(split, numbers=True) for split in splits), Column("of the training rows"))
    caption = "Rows of each class" if few else f"The {half} largest and {half} smallest of {len(ordered):,} classes"
    return [element("h3", f"Balance of {target}" if target else "Balance"), table(caption, columns, rows)]


def _missing(facts: DataFacts) -> list[Child]:
    holed = sorted(((name, count) for name, count in facts.missing.items() if count), key=lambda item: -item[1])
    if not holed:
        return [element("p", "No value is missing.")] if facts.missing else []
    total = sum(facts.samples.values()) or 1
    rows = [
        (shortened(name, 60), f"{count:,}", percent(count / total), bar(count / total))
        for name, count in holed[:_MOST_COLUMNS]
    ]
    columns = (Column("column"), Column("missing", numbers=True), Column("share", numbers=True), Column(""))
    return [
        element("h3", "Missing values"),
        table("Columns with missing values", columns, rows),
        more(len(holed), _MOST_COLUMNS, "columns with missing values are"),
    ]
