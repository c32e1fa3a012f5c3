"""What a diagnosis found, as terminal text: what to change, where, by which figures, and how."""

import math
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from pellucid.diagnosis.vocabulary import CAUSES
from pellucid.record import Finding

_MARGIN = 11  # the width of the words on the left
_MOST_WIDTH = 100  # a longer line of prose is hard to read
_LEAST_WIDTH = 40
_SIGNS = {"critical": "✕", "warning": "!", "info": "i"}
_STYLES = {"critical": "bold red", "warning": "bold yellow", "info": "bold cyan"}


def findings_text(findings: Sequence[Finding], headline: str, width: int, folder: str = "") -> Text:
    """Return the headline, and a paragraph a finding in the order given.

    Args:
        findings: the surest first.
        headline: what was watched, and how it ended.
        width: of the terminal, in characters.
        folder: files below it are named from there.
    """
    width = max(_LEAST_WIDTH, min(width, _MOST_WIDTH))
    text = Text()
    text.append("\n".join(_block("diagnosis", headline, width)) + "\n", style="bold")
    for number, finding in enumerate(findings, 1):
        text.append("\n")
        _append_finding(text, number, finding, width, folder)
    text.rstrip()
    return text


def noted(word: str, said: str, width: int) -> str:
    """Return prose behind a word on the left, as it stands among findings."""
    return "\n".join(_block(word, said, max(_LEAST_WIDTH, min(width, _MOST_WIDTH)), hanging=2))


def counted_findings(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each severity: `1 critical, 2 warnings`."""
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in _SIGNS}
    words = {"critical": "critical", "warning": "warning", "info": "remark"}
    return ", ".join(
        f"{count} {words[severity]}" + ("s" if count > 1 and severity != "critical" else "")
        for severity, count in counts.items()
        if count
    )


def warning_line(finding: Finding) -> Text:
    """Return one finding in a line: what is wrong, where, and what to do first."""
    text = Text(overflow="ellipsis", no_wrap=True)
    text.append(f"{_SIGNS[finding.severity]} {finding.cause}", style=_STYLES[finding.severity])
    where = place(finding.where)
    text.append(f": {CAUSES.get(finding.cause, '')}" + (f", {where}" if where else ""))
    if finding.remedies:
        first = finding.remedies[0]
        text.append(f" · {str(first['action']).rstrip('.')}")
        if isinstance(first.get("change"), str):
            text.append(f" ({first['change']})", style="dim")
    return text


def _append_finding(text: Text, number: int, finding: Finding, width: int, folder: str) -> None:
    style = _STYLES[finding.severity]
    text.append(f"{f'{number} {_SIGNS[finding.severity]}':<{_MARGIN}}", style=style)
    text.append(finding.cause, style=style)
    text.append(f"  {finding.severity}, {finding.confidence:.0%} sure\n", style="dim")
    for line in _block("", CAUSES.get(finding.cause, ""), width):
        text.append(f"{line}\n", style="italic")
    where = place(finding.where, folder)
    seen = f"first seen at step {finding.step:,}" if finding.step else "seen before the first step"
    for line in _block("where", f"{where}; {seen}" if where else seen, width):
        text.append(f"{line}\n")
    for line in _block("why", finding.explanation, width):
        text.append(f"{line}\n")
    for line in _figures(finding.evidence, width):
        text.append(f"{line}\n")
    _append_remedies(text, finding.remedies, width, folder)


def place(where: Mapping[str, Any], folder: str = "") -> str:
    """Return a place for people: `train.py:12, module features.0`, or nothing where none is known."""
    file, line, module = (where.get(name) for name in ("file", "line", "module"))
    said = []
    if file:
        inside = os.path.commonpath([folder, file]) == folder if folder and os.path.isabs(file) else False  # noqa: PTH117
        shown = os.path.relpath(file, folder) if inside else str(file)
        said.append(f"{shown}:{line}" if line else shown)
    if module:
        said.append(f"module {module}")
    return ", ".join(said)


def _figures(evidence: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """Yield a line a figure: what was measured, how much, against what, and who says so."""
    for number, item in enumerate(evidence):
        reference = item.get("reference")
        against = "" if reference in {None, ""} else f" (reference {figure(reference)})"
        source = f"; {item['source']}" if item.get("source") else ""
        said = f"{item['measure']}: {figure(item['value'])}{against}{source}"
        yield from _block("figures" if number == 0 else "", said, width, hanging=2)


def figure(value: Any) -> str:
    """Return a figure to four significant digits, or a word as it is.

    >>> figure(0.000123456), figure(12345.678), figure(3.0), figure("none")
    ('0.0001235', '12,350', '3', 'none')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    if 1e-4 <= abs(value) < 1e6:
        decimals = max(0, 3 - math.floor(math.log10(abs(value))))
        rounded = round(value, 3 - math.floor(math.log10(abs(value))))
        text = f"{rounded:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if decimals else text
    return f"{value:.3e}"


def _append_remedies(text: Text, remedies: Sequence[Mapping[str, Any]], width: int, folder: str) -> None:
    told = {(remedy["action"], str(remedy.get("change"))): remedy for remedy in reversed(remedies)}
    for number, remedy in enumerate(reversed(told.values())):
        for line in _block("do" if number == 0 else "or", str(remedy["action"]), width):
            text.append(f"{line}\n", style="bold" if number == 0 else "")
        change = remedy.get("change")
        for line, style in _edited(change, folder):
            text.append(f"{' ' * _MARGIN}{line}\n", style=style)
        proof = remedy.get("proof")
        if proof:
            before, after = figure(proof["before"]), figure(proof["after"])
            seed = "" if proof.get("seed") is None else f", seed {proof['seed']}"
            others = len(proof.get("on", ()))
            beside = f", after {others} other {'remedy' if others == 1 else 'remedies'}" if others else ""
            text.append(f"{' ' * _MARGIN}proved: {proof['metric']} {before} → {after}{beside}{seed}\n", style="green")


def _edited(change: Any, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a change, with their colours: those that go, then those that come."""
    if isinstance(change, str):
        yield from ((line, "") for line in change.splitlines())
    if not isinstance(change, Mapping):
        return
    for each in change.get("changes", ()):
        yield place({"file": change.get("file"), "line": each["line"]}, folder), "dim"
        yield from ((f"- {line}", "red") for line in (each.get("old") or "").splitlines())
        yield from ((f"+ {line}", "green") for line in (each.get("new") or "").splitlines())


def _block(word: str, said: str, width: int, hanging: int = 0) -> list[str]:
    """Return prose behind its word, wrapped to the width."""
    left = " " * _MARGIN
    return textwrap.wrap(
        " ".join(said.split()),
        width,
        initial_indent=f"{word:<{_MARGIN}}",
        subsequent_indent=left + " " * hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
