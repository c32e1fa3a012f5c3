"""The worst mistakes, with what the network saw."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from pellucid.data.dataset import Dataset
from pellucid.judging.judgement import Judgement, Mistake
from pellucid.judging.wording import percent
from pellucid.report.markup import Child, element, write
from pellucid.report.numbers import counted, shortened, unbroken
from pellucid.report.pictures import picture
from pellucid.report.pieces import WHOLE, Column, Part, section, table

_MOST = 24
_MOST_ROWS = 12
_MOST_COLUMNS = 16
_MOST_CHARACTERS = 40


def mistakes(judgement: Judgement, data: Dataset | None, of: Part = WHOLE) -> Element:
    """Return the worst mistakes as pictures, texts or rows, whichever the data has."""
    worst = judgement.mistakes[:_MOST]
    if not worst:
        return section(of.key("mistakes"), of.title("Worst mistakes"), element("p", "It made none on the rows judged."))
    pictures = [None if data is None else picture(data, mistake.row) for mistake in worst]
    content: Child
    if any(made is not None for made in pictures):
        content = element("div", _cards(worst, pictures), class_="mistakes")
    else:
        content = _rows(worst[:_MOST_ROWS], judgement)
    lead = (
        "The rows where it gave the right answer the least chance."
        if worst[0].probability is not None
        else "The rows where prediction and truth lie farthest apart."
    )
    return section(of.key("mistakes"), of.title("Worst mistakes"), content, lead=lead)


def _cards(worst: Sequence[Mistake], pictures: Sequence[Element | None]) -> list[Element]:
    """Return a card a mistake; the same one made on the same input several times is shown once."""
    alike: dict[tuple[str, str, str], list[Mistake]] = {}
    shown: dict[tuple[str, str, str], Element | None] = {}
    for mistake, made in zip(worst, pictures, strict=True):
        key = (mistake.name if made is None else write(made), mistake.truth, mistake.said)
        alike.setdefault(key, []).append(mistake)
        shown.setdefault(key, made)
    return [_card(same, shown[key]) for key, same in alike.items()]


def _card(same: Sequence[Mistake], made: Element | None) -> Element:
    mistake = same[0]
    sure = "" if mistake.probability is None else unbroken(percent(mistake.probability))
    what = _seen(mistake.said)
    said = f"{what} ({sure})" if sure else what
    name = shortened(mistake.name, _MOST_CHARACTERS)
    others = "" if len(same) == 1 else f" and {counted(len(same) - 1, 'row')} like it"
    caption = element(
        "figcaption",
        element("span", "said "), element("span", said, class_="said"), element("br"),
        element("span", "is "), element("span", _seen(mistake.truth), class_="truth"), element("br"),
        element("span", name + others, class_="soft"),
    )  # fmt: skip
    if made is not None and made.tag == "img":
        made.set("alt", f"{mistake.name}: is {_seen(mistake.truth)}, taken for {said}")
    return element("figure", made, caption)


def _seen(answer: str) -> str:
    """Return an answer that can be seen: a blank, which a network of texts may say, as what it is."""
    return {" ": "␣", "\n": "↵", "\t": "⇥"}.get(answer, answer)


def _rows(worst: Sequence[Mistake], judgement: Judgement) -> Element:
    shown = list(dict.fromkeys(column for mistake in worst for column in mistake.shown))[:_MOST_COLUMNS]
    sure = any(mistake.probability is not None for mistake in worst)
    numbers = judgement.task in {"regression", "forecast"}
    columns = [
        Column("row"), Column("is", numbers=numbers), Column("said", numbers=numbers),
        *([Column("sure", numbers=True)] if sure else []), *(Column(name) for name in shown),
    ]  # fmt: skip
    return table("The worst first", columns, [_row(mistake, shown, sure=sure) for mistake in worst])


def _row(mistake: Mistake, shown: Sequence[str], *, sure: bool) -> list[Child]:
    probability = [] if not sure else ["" if mistake.probability is None else percent(mistake.probability)]
    return [
        shortened(mistake.name, _MOST_CHARACTERS),
        element("span", shortened(mistake.truth, _MOST_CHARACTERS), class_="truth"),
        element("span", shortened(mistake.said, _MOST_CHARACTERS), class_="said"),
        *probability,
        *(shortened(mistake.shown.get(name, ""), _MOST_CHARACTERS) for name in shown),
    ]
