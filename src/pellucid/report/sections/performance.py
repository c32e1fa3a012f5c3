"""How it does: metrics, training against held-out rows, classes, confusion, calibration, threshold, residuals."""

import math
import shlex
from xml.etree.ElementTree import Element

from pellucid.judging.judgement import (
    BiasVariance,
    ClassScores,
    Confusion,
    Estimate,
    Judgement,
    Operating,
    ThresholdChoice,
)
from pellucid.judging.wording import is_share, metric, percent
from pellucid.report import figures
from pellucid.report.markup import Child, element
from pellucid.report.mix_ups import mix_ups
from pellucid.report.numbers import counted, interval, sentence, unbroken
from pellucid.report.pieces import WHOLE, Column, Part, more, scrolling, section, strip, table

MOST_IN_MATRIX = 12
STRONGEST = 0.55  # a cell's shade at most: figures on it can still be read
_MOST_CLASSES = 24
_MOST_MIX_UPS = 8
_MOST_TARGETS = 4

_OF_LABELS = {
    "accuracy": "share of all labels of all rows it got right: that they apply, or do not",
    "precision": "where it says that a label applies, the share where it does; mean over labels",
    "recall": "where a label applies, the share it finds; mean over labels",
    "f1": "precision and recall in one figure; mean over labels",
}

MEANING = {
    "loss": "what training makes small",
    "accuracy": "share of the rows it got right",
    "exact_match": "share of the rows all of whose labels it got right",
    "precision": "of what it takes for a class, the share that is of it; mean over classes",
    "recall": "of what is of a class, the share it finds; mean over classes",
    "f1": "precision and recall in one figure; mean over classes",
    "perplexity": "between how many tokens it hesitates",
    "mse": "mean squared error",
    "rmse": "root of the mean squared error, in the target's unit",
    "mae": "mean absolute error, in the target's unit",
    "r2": "share of the target's variance it explains",
}


def performance(judgement: Judgement, folder: str, of: Part = WHOLE) -> Element:
    """Return how the network of a run folder does on the rows judged, on one of several targets where it has such."""
    return section(
        of.key("performance"),
        of.title("How it does"),
        _metrics(judgement),
        _fit(judgement.bias_variance, judgement.split),
        _classes(judgement),
        _threshold(judgement.threshold, folder, of),
        element("div", _drawn(judgement, of), class_="pair"),
        lead=f"On {counted(judgement.samples, f'{judgement.split} row')}. A 95 % interval says how far a figure may be"
        " off for the number of rows it was measured on.",
    )


def _metrics(judgement: Judgement) -> Element:
    columns = (
        Column("metric"), Column("value", numbers=True), Column("95 % interval"),
        Column("without a network", numbers=True), Column("what it is", text=True),
    )  # fmt: skip
    names = [judgement.metric, *(name for name in judgement.metrics if name != judgement.metric)]
    meaning = MEANING | (_OF_LABELS if judgement.task == "multilabel" else {})
    rows = []
    for name in names:
        estimate, baseline = judgement.metrics[name], judgement.baseline.metrics.get(name)
        value: Child = metric(name, estimate.value)
        shown = element("strong", value) if name == judgement.metric else value
        without = "" if baseline is None else metric(name, baseline)
        rows.append((name, shown, interval(name, estimate), without, meaning.get(name, "")))
    return table(f"Metrics; without a network means: {judgement.baseline.name}", columns, rows)


def _fit(found: BiasVariance | None, split: str) -> list[Element]:
    """Return whether it learned too little or too much by heart."""
    if found is None:
        return []
    train = Estimate(found.train, math.nan, math.nan)
    rows = [
        ("training rows", train, metric(found.metric, found.train)),
        (f"{split} rows", found.held_out, metric(found.metric, found.held_out.value)),
        ("without a network", Estimate(found.baseline, math.nan, math.nan), metric(found.metric, found.baseline)),
    ]
    finite = [value for _, estimate, _ in rows for value in (estimate.value, estimate.high) if math.isfinite(value)]
    low, high = (0.0, 1.0) if is_share(found.metric) else (min(0.0, *finite), max(0.0, *finite))
    cells = [
        (name, text, interval(found.metric, estimate), strip(estimate, low, high)) for name, estimate, text in rows
    ]
    columns = (Column("on"), Column(found.metric, numbers=True), Column("95 % interval"), Column(""))
    return [
        element("h3", f"Too little learned, or too much by heart? {found.verdict.capitalize()}."),
        element("p", unbroken(sentence(found.explanation))),
        table(f"The same metric where it learned and where it did not, {found.metric}", columns, cells),
    ]


def _classes(judgement: Judgement) -> list[Child]:
    scores = judgement.classes
    if not scores:
        return []
    weakest = sorted(scores, key=lambda each: (each.f1, each.name))[:_MOST_CLASSES]
    few = len(scores) <= _MOST_CLASSES
    shown = scores if few else weakest
    one, many = ("label", "labels") if judgement.task == "multilabel" else ("class", "classes")
    columns = (
        Column(one), Column("rows", numbers=True), Column("said", numbers=True),
        Column("precision", numbers=True), Column("recall", numbers=True), Column("recall's 95 % interval"),
        Column(""),
        Column("F1", numbers=True),
    )  # fmt: skip
    caption = f"Each {one}" if few else f"The {len(shown)} weakest of {len(scores):,} {many}"
    made = table(
        f"{caption}: precision, of what was said to be of it; recall, of what is of it", columns, [*map(_row, shown)]
    )
    return [
        element("h3", f"{one.capitalize()} by {one}"),
        made,
        more(len(scores), len(shown), f"{many}, which do better, are"),
        _confusion(judgement.confusion),
    ]


def _row(each: ClassScores) -> tuple[Child, ...]:
    return (
        each.name, f"{each.support:,}", f"{each.predicted:,}", _share(each.precision.value), _share(each.recall.value),
        element("span", interval("recall", each.recall), class_="soft"), strip(each.recall, 0.0, 1.0),
        _share(each.f1),
    )  # fmt: skip


def _share(value: float) -> str:
    return "–" if math.isnan(value) else percent(value)


def _confusion(confusion: Confusion | None) -> list[Child]:
    if confusion is None:
        return []
    found = mix_ups(confusion)
    shown = found[:_MOST_MIX_UPS]
    columns = (Column("is"), Column("taken for"), Column("times", numbers=True), Column("of its rows", numbers=True))
    rows = [(pair.truth, pair.said, f"{pair.count:,}", percent(pair.count / pair.support)) for pair in shown]
    listed = (
        [table("The most frequent mix-ups", columns, rows), more(len(found), len(shown), "pairs are")]
        if rows
        else [element("p", "No row was taken for another class.")]
    )
    if len(confusion.names) > MOST_IN_MATRIX:
        return [element("h3", "What is taken for what"), *listed]
    return [
        element("h3", "What is taken for what"),
        element("div", _matrix(confusion), element("div", listed), class_="pair"),
    ]


def _matrix(confusion: Confusion) -> Element:
    """Return the confusion matrix as a table; the shade is the share of the row."""
    heads = (element("th", name, scope="col") for name in confusion.names)
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            (_cell(count, sum(counts), right=truth == said) for said, count in enumerate(counts)),
        )
        for truth, (name, counts) in enumerate(zip(confusion.names, confusion.counts, strict=True))
    ]
    caption = element(
        "span", "A row is a class, a column what it was taken for: ",
        _key("blue", 0.5, "right,"), " ", _key("orange", 0.6, "wrong"),
    )  # fmt: skip
    corner = element("td", element("span", "is ↓"), " ", element("span", "said →"), class_="none")
    head = element("thead", element("tr", corner, heads))
    return scrolling(
        "Confusion matrix", element("table", element("caption", caption), head, element("tbody", body), class_="matrix")
    )


def _key(colour: str, share: float, what: str) -> Element:
    """Return what a colour means, never broken from it."""
    square = element("span", class_="key", style=f"background:rgb(var(--{colour}-rgb) / {share:g})")
    return element("span", square, what, class_="whole")


def _cell(count: int, total: int, *, right: bool) -> Element:
    if not count:
        return element("td", "·" if not right else "0", class_="none")
    share = count / total
    # a single mistake of a hundred must be seen, all of a row must be read
    shade = 0.08 + (STRONGEST - 0.08) * share if right else 0.2 + (STRONGEST - 0.2) * min(1.0, 2 * share)
    return element("td", f"{count:,}", class_="right" if right else "wrong", style=f"--share:{shade:.2f}")


def _threshold(choice: ThresholdChoice | None, folder: str, of: Part) -> list[Element]:
    if choice is None:
        return []

    def row(name: str, point: Operating) -> tuple[str, ...]:
        shares = (point.accuracy, point.precision, point.recall, point.f1)
        return (name, f"{point.threshold:.3g}", *map(_share, shares))

    heads = ("threshold at", "accuracy", "precision", "recall", "F1")
    columns = (Column(""), *(Column(head, numbers=True) for head in heads))
    rows = [row("usual", choice.usual), row(f"chosen for {choice.goal}", choice.chosen)]
    text = (
        f"“{choice.positive}” is said where its probability reaches the threshold. The one for {choice.goal} was"
        f" chosen on the {choice.chosen_on} rows. Of two rows, one “{choice.positive}” and one not, the network gives"
        f" the right one the higher probability in {_share(choice.auc.value)} of cases (area under the ROC curve,"
        f" {interval('recall', choice.auc)})."
    )
    said = [
        element("h3", f"When to say “{choice.positive}”"),
        element("p", text),
        table("The same rows at two thresholds", columns, rows),
    ]
    if of.number:
        return said
    threshold, positive = f"{choice.chosen.threshold:.4g}", choice.positive
    use = ["pellucid", "predict", folder, "INPUT", "--threshold", threshold, f"--positive={positive}"]
    return [*said, element("p", "To predict with it:"), element("pre", element("code", shlex.join(use)))]


def _drawn(judgement: Judgement, of: Part) -> list[Element]:
    drawn = []
    if judgement.threshold is not None and len(judgement.threshold.curve) > 1:
        drawn.append(figures.precision_recall(judgement.threshold, of.key("threshold")))
    if judgement.calibration is not None and judgement.calibration.bins:
        drawn.append(figures.calibration(judgement.calibration, of.key("calibration")))
    for number, of_target in enumerate(judgement.residuals[:_MOST_TARGETS]):
        if of_target.truth:
            if judgement.task == "forecast":
                drawn.append(figures.course(of_target, of.key(f"course{number}")))
            drawn.append(figures.residuals(of_target, of.key(f"residual{number}")))
    return drawn
