"""What was asked: the command that trains it again, and every choice that was made."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from pellucid.options import flag_of
from pellucid.report.markup import Child, element
from pellucid.report.numbers import duration, shortened
from pellucid.report.pieces import Column, section, table
from pellucid.report.subject import Subject

_MOST_CHARACTERS = 300


def asked(subject: Subject) -> Element:
    """Return the command, what was chosen, and on what it ran."""
    return section(
        "asked",
        "What was asked",
        _command(subject),
        _options(subject),
        _environment(subject),
        lead="All that is needed to train it again.",
    )


def _command(subject: Subject) -> list[Element]:
    same = element("pre", element("code", f"pellucid reproduce {subject.folder}"))
    check = element("p", "To train it again from its folder and compare bit for bit:")
    if subject.command is None:
        return [
            element("p", "It was trained from Python on data or a module of its own, which no command line can name."),
            check,
            same,
        ]
    return [
        element("p", "To train such a network anew:"),
        element("pre", element("code", subject.command)),
        check,
        same,
    ]


def _options(subject: Subject) -> list[Child]:
    """Return the options given, and those left open with what was chosen for them."""
    recipe: Mapping[str, Any] = subject.asked["recipe"]
    given = subject.changed
    chosen = {
        name: value
        for name, value in recipe.items()
        if value is not None and name not in given and subject.asked["options"].get(name) is None
    }
    rows = [(flag_of(name)[2:], _written(value), "asked") for name, value in given.items()]
    rows += [(flag_of(name)[2:], _written(value), "chosen from the data") for name, value in chosen.items()]
    kept = {
        name: recipe[name]
        for name in ("optimizer", "schedule", "weight_decay", "seed")
        if name in recipe and name not in given and name not in chosen
    }
    rows += [(flag_of(name)[2:], _written(value), "default") for name, value in kept.items()]
    columns = (Column("option"), Column("value", text=True), Column("where from"))
    return [element("h3", "Options"), table("All others were left at their defaults", columns, rows)]


def _environment(subject: Subject) -> list[Child]:
    described, times = subject.asked, subject.times
    rows: list[tuple[str, str]] = [
        ("run folder", subject.folder),
        ("device", f"{described['device']} ({described.get('device_name', 'unknown')})"),
        ("threads", str(described["threads"])),
        ("processes", str(described.get("processes", 1))),
    ]
    if times.begun:
        rows.append(("begun", times.begun))
    if times.seconds:
        rows.append(("time in epochs", duration(times.seconds)))
    if times.samples_per_second:
        rows.append(("speed", f"{times.samples_per_second:,.0f} samples/s"))
    rows += [(name, str(value)) for name, value in described["versions"].items()]
    rows += [("data", f"{described['data']['kind']}, {described['data']['location']}")]
    rows += [("data's sha256", str(described["data"]["sha256"])[:32] or "–")]
    columns = (Column(""), Column("", text=True))
    return [element("h3", "Where it ran"), table("Versions, machine and time", columns, rows)]


def _written(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return shortened(text, _MOST_CHARACTERS)
