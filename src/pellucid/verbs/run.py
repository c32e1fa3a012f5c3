"""A run folder, opened: what was asked, what happened, and the trained network ready to use."""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from pellucid.data import Classes, Dataset, Itself, NextToken, Preprocessing, Samples, Several, Target, load
from pellucid.data.arrays.torch_datasets import gather
from pellucid.data.dataset import SplitName
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.target_json import target_from_json
from pellucid.data.texts.text import TextPreprocessing
from pellucid.errors import DataError, RunError
from pellucid.files import as_damage, read_json, read_lines
from pellucid.judging.baselines import training_counts
from pellucid.judging.judgement import Judgement
from pellucid.judging.learning_curve import LearningCurve
from pellucid.judging.outputs import Outputs
from pellucid.networks import Plan, build, parse
from pellucid.networks.continuation import continue_tokens
from pellucid.recipe import Recipe
from pellucid.record import Finding, Findings, Prediction, Record, SeedResult, read_findings
from pellucid.report.card import run_card
from pellucid.seed import generator, isolated, seed_torch
from pellucid.training.batches import rows_at_once
from pellucid.training.checkpoint import load_weights
from pellucid.training.tasks import Supervised
from pellucid.training.tasks.generation import gan_of
from pellucid.training.tasks.specimens import Specimens
from pellucid.verbs.asked import read_asked
from pellucid.verbs.judged import Judged
from pellucid.verbs.new_rows import new_rows
from pellucid.verbs.predicting import predictions_of
from pellucid.verbs.recalling import recollections

_BEFORE_ASKED: Mapping[str, Any] = MappingProxyType({"state": "fresh"})
"""What a run did whose run.json does not say so, because there was no choice then: no state was carried."""


class Run:
    """A finished or stopped training, read from its folder.

    Attributes:
        folder: where it lies.
        asked: run.json: data, network, options, versions.
        record: its steps, epochs and result.
        preprocessing: what happens to an input before the network sees it.
        target: what the network predicts.
    """

    _data: Dataset | None = None
    _module: nn.Module | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = read_asked(folder)
        self.record = Record.read(folder / "record.jsonl")
        described = read_json(folder / "preprocessing.json")
        with as_damage(folder / "preprocessing.json"):
            self.preprocessing: Preprocessing = from_json(described["input"])
            self.target: Target = target_from_json(described["output"])

    def knowing(self, data: Dataset, module: nn.Module | None) -> "Run":
        """Return the run with what its folder cannot hold: data given from Python, and a module of the user's own."""
        self._data, self._module = data, module
        return self

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the diagnosis found; empty where none was made."""
        path = self.folder / "findings.json"
        return read_findings(path) if path.exists() else Findings()

    @property
    def seeds(self) -> tuple[SeedResult, ...]:
        """What came of each seed, in their order, its own first; empty where it was trained with one."""
        path = self.folder / "seeds.jsonl"
        with as_damage(path):
            return tuple(sorted((SeedResult(**line) for line in read_lines(path)), key=lambda result: result.seed))

    @property
    def recipe(self) -> Recipe:
        """How it was trained, every choice made."""
        with as_damage(self.folder / "run.json"):
            return Recipe(**{**_BEFORE_ASKED, **self.asked["recipe"]})

    @cached_property
    def _network(self) -> nn.Module:
        return self.model()

    @property
    def plan(self) -> Plan | None:
        """The network; None where it is a module of the user's own."""
        arrows = self.asked["network"]["arrows"]
        return None if arrows is None else parse(arrows)

    @property
    def _plan(self) -> Plan:
        plan = self.plan
        if plan is None:
            raise RunError(
                f"{self.folder} was trained with a module of your own, which pellucid cannot build",
                advice="make the module and load weights.safetensors into it",
            )
        return plan

    def with_weights(self, network: nn.Module) -> nn.Module:
        """Give a module the run's best weights and return it, on the CPU and in evaluation mode.

        Raises:
            RunError: it is another network, or the run has no weights yet.
        """
        path = self.folder / "weights.safetensors"
        weights = load_weights(path)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            reasons = str(error).splitlines()
            raise RunError(f"{path} belongs to another network", received=reasons[-1].strip()) from None
        return network.cpu().eval()

    def model(self) -> nn.Module:
        """Return the network with its best weights, in evaluation mode: a plain `torch.nn.Module`.

        Raises:
            RunError: it was trained with a module of the user's own in another process, or has no weights yet.
        """
        return self.with_weights(build(self._plan) if self._module is None else copy.deepcopy(self._module))

    def data(self) -> Dataset:
        """Load the data it was trained on again, split as it was.

        Raises:
            DataError: the source is gone.
            RunError: the source changed since.
        """
        source = self.asked["data"]
        if source["kind"] == "memory" and self._data is not None:
            return self._data
        if source["kind"] == "memory":
            raise RunError("this run was trained on data given from Python", advice="pass the data to evaluate(data)")
        data = load(source["location"], **source["options"])
        self.require_same(data)
        return data

    def require_same(self, data: Dataset) -> None:
        """Refuse data that is not what the run was trained on.

        Raises:
            RunError: the source or its split differs.
        """
        then = self.asked["data"]
        samples = {split: len(rows) for split, rows in data.rows.items()}
        if data.source.sha256 != then["sha256"] or samples != then["samples"]:
            raise RunError(
                f"{then['location']} has changed since this run",
                expected=f"{_counts(then['samples'])}, sha256 {then['sha256'][:16]}…",
                received=f"{_counts(samples)}, sha256 {data.source.sha256[:16]}…",
                advice="put the data of then back; to judge the network on other data, evaluate it on that",
            )

    def evaluate(self, data: object = None, *, split: SplitName | None = None) -> dict[str, float]:
        """Return the metrics on held-out rows: the test split, or validation where no test rows were kept.

        Args:
            data: new data with its targets, whatever the data's kind reads, of which every row is judged; or a
                `Dataset` prepared as this run's, whose held-out rows are. Default: the data it was trained on.
            split: the rows to judge in place of those held out.

        Raises:
            DataError: the data has no targets or no such rows, or was prepared in another way than the run's.
        """
        return self._judged(data, split).metrics()

    def judge(
        self,
        data: object = None,
        *,
        split: SplitName | None = None,
        positive: str | None = None,
        goal: str = "f1",
        mistakes: int = 24,
        network: nn.Module | None = None,
        target: str | None = None,
    ) -> Judgement:
        """Return all that is worth saying of the network on some rows: how good, how sure, what is wrong.

        Args:
            data: as `evaluate` takes it.
            split: the rows to judge; by default those `evaluate` does.
            positive: for two classes the one that is looked for (default: the rarer one in training).
            goal: what the threshold between them is chosen for: `f1`, `balanced`, `recall 0.9`, `precision 0.9` or
                `cost 5` (of a missed positive, in false alarms).
            mistakes: how many of the worst predictions to show.
            network: for a run on a module of your own: the module, which the best weights are loaded into.
            target: of several targets the one to judge; `judge_each` judges all.

        Raises:
            DataError: the data has no targets or no such rows, or was prepared in another way.
            OptionError: no such class, goal or target, or several targets and none named.
            RunError: the network cannot be built, or the weights are not its.
        """
        judged = self._judged(data, split, network, target)
        return judged.judgement(positive, goal, mistakes, self._trained_on(judged.data, target))

    def judge_each(
        self, data: object = None, *, split: SplitName | None = None, network: nn.Module | None = None
    ) -> dict[str, Judgement]:
        """Return all that is worth saying of each of several targets; arguments as of `judge`.

        Raises:
            DataError, RunError: as `judge`.
        """
        assert isinstance(self.target, Several)
        source = self.data() if data is None else data
        return {name: self.judge(source, split=split, network=network, target=name) for name in self.target.parts}

    def specimens(self, data: Dataset | None = None, *, network: nn.Module | None = None) -> Specimens | None:
        """Return what the network makes of some of the held-out rows, to be looked at; None where figures say it all.

        Args:
            data: as `evaluate` takes it.
            network: for a run on a module of your own: the module, which the best weights are loaded into.

        Raises:
            DataError: the data is gone.
            RunError: it was given from Python, or has changed; or the network cannot be built.
        """
        return self._judged(data, None, network).specimens()

    def rarer_class(self) -> str:
        """Return the class with the fewest training rows: what is looked for, where nothing else is said.

        Raises:
            DataError: the data is gone.
            RunError: it was given from Python, or has changed.
        """
        assert isinstance(self.target, Classes)
        counts = training_counts(self.data(), len(self.target.names))
        return self.target.names[int(counts.argmin())]

    def outputs(
        self, data: object = None, *, split: SplitName | None = None, target: str | None = None
    ) -> tuple[Outputs, Supervised]:
        """Return what the network says of each row that `judge` would look at, and what it learned.

        Raises:
            DataError: the data has no targets or no such rows, or was prepared in another way.
        """
        return self._judged(data, split, target=target).outputs()

    def _judged(
        self, data: object, split: SplitName | None, network: nn.Module | None = None, target: str | None = None
    ) -> Judged:
        """Return the network, or its head for one of several targets, beside the data to judge it on.

        Raises:
            DataError: the data has no targets, or was prepared in another way than the network learned from.
            RunError: the network cannot be built, or the weights are not its.
        """
        dataset, names = self._to_judge(data)
        judged = self._network if network is None else self.with_weights(network)
        whole = Judged(judged, dataset, self.recipe, split, names)
        return whole if target is None else whole.part(target)

    def _to_judge(self, data: object) -> tuple[Dataset, tuple[str, ...] | None]:
        """Return the data to judge the network on, and what its rows are called where the source says so.

        Raises:
            DataError: the data has no targets, or was prepared in another way than the network learned from.
        """
        if data is not None and not isinstance(data, Dataset):
            return new_rows(data, self.preprocessing, self.target, self._plan.input)
        dataset = self.data() if data is None else data
        if to_json(dataset.preprocessing) != to_json(self.preprocessing):
            raise DataError(
                "this data set was prepared in another way than the one the network was trained on",
                expected="the preprocessing of the run",
                received=f"one fitted on {dataset.name}",
                advice="pass the source itself (a path, a frame), not what `load` made of it",
            )
        return dataset, None

    def _trained_on(self, dataset: Dataset, target: str | None = None) -> Dataset | None:
        """Return the run's own data where other rows are judged and it can still be found."""
        if len(dataset.rows["train"]):
            return None
        with contextlib.suppress(DataError, RunError):
            data = self.data()
            return data.target.part(target, data) if target and isinstance(data.target, Several) else data
        return None

    def report(
        self,
        path: str | Path | None = None,
        *,
        judgement: Judgement | None = None,
        judgements: Mapping[str, Judgement] | None = None,
        data: Dataset | None = None,
        network: nn.Module | None = None,
        learning_curve: LearningCurve | None = None,
    ) -> Path:
        """Write all that is known of the run as one self-contained HTML page and return where it lies.

        Args:
            path: of the page (default: report.html in the run's folder).
            judgement: how the network was judged (default: it is judged now on the rows kept out).
            judgements: the same for each of several targets.
            data: the data it was trained on or judged on (default: it is loaded again).
            network: for a run on a module of your own: the module, to be judged and described.
            learning_curve: what more data would bring, if it was found out.

        Raises:
            RunError: the page cannot be written. What cannot be known any more, such as data that is gone, is said
                on the page.
        """
        from pellucid.verbs.reporting import subject_of, write_report

        subject = subject_of(
            self,
            judgement=judgement,
            judgements=judgements,
            data=data,
            network=network,
            learning_curve=learning_curve,
        )
        return write_report(subject, self.folder / "report.html" if path is None else Path(path))

    @property
    def continues_texts(self) -> bool:
        """Whether the network was trained to continue texts, so that `generate` is its way of predicting."""
        return isinstance(self.target, NextToken)

    def read(self, source: object) -> Samples:
        """Read new inputs as the network learned to: what `predict` takes too, and notes on what was odd in them.

        Raises:
            DataError: the input is not of the make the network was trained on.
        """
        if isinstance(source, TorchDataset | DataLoader):
            source = gather(source, needs_targets=False).inputs
        return self.preprocessing.read(source)

    @torch.no_grad()
    def predict(self, source: object) -> list[Prediction]:
        """Predict for new inputs: a file, a folder, a frame, an array, whatever the data's kind reads, or `read` gave.

        Raises:
            DataError: the input is not of the make the network was trained on.
        """
        return list(self._predictions(source))

    def _predictions(self, source: object) -> Iterator[Prediction]:
        if self.continues_texts:
            raise RunError("this network continues texts", advice="use run.generate(prompt)")
        samples = source if isinstance(source, Samples) else self.read(source)
        network = self._network.cpu()
        for rows_B in torch.arange(len(samples.inputs)).split(rows_at_once(samples.inputs)):
            prepared_B = self.preprocessing.prepare(samples.inputs.index_select(0, rows_B))
            names = [samples.names[row] for row in rows_B.tolist()]
            if self.recalls:
                yield from recollections(names, network, self.preprocessing, prepared_B)
                continue
            yield from predictions_of(names, self.target, self.preprocessing, prepared_B, network(prepared_B))

    def generate(self, prompt: str = "", length: int = 200, temperature: float = 1.0, seed: int = 0) -> str:
        """Continue a text by `length` tokens, each drawn from softmax(logits / temperature).

        Args:
            prompt: text to begin with.
            length: how many tokens to add.
            temperature: 0 takes the likeliest token always; 1 draws as the network believes.
            seed: of the draws.

        Raises:
            RunError: the network was not trained on a text.
        """
        if not isinstance(self.target, NextToken) or not isinstance(self.preprocessing, TextPreprocessing):
            raise RunError("this network does not continue texts", advice="use run.predict(input)")
        tokens = self.preprocessing.encode(prompt)
        drawn = continue_tokens(self._network.cpu(), tokens, length, temperature, generator(seed, "text"))
        return self.preprocessing.decode(drawn)

    @property
    def recalls(self) -> bool:
        """Whether the network is a memory, so that `recall` gives what an input reminds it of."""
        return isinstance(self.target, Itself) and self.target.purpose == "recall"

    @torch.no_grad()
    def recall(self, source: object) -> Tensor:
        """Return the pattern that each new input recalls, as the network gives it: (N, ...), of -1 and +1 or numbers.

        Raises:
            RunError: the network is no memory.
            DataError: the input is not of the make the network stored.
        """
        if not self.recalls:
            raise RunError("this network recalls nothing", advice="train one that does: --network hopfield")
        samples = source if isinstance(source, Samples) else self.read(source)
        network = self._network.cpu()
        return torch.cat(
            [network(self.preprocessing.prepare(part)) for part in samples.inputs.split(rows_at_once(samples.inputs))]
        )

    @property
    def makes_samples(self) -> bool:
        """Whether the network was trained to make samples, so that `sample` is its way of predicting."""
        return isinstance(self.target, Itself) and self.target.purpose == "generation"

    def sample(self, count: int = 1, seed: int = 0) -> Tensor | pl.DataFrame:
        """Return samples like the data's, in its own units, which the network makes of random numbers.

        Args:
            count: how many.
            seed: of the random numbers.

        Returns:
            Pixels of images, uint8 (N, C, H, W); the numbers of arrays, (N, ...); the columns of a table, as a frame.

        Raises:
            RunError: the network was not trained to make samples.
            DataError: this kind of data cannot be had back from what the network makes.
        """
        if not self.makes_samples:
            raise RunError("this network makes no samples", advice="train one that does: --network gan")
        gan = gan_of(self._network.cpu())
        with isolated():
            seed_torch(seed, "samples")
            return self.preprocessing.restore(gan.sample(count))

    def _repr_html_(self) -> str:
        """Return what was trained, on what and how well, and what was found wrong, as a notebook shows it."""
        return run_card(self.folder, self.asked, self.record, self.findings)

    def __repr__(self) -> str:
        result = self.record.result
        return f"<Run {self.folder}: {self.asked['task']}, {len(self.record.epochs)} epochs" + (
            f", test {dict(result.metrics)}>" if result else ">"
        )


def open_run(folder: str | Path) -> Run:
    """Open a run folder.

    Raises:
        RunError: it is no run folder, is damaged, or was written by a newer pellucid.
    """
    return Run(Path(folder))


def _counts(samples: Mapping[SplitName, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in samples.items())
