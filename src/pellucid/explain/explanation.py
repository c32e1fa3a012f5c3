"""What is told of a network, as plain data: parts, each with a lead, figures and a table; `report` writes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from pellucid.chart import FigureData
from pellucid.data import Dataset
from pellucid.explain.derivation import Derivation
from pellucid.explain.graphs.nodes import Graph
from pellucid.explain.landscape.objective import Weights
from pellucid.explain.landscape.path import TrainingPath
from pellucid.training.tasks import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is explained.

    Attributes:
        network: trained, in evaluation mode, on the CPU.
        data: it was trained on.
        task: what it learned.
        row: of the data, the sample that is gone into.
        start: the weights before the training, where they are known.
        path: the states of the network along the training, where they are known.
        seed: of what is drawn for an explanation.
    """

    network: nn.Module
    data: Dataset
    task: Task
    row: int
    start: Weights | None
    path: TrainingPath | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One explanation.

    Attributes:
        key: a word that no other part has.
        title: its heading.
        lead: what there is to see, and where it comes from.
        facts: what came out, a sentence each.
        figures: the first says most.
        heads, rows: of a table; the first column names the rows, of the rest numbers stand to the right.
    """

    key: str
    title: str
    lead: str
    facts: Sequence[str] = ()
    figures: Sequence[FigureData] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """All that is told of a network.

    Attributes:
        title: what is explained.
        what: a line beside it.
        derivation: of the sample; None where there is none.
        parts: the other explanations.
        graph: of the network's operations; None where it could not be read.
        left_out: what does not suit this network, with the reason.
    """

    title: str
    what: str
    derivation: Derivation | None
    parts: Sequence[Part]
    graph: Graph | None = None
    left_out: Sequence[str] = ()
