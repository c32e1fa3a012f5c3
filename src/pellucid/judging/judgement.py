"""How good a network is on rows it did not learn from, as plain data: what `judge` measures and a report draws."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pellucid.data.dataset import SplitName
from pellucid.recipe import MetricName, TaskName

Severity = Literal["critical", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure measured on some samples, and the 95 % confidence interval that their number leaves it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """What needs no network: the most frequent class, the mean of the training targets, the last value seen.

    Attributes:
        name: what it does, such as `always 'no'`.
        metrics: its metrics on the same rows, named as the network's.
    """

    name: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How one class, or one label, fares.

    Attributes:
        name: the class.
        support: samples of it.
        predicted: samples taken for it.
        precision: share of those taken for it that are of it, TP / (TP + FP).
        recall: share of those of it that were found, TP / (TP + FN).
        f1: harmonic mean of the two.
    """

    name: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[t][p]` samples of class t were taken for class p; `names` name both."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The samples whose likeliest class has a probability within [low, high): what was believed, what was right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether probabilities mean what they say.

    Attributes:
        bins: those that hold samples, by rising confidence.
        error: expected calibration error, the mean over samples of |accuracy - confidence| of their bin
            (Naeini, Cooper and Hauskrecht 2015).
    """

    bins: tuple[CalibrationBin, ...]
    error: float


@dataclass(frozen=True, slots=True)
class Operating:
    """A binary classifier at one threshold: the positive class is said where its probability reaches it."""

    threshold: float
    accuracy: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """Where to draw the line between two classes.

    Attributes:
        positive: the class that is looked for.
        goal: what the threshold was chosen for, such as `f1` or `recall 0.9`.
        chosen_on: the split it was chosen on, never the one judged unless there is no other.
        usual: the judged rows at 0.5.
        chosen: the judged rows at the threshold chosen.
        curve: the judged rows at rising thresholds, for a precision-recall curve.
        auc: area under the ROC curve: how often a positive sample has the higher probability of two.
        average_precision: area under the precision-recall curve.
    """

    positive: str
    goal: str
    chosen_on: SplitName
    usual: Operating
    chosen: Operating
    curve: tuple[Operating, ...]
    auc: Estimate
    average_precision: Estimate


@dataclass(frozen=True, slots=True)
class Residuals:
    """Values against predictions of one target, in its own unit; evenly spaced samples where there are many."""

    target: str
    truth: tuple[float, ...]
    predicted: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One of the worst predictions.

    Attributes:
        row: its place in the data set's stored inputs.
        name: what the source calls it: a file, an identifier, `row 12`.
        truth: the class or value that is right.
        said: the class or value that was predicted.
        probability: what the network gave the class it said; None for values.
        shown: for a row of a table its columns as they are read (column -> value), else empty.
    """

    row: int
    name: str
    truth: str
    said: str
    probability: float | None
    shown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BiasVariance:
    """Whether the network learned too little, or too much by heart.

    Attributes:
        metric: the metric compared.
        train: its value on training rows (in evaluation mode, without augmentation).
        held_out: its value on the judged rows.
        baseline: its value without a network.
        verdict: what the figures say.
        explanation: why, in one or two sentences with the figures, and what to try.
    """

    metric: MetricName
    train: float
    held_out: Estimate
    baseline: float
    verdict: Literal["good", "high bias", "high variance", "high bias and high variance"]
    explanation: str


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is wrong, or may be.

    Attributes:
        kind: a word for programs, such as `weak-class` or `leakage`.
        severity: `critical` puts the figures themselves in doubt or says that nothing was learned.
        title: one short sentence a newcomer understands.
        evidence: the figures it rests on.
        advice: what to try.
    """

    kind: str
    severity: Severity
    title: str
    evidence: str
    advice: str


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is worth knowing of the data before believing a figure.

    Attributes:
        samples: of each split.
        balance: class or label -> samples in each split; empty where values are predicted.
        missing: column -> missing values, where the source is a table.
        duplicates: held-out split -> rows whose input is a training row's too.
        notes: what the reading said.
    """

    samples: Mapping[SplitName, int]
    balance: Mapping[str, Mapping[SplitName, int]]
    missing: Mapping[str, int]
    duplicates: Mapping[SplitName, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that is known of a network on one split.

    Attributes:
        task: what is learned.
        split: the rows judged.
        samples: how many they are.
        metric: the single-number metric that leads.
        metrics: every metric of the task with its interval, the leading one and the loss among them.
        baseline: what needs no network.
        headline: one sentence that says whether it is good.
        bias_variance: None where the training rows are not at hand.
        concerns: what is wrong, the worst first; empty where nothing was found.
        classes: for classes and labels.
        confusion, calibration: for classes.
        threshold: for two classes.
        residuals: for values, one a target.
        mistakes: the worst predictions, the worst first.
        facts: of the data; None where only new rows were judged.
    """

    task: TaskName
    split: SplitName
    samples: int
    metric: MetricName
    metrics: Mapping[str, Estimate]
    baseline: Baseline
    headline: str
    bias_variance: BiasVariance | None
    concerns: tuple[Concern, ...]
    classes: tuple[ClassScores, ...]
    confusion: Confusion | None
    calibration: Calibration | None
    threshold: ThresholdChoice | None
    residuals: tuple[Residuals, ...]
    mistakes: tuple[Mistake, ...]
    facts: DataFacts | None

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)
