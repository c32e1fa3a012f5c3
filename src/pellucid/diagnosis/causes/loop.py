"""Causes in the training loop: which gradients reach which parameters, in which mode, through which optimiser."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from pellucid.diagnosis.causes.output import severity_of
from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.observation import NetworkSeen, Observation, ParameterFacts
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion
from pellucid.diagnosis.thresholds import REMADE, STALE

FEW = 4
"""Steps from which on a habit shows."""


def missing_zero_grad(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Gradients that pile up from step to step."""
    for optimizer in seen.optimizers:
        if optimizer.looked >= FEW and optimizer.stale / optimizer.looked > STALE.value:
            yield _piled_up(progress, optimizer.place, optimizer.kind, optimizer.stale, optimizer.looked)
    if seen.by_hand >= FEW and seen.stale_by_hand / seen.by_hand > STALE.value:
        place = progress.series.place if progress.series is not None else Place()
        yield _piled_up(progress, place, "by hand", seen.stale_by_hand, seen.by_hand)


def _piled_up(progress: Progress, where: Place, optimizer: str, stale: int, looked: int) -> Suspicion:
    return Suspicion(
        cause="missing-zero-grad",
        severity=severity_of(progress),
        confidence=0.96,
        where=where,
        evidence=(STALE.evidence("share of steps with gradients never cleared", stale / looked),),
        explanation=(
            f"backward adds to the gradients that are there, and before {stale} of {looked} steps nobody had cleared "
            "them: every step is made with the sum of all gradients since the beginning. Clear them before backward: "
            "optimizer.zero_grad(), or grad = None where the weights are changed by hand."
        ),
        facts={"optimizer": optimizer},
        explains=frozenset(
            {"lr-high", "exploding-gradient", "plateau", "clip-too-tight", "optimizer-unsuited"}
            | {"too-few-epochs", "overfitting", "saturation", "dead-relu", "vanishing-gradient"}
        ),
    )


def missing_step(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Gradients that no step uses."""
    reached = set().union(*(structure.parameters for structure in seen.structures.values()))
    for optimizer in seen.optimizers:
        idle = optimizer.steps == 0 and seen.backwards >= FEW and bool(optimizer.parameters & reached)
        replaced = any(
            other.steps and other.parameters & optimizer.parameters
            for other in seen.optimizers
            if other is not optimizer
        )
        unchanged = all(not p.changed for n in seen.networks for p in n.parameters if p.key in optimizer.parameters)
        empty = optimizer.looked >= FEW and optimizer.empty / optimizer.looked > STALE.value and unchanged
        if (idle and unchanged and not replaced) or empty:
            measure = "steps with gradients" if empty else "steps of the optimiser"
            yield Suspicion(
                cause="missing-step",
                severity="critical",
                confidence=0.95,
                where=optimizer.place,
                evidence=(
                    Evidence(
                        measure, float(optimizer.steps - optimizer.empty), float(seen.backwards), "backward passes"
                    ),
                ),
                explanation=(
                    "The optimiser steps when there are no gradients: they are cleared between backward and step, "
                    "or step comes first."
                    if empty
                    else "backward computes gradients, but the optimiser never makes a step with them: its weights "
                    "stay as they were. Call optimizer.step() after backward."
                ),
                facts={"optimizer": optimizer.kind, "order": empty},
                explains=frozenset(
                    {
                        "frozen-parameters",
                        "lr-low",
                        "plateau",
                        "too-few-epochs",
                        "scheduler-misuse",
                        "vanishing-gradient",
                    }
                    | {"capacity-low", "label-misalignment"}
                ),
            )


def optimizer_reset(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Optimisers made again and again for the same parameters."""
    made = Counter(optimizer.parameters for optimizer in seen.optimizers if optimizer.parameters)
    for parameters, times in made.items():
        of_them = [optimizer for optimizer in seen.optimizers if optimizer.parameters == parameters]
        stepped = [optimizer for optimizer in of_them if optimizer.steps]
        if times > REMADE.value and len(stepped) >= times - 1:
            yield Suspicion(
                cause="optimizer-reset",
                severity=severity_of(progress),
                confidence=0.93 if times > FEW else 0.7,
                where=of_them[-1].place,
                evidence=(
                    REMADE.evidence("optimisers made for the same parameters", float(times)),
                    Evidence("steps that each made", seen.steps / times, float(seen.steps), "all steps"),
                ),
                explanation=(
                    f"A new {of_them[-1].kind} is made {times} times within the loop. Each begins without the "
                    "momentum and the averages of squared gradients that the last one had gathered. Make it once, "
                    "before the loop."
                ),
                facts={"optimizer": of_them[-1].kind},
                explains=frozenset({"lr-low", "optimizer-unsuited", "plateau", "too-few-epochs", "lr-high"}),
            )


def unregistered_parameters(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Layers in plain lists and dicts."""
    registered = {p.key for network in seen.networks for p in network.parameters}
    optimised = set().union(*(optimizer.parameters for optimizer in seen.optimizers))
    for network in seen.networks:
        lost = [(name, key) for name, key in network.hidden if key not in registered and key not in optimised]
        if lost and network.backed:
            names = sorted({name for name, _ in lost})
            yield Suspicion(
                cause="unregistered-parameters",
                severity=severity_of(progress),
                confidence=0.95,
                where=Place(module=names[0]),
                evidence=(
                    Evidence(f"parameters in {', '.join(names)} that no optimiser has", float(len(lost)), 0.0, _HOME),
                ),
                explanation=(
                    f"{names[0]} is a plain list or dict. Modules in it are invisible to parameters(), to the "
                    "optimiser, to .to(device) and to state_dict(). Use nn.ModuleList, nn.ModuleDict or "
                    "nn.ParameterList."
                ),
                facts={"attributes": tuple(names)},
                explains=frozenset({"frozen-parameters", "capacity-low", "plateau", "overfitting"}),
            )


_HOME = "torch.nn.Module.parameters()"


def frozen_parameters(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Weights drawn at random that stay as they were drawn."""
    reached = set().union(*(structure.parameters for structure in seen.structures.values()))
    optimised = set().union(*(optimizer.parameters for optimizer in seen.optimizers))
    trained = [n for n in seen.networks if not n.loaded and (n.backed or any(p.key in optimised for p in n.parameters))]
    total = sum(_numbers(p) for n in trained for p in n.parameters)
    for network in trained:
        still = [p for p in network.parameters if _is_frozen(p, network, seen, reached, optimised)]
        if not still or not any(p.changed for n in trained for p in n.parameters):
            continue
        share = sum(_numbers(p) for p in still) / max(total, 1)
        why = _why(still, reached, optimised)
        yield Suspicion(
            cause="frozen-parameters",
            severity=severity_of(progress),
            confidence=(0.9 if share > 0.05 else 0.6) - (0.3 if progress.has_learned else 0.0),
            where=Place(module=still[0].name.rsplit(".", 1)[0]),
            evidence=(
                Evidence("share of the weights that never changed", share, 0.0, "weights drawn at random must learn"),
                Evidence("parameters that never changed", ", ".join(p.name for p in still[:4]), "none", ""),
            ),
            explanation=f"{len(still)} parameters that began at random stayed as they were: {why}.",
            facts={"parameters": tuple(p.name for p in still), "why": why},
            explains=frozenset({"capacity-low", "plateau", "vanishing-gradient", "overfitting", "too-few-epochs"}),
        )


def _is_frozen(
    parameter: ParameterFacts, network: NetworkSeen, seen: Observation, reached: set[int], optimised: set[int]
) -> bool:
    if parameter.changed or parameter.key in seen.loaded or "Norm" in parameter.kind:
        return False
    if parameter.spread == 0.0 and len(parameter.shape) < 2:  # a bias of zeros that nothing moved
        return False
    if any(
        parameter.key in each.parameters and each.steps and each.made_at < network.first_step
        for each in seen.optimizers
    ):
        return False  # it was trained as part of another network before
    home = parameter.name.rsplit(".", 1)[0]
    used = home in network.called or any(called.startswith(home + ".") for called in network.called)
    used = used or (not network.backed and parameter.key in optimised)
    left_out = parameter.key in reached and parameter.key not in optimised and bool(optimised)
    cut_off = parameter.key not in reached and parameter.asked and used
    switched_off = not parameter.asked and used
    return left_out or cut_off or switched_off


def _why(still: list[ParameterFacts], reached: set[int], optimised: set[int]) -> str:
    if not any(p.asked for p in still):
        return "requires_grad is off"
    if not any(p.key in reached for p in still):
        return "no gradient reaches them: something between them and the loss detaches, or computes without gradients"
    return "the optimiser was not given them"


def _numbers(parameter: ParameterFacts) -> int:
    product = 1
    for size in parameter.shape:
        product *= size
    return product


def wrong_mode(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Dropout or batch norm in training mode where the network is judged, or the reverse."""
    for network in seen.networks:
        if not (network.dropouts or network.batch_norms) or not network.backed:
            continue
        layers = "batch norm" if network.batch_norms else "dropout"
        judged = [score for score in seen.scored("eval") if score.training_mode]
        if network.modes["eval", True] and (judged or not (seen.scored("eval") or seen.adversaries)):
            yield _mode(
                seen,
                network,
                0.85 if judged else 0.6,
                "eval",
                f"The network is evaluated in training mode: its {layers} goes on as in training, so that what it says "
                "of a sample is random or depends on the batch. Call model.eval() before, model.train() after.",
                float(network.modes["eval", True]),
            )
        backward, wrong = network.backed.total(), network.backed[False]
        if backward >= FEW and wrong / backward > 0.2:
            yield _mode(
                seen,
                network,
                0.85,
                "train",
                f"{wrong} of {backward} training steps run in evaluation mode: {layers} does nothing there. "
                "Call model.train() before each epoch, since the evaluation before it called model.eval().",
                float(wrong),
            )


def _mode(
    seen: Observation, network: NetworkSeen, confidence: float, phase: str, explanation: str, count: float
) -> Suspicion:
    return Suspicion(
        cause="train-eval-mode",
        severity="warning",
        confidence=confidence,
        where=network.places.get(("eval", True) if phase == "eval" else ("train", False), Place(module=network.name)),
        evidence=(
            Evidence(f"calls in the wrong mode ({phase})", count, 0.0, "torch.nn.Module.train, torch.nn.Module.eval"),
            Evidence(
                "layers that differ between the modes", float(len(network.dropouts) + len(network.batch_norms)), 0.0, ""
            ),
        ),
        explanation=explanation,
        facts={"phase": phase, "network": network.name},
        explains=frozenset({"overfitting"}),
    )


def _grows_steadily(sizes: Sequence[int]) -> bool:
    """Say whether a graph grows at most of the steps and never shrinks: layers unfrozen now and then make it jump."""
    pairs = list(itertools.pairwise(sizes))
    return all(a <= b for a, b in pairs) and sum(a < b for a, b in pairs) > len(pairs) / 2


def state_carryover(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A recurrent state, or the graph behind it, that outlives its sequence."""
    for structure in seen.structures.values():
        sizes = [size for _, size in structure.sizes]
        if len(sizes) >= FEW and sizes[-1] > 3 * sizes[0] and _grows_steadily(sizes):
            yield Suspicion(
                cause="state-carryover",
                severity=severity_of(progress),
                confidence=0.85,
                where=structure.place,
                evidence=(
                    Evidence(
                        "operations in the graph of a later step", float(sizes[-1]), float(sizes[0]), "the first step"
                    ),
                ),
                explanation=(
                    "The graph that backward runs through grows from step to step: something of earlier steps is "
                    "carried on with its history. Detach what is carried (state.detach(), loss.item())."
                ),
                step=structure.step,
                facts={"kind": "graph"},
                explains=frozenset({"exploding-gradient", "vanishing-gradient", "lr-high", "plateau"}),
            )
    for network in seen.networks:
        shuffled = seen.after.order is not None and seen.after.order > 0.5
        if network.carried >= FEW and network.carried > 0.5 * network.continued and shuffled:
            yield Suspicion(
                cause="state-carryover",
                severity=severity_of(progress),
                confidence=0.8,
                where=Place(module=network.name),
                evidence=(
                    Evidence(
                        "calls that begin with the last batch's state", float(network.carried), 0.0, "other sequences"
                    ),
                ),
                explanation=(
                    "Each batch begins with the state that the batch before left, although the samples come in random "
                    "order and have nothing to do with each other. Begin every batch with a state of zeros."
                ),
                facts={"kind": "state"},
                explains=frozenset({"plateau", "batch-mixing"}),
            )
        returns = network.continued >= FEW and not network.carried
        if returns and network.followed >= 2 * FEW and not progress.has_learned:
            yield _begun_anew(network)


def _begun_anew(network: NetworkSeen) -> Suspicion:
    return Suspicion(
        cause="state-carryover",
        severity="warning",
        confidence=0.7,
        where=Place(module=network.name),
        evidence=(
            Evidence("steps whose inputs follow those of the step before", float(network.followed), None, ""),
            Evidence("of them begin with the state that it left", 0.0, float(network.followed), "all of them"),
        ),
        explanation=(
            "Each step reads what stands behind the stretch that the step before read, in the same sequences, but "
            "begins with a state of zeros: what came before is forgotten at every step. Begin with the state that "
            "the last step returned, detached, and with zeros only where the sequences begin anew."
        ),
        facts={"kind": "reset"},
        explains=frozenset({"plateau", "label-noise", "vanishing-gradient"}),
    )


RULES = (
    missing_zero_grad,
    missing_step,
    optimizer_reset,
    unregistered_parameters,
    frozen_parameters,
    wrong_mode,
    state_carryover,
)
