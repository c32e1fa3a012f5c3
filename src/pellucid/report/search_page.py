"""A search as one self-contained HTML page: what won and whether it really did, what matters, and every trial."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import Element

from pellucid.judging.wording import metric
from pellucid.report.markup import element
from pellucid.report.numbers import title_of, unbroken
from pellucid.report.page import document
from pellucid.report.pieces import Column, more, section, table
from pellucid.report.search_figures import by_parameter, importances, learning, parallel
from pellucid.report.search_text import drawn, ends_of, gain_lines, mean_of, range_of
from pellucid.tuning import UNTUNED, SearchResult

_MOST_ROWS = 50


def search_page(asked: Mapping[str, Any], result: SearchResult, folder: str, command: str | None) -> str:
    """Return a search as a whole HTML document; the same search gives the same text.

    Args:
        asked: study.json.
        result: what was found.
        folder: of the search.
        command: trains the winner; None where it is not known or its data has no name.
    """
    sections = [
        *([_candidates(result)] if result.replicates else []),
        *([_matters(result), _trials(result)] if result.shown else []),
        _asked(asked, result),
    ]
    what = f"search · {asked['task']} · data {asked['data']['name']} · {len(result.trials)} trials"
    version = asked["versions"]["pellucid"]
    title = PurePath(folder).name
    return document(title, what, _verdict(result, command), sections, version, f"the folder {folder} of a search")


def _verdict(result: SearchResult, command: str | None) -> list[Element]:
    if result.winner is None:
        style, status, headline = "fair", "Not finished: the search was stopped before its end.", ends_of(result)
    elif result.winner == UNTUNED:
        style, status = "fair", "Nothing better was found than what is chosen without a search."
        headline = f"{title_of(result.metric)} {_mean_of(result, UNTUNED)} on the validation rows."
    else:
        trial = next(each for each in result.trials if str(each.number) == result.winner)
        gain = result.gain(result.winner, UNTUNED)
        sure = gain is not None and gain.low > 0
        style = "good" if sure else "fair"
        status = "Better than without a search." if sure else "Not surely better than without a search."
        headline = f"Trial {trial.number}, {drawn(trial)}: {result.metric} {_mean_of(result, result.winner)}."
    notes = element("ul", (element("li", f"{line[0].upper()}{line[1:]}.") for line in gain_lines(result)))
    run = [element("p", "To train it again:"), element("pre", element("code", command))] if command else []
    box = element(
        "section", element("p", status, class_="status"), element("p", unbroken(headline), class_="headline"),
        notes, run, class_=f"verdict {style}", aria_label="Verdict",
    )  # fmt: skip
    return [box]


def _mean_of(result: SearchResult, name: str) -> str:
    return mean_of(result, next(each for each in result.candidates() if each.name == name))


def _candidates(result: SearchResult) -> Element:
    rows = []
    by_number = {str(trial.number): trial for trial in result.trials}
    for each in result.candidates():
        trial = by_number.get(each.name)
        least, most = ("–", "–") if each.spread is None else (
            metric(result.metric, each.spread.least), metric(result.metric, each.spread.most)
        )  # fmt: skip
        what = "what pellucid chooses without a search" if trial is None else drawn(trial)
        rows.append([each.title, mean_of(result, each), least, most, what])
    heads = [Column("candidate"), Column(f"mean {result.metric} (95 % interval)", numbers=True),
             Column("least", numbers=True), Column("most", numbers=True), Column("what it is", text=True)]  # fmt: skip
    count = len({each.seed for each in result.replicates})
    lead = (
        "The best of many trials is partly the luckiest. So the best were trained again, and what is chosen without a"
        f" search beside them, each with the same {count} seeds that no trial had; these figures decide. They are of"
        " the validation rows: what the winner is worth on rows that chose nothing stands in the report of its run,"
        " best/report.html."
    )
    return section("again", "Is it really the best", table("Candidates", heads, rows), lead=lead)


def _matters(result: SearchResult) -> Element:
    shares = result.importances()
    words = (
        "How much of what decides how far up a trial comes hangs on each parameter, and how the trials lie along it."
        if shares
        else "How the trials lie along each parameter. What matters more and what less cannot be told of these trials:"
        " they are too few, or too much of their order is luck."
    )
    figures = [importances(shares)] if shares else []
    pairs = element("div", figures, by_parameter(result), class_="pair")
    return section("matters", "What matters", pairs, lead=words)


def _trials(result: SearchResult) -> Element:
    names = [parameter.name for parameter in result.space.parameters]
    rows = [
        [str(trial.number), metric(result.metric, trial.metrics.get(result.metric, float("nan"))), str(trial.epochs),
         *(trial.values[name] for name in names), trial.ended or "came to its end"]
        for trial in result.trials[:_MOST_ROWS]
    ]  # fmt: skip
    columns = [Column("trial"), Column(result.metric, numbers=True), Column("epochs", numbers=True)]
    columns += [*(Column(name, numbers=True) for name in names), Column("how it ended", text=True)]
    return section(
        "trials",
        "Every trial",
        parallel(result),
        element("div", learning(result), class_="pair"),
        table("In order of merit", columns, rows),
        more(len(result.trials), _MOST_ROWS, "trials"),
        lead=f"{ends_of(result)}. Figures are of the best epoch on the validation rows.",
    )


def _asked(asked: Mapping[str, Any], result: SearchResult) -> Element:
    options = asked["options"]
    rows = [(parameter.name, range_of(parameter)) for parameter in result.space.parameters]
    space = table("Searched for", [Column("parameter"), Column("values", text=True)], rows)
    fixed = [(name, str(text)) for name, text in result.space.texts.items()]
    fixed += [
        ("strategy", options["strategy"]),
        ("trials", str(options["trials"])),
        ("halving", f"the best one in {options['halving']} trains on" if options["halving"] > 1 else "none"),
        ("seed", str(asked["recipe"]["seed"])),
        ("device", f"{asked['device']}, {asked['threads']} threads"),
        *((name, str(value)) for name, value in asked["versions"].items()),
    ]
    how = table("As it was given", [Column("option"), Column("value", text=True)], fixed)
    return section("asked", "What was asked", space, how, lead="All that is needed to search again.")
