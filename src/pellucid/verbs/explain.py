"""`pellucid explain`: what a network computes and why, of a run and of any arrows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, PellucidError
from pellucid.options import argument, check, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from pellucid.explain.explanation import Explanation, Part, Subject
    from pellucid.verbs.run import Run

_SAMPLE, _OUTPUT = "Sample", "Output"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainOptions:
    """Show what a trained network computes: a sample's forward and backward pass in numbers, what it looks at, and why.

    Of arrows or a zoo name it shows what is known without training: shapes, parameters, operations, receptive fields.
    """

    network: str | None = argument("a run folder, or arrows or a zoo name")
    sample: int | None = option(
        None, "which of the test rows is gone into, from 1; its derivation is printed too", group=_SAMPLE, minimum=1
    )
    learning_rate: float | None = option(
        None, "also show one step of gradient descent on the sample at this rate", group=_SAMPLE, minimum=0.0
    )
    label_errors: bool = option(
        False, "train five networks more, each without a fifth of the samples, and list suspected labels", group=_SAMPLE
    )
    path: bool = option(
        False, "train the run once more, which takes as long as it took, and draw its path over the loss", group=_SAMPLE
    )
    seed: int = option(0, "of what is drawn: directions, weights of arrows", group=_SAMPLE, minimum=0)
    page: str | None = option(None, "where to write the page (default: explanation.html in the run)", group=_OUTPUT)
    latex: str | None = option(None, "file to write the derivation into, as LaTeX", group=_OUTPUT)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def command(options: ExplainOptions, console: Console) -> Outcome:
    """Explain a run, or the network that arrows describe."""
    if options.network is None:
        raise OptionError(
            "there is nothing to explain", expected="a run folder, arrows or a zoo name", received="nothing",
            advice="pellucid explain runs/digits-1, or pellucid explain lenet5",
        )  # fmt: skip
    if (Path(options.network) / "run.json").exists():
        return _explain_run(Path(options.network), options, console)
    return _explain_arrows(options.network, options, console)


def _explain_run(folder: Path, options: ExplainOptions, console: Console) -> Outcome:
    from pellucid.explain.derivation import as_latex, as_text
    from pellucid.files import write_bytes
    from pellucid.report.explanation_page import agreement_line, explanation_page
    from pellucid.seed import isolated
    from pellucid.training import threads
    from pellucid.verbs.run import open_run

    run = open_run(folder)
    with isolated(), threads(run.asked["threads"]):
        subject = _subject(run, options, console)
        explained = _explained(run, subject, options, console)
    derived = explained.derivation
    if derived is not None:
        if options.sample is not None:
            console.print(as_text(derived), markup=False)
        console.print(f"derived  {agreement_line(derived)}", markup=False)
    if options.latex is not None:
        if derived is None:
            raise OptionError(
                "there is no derivation to write", expected="a classifier or a regression", received=run.asked["task"]
            )
        write_bytes(Path(options.latex), as_latex(derived).encode())
    for part in explained.parts:
        for fact in part.facts:
            console.print(f"{part.key:<12} {fact}", markup=False)
    for reason in explained.left_out:
        console.print(f"left out {reason}", markup=False)
    page = Path(options.page) if options.page is not None else folder / "explanation.html"
    write_bytes(page, explanation_page(explained, run.asked["versions"]["pellucid"], f"the run {folder}").encode())
    console.print(f"page     {page}", markup=False)
    return Outcome(_document(explained, str(page)))


def _subject(run: Run, options: ExplainOptions, console: Console) -> Subject:
    """Return the run's network with its data and what was asked for: a sample, the way of the training.

    Raises:
        OptionError: there is no such test row, or no loss to draw a way on.
        RunError: the way is not known.
    """
    from pellucid.explain.explanation import Subject
    from pellucid.verbs.again import begin_again
    from pellucid.verbs.retracing import require_path, retrace

    session = begin_again(run)
    start = {name: weights.detach().clone() for name, weights in session.network.named_parameters()}
    rows = session.data.rows["test"] if len(session.data.rows["test"]) else session.data.rows["validation"]
    place = (options.sample or 1) - 1
    if place >= len(rows):
        raise OptionError(
            f"there is no test row {options.sample}", expected=f"1 to {len(rows)}", received=str(options.sample)
        )
    if options.path:
        require_path(run, session.task, session.data)
    return Subject(
        network=run.with_weights(session.network),
        data=session.data,
        task=session.task,
        row=int(rows[place]),
        start=start,
        path=retrace(run, session.data, console) if options.path else None,
        seed=options.seed,
    )


def _explained(run: Run, subject: Subject, options: ExplainOptions, console: Console) -> Explanation:
    """Return every explanation that suits the run; what fails is left out with its reason."""
    import torch

    from pellucid.explain import computation_graph, parts
    from pellucid.explain.explanation import Explanation

    left_out: list[str] = []
    sample = subject.data.batch(torch.tensor([subject.row]))[0]

    def tried(what: str, make: Callable[[], Any]) -> Any:
        with console.status(f"explaining: {what}"):
            try:
                return make()
            except PellucidError as error:
                left_out.append(f"{what}: {error.message}")
                return None

    derived = tried("the derivation", lambda: parts.derivation(subject, options.learning_rate))
    makers = {
        "what the answers rest on": parts.answers,
        "where it decides for what": parts.plane,
        "what is inside": parts.inside,
        "what it remembers": parts.memory,
        "where it is wrong": parts.mistakes,
        "the loss around it": parts.surroundings,
        "its gradients": parts.gradients,
        "its layers": lambda of: parts.anatomy(of.network, sample),
    }
    made: list[Part | None] = [tried(what, partial(make, subject)) for what, make in makers.items()]
    if options.label_errors:
        made.append(tried("labels", lambda: parts.labels(subject, run.plan, run.recipe)))
    what = f"{run.asked['task']} · data {subject.data.name} · row {subject.row + 1} gone into"
    return Explanation(
        title=f"{run.folder.name}, explained",
        what=what,
        derivation=derived,
        parts=[part for part in made if part is not None],
        graph=tried("the computation graph", lambda: computation_graph(subject.network, sample)),
        left_out=left_out,
    )


def _explain_arrows(text: str, options: ExplainOptions, console: Console) -> Outcome:
    """Show what is known of a network before it is trained.

    Raises:
        OptionError: options that ask for a trained network.
        NotationError: a text that cannot be read.
    """
    from importlib.metadata import version

    from pellucid.explain import computation_graph, parts
    from pellucid.explain.explanation import Explanation
    from pellucid.explain.layers.anatomy import network as anatomy_of
    from pellucid.files import write_bytes
    from pellucid.networks import build, parse
    from pellucid.report.explanation_page import explanation_page
    from pellucid.report.numbers import shortened

    asked = {"--sample": options.sample, "--learning-rate": options.learning_rate, "--latex": options.latex,
             "--path": options.path or None}  # fmt: skip
    for name, value in asked.items():
        if value is not None:
            raise OptionError(f"{name} is for a run", expected="a run folder", received=text,
                              advice="pellucid train DATA --network ... first")  # fmt: skip
    plan = parse(text)
    model = build(plan, options.seed)
    told = anatomy_of(model, plan.input)
    console.print(plan.with_shapes(), markup=False)
    console.print(f"\n{told}", markup=False)
    explained = Explanation(
        title=shortened(text, 60), what=f"{told.parameters:,} parameters", derivation=None,
        parts=[parts.anatomy(model, plan.input)], graph=computation_graph(model, plan.input),
    )  # fmt: skip
    if options.page is not None:
        write_bytes(Path(options.page), explanation_page(explained, version("pellucid"), text).encode())
        console.print(f"page     {options.page}", markup=False)
    return Outcome({"arrows": str(plan), "parameters": told.parameters, "flops": told.flops, "page": options.page})


def _document(explained: Explanation, page: str) -> dict[str, Any]:
    derived = explained.derivation
    numbers = None
    if derived is not None:
        numbers = {
            "loss": derived.loss.value,
            "agreement": {"absolute": derived.agreement.absolute, "relative": derived.agreement.relative,
                          "compared": derived.agreement.compared},
            "steps": [{"name": step.name, "kind": step.kind, "forward": step.forward.plain,
                       "backward": [each.plain for each in step.backward], "recomputed": step.is_recomputed}
                      for step in derived.steps],
            "gradients": {name: gradient.tolist() for name, gradient in derived.gradients.items()},
        }  # fmt: skip
    return {
        "page": page,
        "derivation": numbers,
        "facts": {part.key: list(part.facts) for part in explained.parts},
        "left_out": list(explained.left_out),
    }
