"""A run's page: whole, self-contained, escaped, told in words; its figures are the judgement's."""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch

from pellucid.data.dataset import Classes, NextToken, Values
from pellucid.judging.judgement import Concern, Confusion
from pellucid.judging.wording import metric
from pellucid.networks import parse
from pellucid.record import Finding, Record, Step
from pellucid.report.numbers import interval
from pellucid.report.page import page
from pellucid.report.subject import Part, Subject, Times
from tests.report.making import ASKED, class_judgement, near, record, subject, value_judgement
from tests.report.reading import Node, read

ALWAYS = ["learning", "network", "data", "asked"]
JUDGED = ["performance", "mistakes", *ALWAYS]


def asked(**changes: Any) -> dict[str, Any]:
    return {**ASKED, **changes}


def values(task: str) -> Subject:
    generator = torch.Generator().manual_seed(0)
    truth_N = torch.randn(200, generator=generator)
    judgement = value_judgement(truth_N + 0.3, truth_N, "price in $1$", task=task)
    target = Values(("price in $1$",), (0.0,), (1.0,))
    return subject(judgement=judgement, target=target, asked=asked(task=task))


def language() -> Subject:
    judgement = subject().judgement
    assert judgement is not None
    fields = {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}
    metrics = {"loss": near(1.2), "accuracy": near(0.6), "perplexity": near(3.3)}
    less = {"classes": (), "confusion": None, "threshold": None, "calibration": None, "mistakes": ()}
    judged = type(judgement)(**{**fields, **less, "task": "language", "metric": "loss", "metrics": metrics})
    plan = parse("tokens(60) -> embed(8) -> gru(16) -> fc(60)")
    return subject(judgement=judged, target=NextToken(("a", "b")), plan=plan, asked=asked(task="language"))


def diverged() -> Subject:
    grown = Record(steps=[Step(n, 1, 10.0**n, 1.0, 1e3, 32 * n) for n in range(1, 6)])
    return subject(record=grown, judgement=None, unjudged="It was not finished.")


def own_module() -> Subject:
    network = {"arrows": None, "module": "Mine", "parameters": 12, "sha256": ""}
    parts = (Part("body.0", "Linear", 12, "3x3, 3"),)
    return subject(plan=None, parts=parts, asked=asked(network=network), command=None)


CASES: dict[str, tuple[Callable[[], Subject], list[str], str]] = {
    "classes": (subject, JUDGED, "Usable with care"),
    "values": (lambda: values("regression"), JUDGED, "Nothing wrong was found"),
    "forecast": (lambda: values("forecast"), JUDGED, "Nothing wrong was found"),
    "language": (language, JUDGED, "Usable with care"),
    "own module": (own_module, JUDGED, "a module of its own"),
    "source gone": (
        lambda: subject(judgement=None, unjudged="made.csv is missing."), ALWAYS, "made.csv is missing.",
    ),
    "not begun": (
        lambda: subject(record=Record(), judgement=None, times=Times()), ALWAYS, "--resume runs/made-1",
    ),
    "stopped": (
        lambda: subject(record=record(2, finished=False), judgement=None), ALWAYS, "2 of 4 epochs are done",
    ),
    "diverged": (diverged, ALWAYS, "the training diverged"),
}  # fmt: skip


@cache
def written(case: str) -> str:
    return page(CASES[case][0]())


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_run_has_its_sections_in_order_and_says_how_it_stands(case: str) -> None:
    _, keys, words = CASES[case]
    root = read(written(case))
    sections = [node.attributes["id"] for node in root.all("section") if "id" in node.attributes]
    assert sections == keys
    assert words in root.text
    assert [node.text for node in root.all("h1")] == ["made-1"]


@pytest.mark.parametrize("case", CASES)
def test_nothing_stands_outside_the_page_and_nothing_runs(case: str) -> None:
    html = written(case)
    root = read(html)
    assert {"script", "link", "iframe", "object", "embed", "base"}.isdisjoint(node.tag for node in root.all())
    for node in root.all():
        for name, value in node.attributes.items():
            assert not name.startswith("on"), (node.tag, name)
            assert "//" not in value or value.startswith("data:image/"), (node.tag, name, value)
            if name in {"src", "href"}:
                assert value.startswith(("data:image/", "#")), (node.tag, name, value)
    assert "@import" not in html
    assert "url(http" not in html


@pytest.mark.parametrize("case", CASES)
def test_identifiers_are_unique_and_links_lead_to_them(case: str) -> None:
    nodes = read(written(case)).all()
    known = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert len(known) == len(set(known))
    html = written(case)
    wanted = {node.attributes["href"][1:] for node in nodes if "href" in node.attributes}
    wanted |= {node.attributes["aria-labelledby"] for node in nodes if "aria-labelledby" in node.attributes}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert wanted <= set(known)


@pytest.mark.parametrize("case", CASES)
def test_pictures_say_in_words_what_they_show(case: str) -> None:
    root = read(written(case))
    html = root.all("html")[0]
    assert html.attributes["lang"] == "en"
    for node in root.all("svg"):
        hidden = node.attributes.get("aria-hidden") == "true"
        assert hidden or (node.attributes["role"] == "img" and re.search(r"\d", node.attributes["aria-label"]))
    assert all(node.attributes["alt"] for node in root.all("img"))
    for table in root.all("table"):
        assert table.all("caption")[0].text
        assert all(head.attributes["scope"] in {"row", "col"} for head in table.all("th"))
    levels = [int(node.tag[1]) for node in root.all() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("case", CASES)
def test_the_same_run_gives_the_same_bytes(case: str) -> None:
    assert written(case) == page(CASES[case][0]())


def rows_of(table: Node) -> dict[str, list[str]]:
    rows = [[cell.text for cell in row.children if isinstance(cell, Node)] for row in table.all("tr")]
    return {cells[0]: cells[1:] for cells in rows}


def test_figures_on_the_page_are_the_judgements() -> None:
    run = subject()
    judgement = run.judgement
    assert judgement is not None
    root = read(page(run))
    tables = {table.all("caption")[0].text.split(";")[0].split(":")[0]: table for table in root.all("table")}
    metrics = rows_of(tables["Metrics"])
    for name, estimate in judgement.metrics.items():
        assert metrics[name][:2] == [metric(name, estimate.value), interval(name, estimate)]
    classes = rows_of(tables["Each class"])
    for each in judgement.classes:
        assert classes[each.name][:2] == [str(each.support), str(each.predicted)]
    assert judgement.confusion is not None
    matrix = rows_of(tables["A row is a class, a column what it was taken for"])
    for name, counts in zip(judgement.confusion.names, judgement.confusion.counts, strict=True):
        assert [int(text.replace("·", "0")) for text in matrix[name]] == list(counts)
    verdict = next(node for node in root.all("section") if node.attributes.get("aria-label") == "Verdict")
    shown = [node.text for node in verdict.all("dd")]
    leading = judgement.metrics["accuracy"]
    assert shown == [
        metric("accuracy", leading.value),
        interval("accuracy", leading),
        metric("accuracy", judgement.baseline.metrics["accuracy"]),
    ]


def test_what_is_wrong_stands_before_everything_else_the_worst_first() -> None:
    concerns = (
        Concern("note", "note", "A small thing.", "1 of 2", ""),
        Concern("leak", "critical", "It has seen the answers.", "9 of 10", "leave 'id' out"),
    )
    judgement = subject().judgement
    assert judgement is not None
    fields = {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}
    finding = Finding("dead-units", "warning", 0.9, {}, (), "Half of the units are dead.", (), 12)
    html = page(subject(judgement=type(judgement)(**{**fields, "concerns": concerns}), findings=(finding,)))
    places = [html.index(words) for words in ("It has seen", "Half of the units", "A small thing", "How it does</h2>")]
    assert places == sorted(places)
    assert "something is seriously wrong" in html
    for word in ("Critical", "Warning", "Note"):
        assert word in html


HOSTILE = "<script>alert('1')</script>\"&\x00\ud800]]>"


def test_names_from_the_data_cannot_become_markup() -> None:
    truth_N = torch.arange(60) % 2
    probabilities_NK = torch.full((60, 2), 0.5).index_fill_(1, torch.tensor([0]), 0.6)
    names = (HOSTILE, "</style><img src=x onerror=alert(1)>")
    judgement = class_judgement(probabilities_NK, truth_N, names)
    made = asked(data={**ASKED["data"], "name": HOSTILE, "location": HOSTILE, "notes": [HOSTILE]})
    html = page(subject(title=HOSTILE, command=HOSTILE, folder=HOSTILE, target=Classes(names), judgement=judgement,
                        asked=made, changed={HOSTILE: HOSTILE}))  # fmt: skip
    root = read(html)
    assert not root.all("script")
    assert not root.all("img")
    assert "><script" not in html
    html.encode("utf-8")
    assert "<script>alert('1')</script>\"&" in root.all("h1")[0].text


@pytest.mark.parametrize("classes", [2, 12, 13, 1000])
def test_many_classes_are_told_by_the_weakest_and_the_most_mixed_up(classes: int) -> None:
    names = tuple(f"class {k}" for k in range(classes))
    generator = torch.Generator().manual_seed(0)
    truth_N = torch.arange(2 * classes) % classes
    judgement = class_judgement(torch.rand(2 * classes, classes, generator=generator).softmax(1), truth_N, names)
    html = page(subject(judgement=judgement, target=Classes(names)))
    assert len(html) < 300_000
    assert ('class="matrix"' in html) == (classes <= 12)
    assert "mix-ups" in html


def test_a_long_training_stays_a_small_page_and_keeps_its_spikes() -> None:
    long = record(100_000, 100_000)
    long.steps[77_777] = Step(77_778, 1, 3.0, 1e-3, 12_345.0, 1)
    html = page(subject(record=long))
    assert len(html) < 400_000
    assert "1.2e+04" in html


@pytest.mark.parametrize(
    "arrows",
    [
        "16 -> " + " -> ".join(["fc(16) -> relu"] * 500) + " -> fc(2)",
        "16 -> 500 * (fc(16) -> relu) -> fc(2)",
        "8x8x4 -> 250 * (residual(conv(4, 3x3, padding=same) -> relu)) -> fc(2)",
    ],
)
def test_a_deep_network_is_folded(arrows: str) -> None:
    html = page(subject(plan=parse(arrows)))
    assert len(html) < 250_000
    assert "more" in html


def test_mix_ups_of_a_class_never_seen_are_not_divided_by_nothing() -> None:
    confusion = Confusion(("a", "b"), ((0, 0), (3, 7)))
    judgement = subject().judgement
    assert judgement is not None
    fields = {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}
    root = read(page(subject(judgement=type(judgement)(**{**fields, "confusion": confusion}))))
    assert "30.0 %" in root.text
