"""Measured when a script has ended: what its data would let anyone learn, and what its network says of them now.

Nothing here can touch the run any more, and nothing prints.
"""

import contextlib
import copy
import io
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pellucid.diagnosis.observation import Afterwards, LossSite, NetworkSeen, Observation, Rows
from pellucid.diagnosis.observer.anatomy import describe
from pellucid.diagnosis.observer.losses import classes_of

MOST_ROWS = 1_200
MOST_FEATURES = 64
MOST_LABELS = 64
"""Of one sample; more are the pixels of a mask, whose neighbours do not stand at the same place."""
NEIGHBOURS = 9
SURE = 0.75
"""Share of a sample's neighbours that must agree before they are believed against its label."""


def measure_meanwhile(seen: Observation) -> None:
    """Measure, of a training that goes on, what costs little; what its data hold, whenever they have doubled."""
    _describe(seen)
    if len(seen.rows["train"].inputs) >= 2 * seen.after.batches:
        _compare_data(seen)


def measure_afterwards(seen: Observation) -> None:
    """Measure what is left to measure; what fails is left out."""
    _describe(seen)
    _compare_data(seen)


def _describe(seen: Observation) -> None:
    for series in seen.series.values():
        series.settle()
    for network in seen.networks:
        describe(network, seen.steps)


def _compare_data(seen: Observation) -> None:
    with contextlib.suppress(RuntimeError):  # out of memory, shapes that do not go together
        seen.after = _compared(seen)
    seen.after.batches = max(1, len(seen.rows["train"].inputs))


def _compared(seen: Observation) -> Afterwards:
    after = Afterwards()
    site = next(iter(seen.training_losses()), None)
    if site is None:
        return after
    train, test = seen.rows["train"].of(site.network, site.key), seen.rows["eval"].of(site.network)
    main = next((network for network in seen.networks if network.name == site.network), None)
    if main is None or not main.takes_several:
        after.leaked, after.eval_rows = _shared(train, test)
    after.distinct, after.passes = _passes(train)
    after.order = _order(train)
    data = _gather(train)
    if data is None:
        return after
    after.by_chance = 1.0 if _repeats(test) and _few_values(data[0]) else _by_chance(data[0], after.distinct)
    if site.target_is_input:
        after.components = _components(data[0])
        return after
    if main is not None:
        with contextlib.suppress(Exception):  # a network that takes more than one tensor cannot be asked
            after.recalls = recalls(main, train, site)
    if train.inputs[0].is_floating_point():  # codes are not near each other because their numbers are
        _compare_targets(after, site, data, _gather(test))
    return after


def _compare_targets(
    after: Afterwards, site: LossSite, data: tuple[Tensor, Tensor], tested: tuple[Tensor, Tensor] | None
) -> None:
    x_NF, y_NT = data
    classes = is_classes(site)
    if y_NT.shape[1] > 1 and site.one_hot:
        y_NT, classes = y_NT.argmax(1, keepdim=True), True
    if classes and y_NT.shape[1] > 1 and not (set(site.classes) <= {0.0, 1.0} and y_NT.shape[1] <= MOST_LABELS):
        return
    after.rows = len(x_NF)
    _compare(after, x_NF, y_NT, classes)
    if tested is not None and tested[0].shape[1:] == x_NF.shape[1:] and tested[1].shape[1:] == y_NT.shape[1:]:
        among = Afterwards()
        _compare(among, *tested, classes)
        after.eval_neighbours = among.neighbours
        after.foretold = _foretell(x_NF, y_NT, *tested, classes)


def _components(x_NF: Tensor) -> tuple[float, ...]:
    """Return the share of the variance that the first principal components explain: one, two and so on, to 64."""
    if x_NF.shape[1] > 2_048 or not bool(x_NF.isfinite().all()):
        return ()
    variances = torch.linalg.svdvals(x_NF - x_NF.mean(0)).square()
    return tuple((variances.cumsum(0)[:64] / variances.sum().clamp_min(1e-30)).tolist())


def is_classes(site: LossSite) -> bool:
    """Say whether a loss's targets are classes: few whole numbers."""
    return site.whole and not site.many and 2 <= len(site.classes) <= 64


def _gather(rows: Rows) -> tuple[Tensor, Tensor] | None:
    """Return distinct samples, (N, F), with their targets, (N, T)."""
    if not rows.inputs:
        return None
    shape, target_shape = rows.inputs[0].shape[1:], rows.targets[0].shape[1:]
    alike = [
        (x, y, p)
        for x, y, p in zip(rows.inputs, rows.targets, rows.prints, strict=False)
        if x.shape[1:] == shape and y.shape[1:] == target_shape and len(x) == len(y)
    ]
    kept = [alike[at] for at in _first_of_each([prints for _, _, prints in alike])]
    if not shape or not kept:
        return None
    x = torch.cat([x for x, _, _ in kept]).cpu()
    y = torch.cat([y for _, y, _ in kept]).cpu().double()
    prints = torch.cat([p for _, _, p in kept])
    order = torch.sort(prints, stable=True).indices
    is_first = torch.ones(len(order), dtype=torch.bool)
    is_first[1:] = prints[order][1:] != prints[order][:-1]
    chosen = order[is_first].sort().values
    chosen = chosen[:: max(1, -(-len(chosen) // MOST_ROWS))]
    return x[chosen].reshape(len(chosen), -1).double(), y[chosen].reshape(len(chosen), -1)


def _compare(after: Afterwards, x_NF: Tensor, y_NT: Tensor, classes: bool) -> None:
    if len(x_NF) < 40 or x_NF.shape[1] > 8_192:
        return
    x_NF = torch.nan_to_num(x_NF, posinf=0.0, neginf=0.0)
    x_NF = (x_NF - x_NF.mean(0)) / x_NF.std(0).clamp_min(1e-12)
    distances = torch.cdist(x_NF, x_NF)
    distances.fill_diagonal_(float("inf"))
    near_NK = distances.topk(min(NEIGHBOURS, len(x_NF) - 1), largest=False).indices
    if classes and y_NT.shape[1] > 1:
        _compare_labels(after, x_NF, y_NT, near_NK)
    elif classes:
        votes_NC = nn.functional.one_hot(_as_codes(y_NT[:, 0]))[near_NK].double().mean(1)
        own_N = _as_codes(y_NT[:, 0])
        after.neighbours = (votes_NC.argmax(1) == own_N).double().mean().item()
        counts_C = torch.bincount(own_N)
        is_common_C = counts_C >= 0.5 * len(own_N) / len(counts_C)  # a rare class is outvoted, and not mislabelled
        sure = (votes_NC.max(1).values >= SURE) & is_common_C[own_N]
        after.sure = sure.double().mean().item()
        after.contradicted = (
            (votes_NC.argmax(1) != own_N)[sure].double().mean().item() if bool(sure.any()) else float("nan")
        )
        after.chance = counts_C.max().item() / len(own_N)
        after.linear = _linear_accuracy(x_NF, own_N)
    else:
        spread = y_NT.var(0, unbiased=False).mean().item()
        if spread > 0:
            after.neighbours = 1 - (y_NT[near_NK].mean(1) - y_NT).square().mean().item() / spread
            after.linear = 1 - _ridge_residual(x_NF, y_NT).square().mean().item() / spread
        after.chance = 0.0


def _compare_labels(after: Afterwards, x_NF: Tensor, y_NT: Tensor, near_NK: Tensor) -> None:
    """Do the same with several labels a sample, each held or not: every one is a question of its own."""
    votes_NT, held_NT = y_NT[near_NK].mean(1), y_NT > 0.5
    sure_NT = torch.maximum(votes_NT, 1 - votes_NT) >= SURE
    is_common_T = torch.minimum(y_NT.mean(0), 1 - y_NT.mean(0)) >= 0.25  # a rare label is outvoted
    sure_NT &= is_common_T
    after.neighbours = ((votes_NT > 0.5) == held_NT).double().mean().item()
    after.linear = ((y_NT - _ridge_residual(x_NF, y_NT) > 0.5) == held_NT).double().mean().item()
    after.chance = torch.maximum(y_NT.mean(0), 1 - y_NT.mean(0)).mean().item()
    after.sure = sure_NT[:, is_common_T].double().mean().item() if bool(is_common_T.any()) else 0.0
    if bool(sure_NT.any()):
        after.contradicted = ((votes_NT > 0.5) != held_NT)[sure_NT].double().mean().item()


def _as_codes(y_N: Tensor) -> Tensor:
    codes_N: Tensor = torch.unique(y_N, return_inverse=True)[1]
    return codes_N


def _ridge_residual(x_NF: Tensor, y_NT: Tensor) -> Tensor:
    """Return the leave-one-out residuals of ridge regression, e / (1 - h), with a penalty of N / 100."""
    x_NF = torch.cat((x_NF, torch.ones(len(x_NF), 1, dtype=x_NF.dtype)), 1)
    penalty = 0.01 * len(x_NF)
    if x_NF.shape[1] > len(x_NF):
        hat = torch.linalg.solve(x_NF @ x_NF.T + penalty * torch.eye(len(x_NF), dtype=x_NF.dtype), x_NF @ x_NF.T)
    else:
        gram = x_NF.T @ x_NF + penalty * torch.eye(x_NF.shape[1], dtype=x_NF.dtype)
        hat = x_NF @ torch.linalg.solve(gram, x_NF.T)
    residual_NT: Tensor = (y_NT - hat @ y_NT) / (1 - hat.diagonal().clamp_max(0.999))[:, None]
    return residual_NT


def _linear_accuracy(x_NF: Tensor, codes_N: Tensor) -> float:
    wanted_NC = nn.functional.one_hot(codes_N).double()
    said_NC = wanted_NC - _ridge_residual(x_NF, wanted_NC)
    return (said_NC.argmax(1) == codes_N).double().mean().item()


def _foretell(x_NF: Tensor, y_NT: Tensor, test_x_MF: Tensor, test_y_MT: Tensor, classes: bool) -> float | None:
    """Return how well the nearest training samples foretell the evaluated ones: accuracy or r2."""
    if len(x_NF) < 40 or x_NF.shape[1] > 8_192 or len(test_x_MF) < 20:
        return None
    x_NF, test_x_MF = torch.nan_to_num(x_NF), torch.nan_to_num(test_x_MF)
    mean, std = x_NF.mean(0), x_NF.std(0).clamp_min(1e-12)
    near_MK = torch.cdist((test_x_MF - mean) / std, (x_NF - mean) / std).topk(NEIGHBOURS, largest=False).indices
    if classes and y_NT.shape[1] > 1:
        return ((y_NT[near_MK].mean(1) > 0.5) == (test_y_MT > 0.5)).double().mean().item()
    if classes:
        return (y_NT[:, 0][near_MK].mode(1).values == test_y_MT[:, 0]).double().mean().item()
    spread = test_y_MT.var(0, unbiased=False).mean().item()
    return None if spread <= 0 else 1 - (y_NT[near_MK].mean(1) - test_y_MT).square().mean().item() / spread


def _shared(train: Rows, test: Rows) -> tuple[float, int]:
    """Return which share of the evaluated samples was trained on, and how many were evaluated.

    A script that evaluates its training samples too does so in calls of their own: where other calls saw new samples
    only, those are left out that saw mostly trained ones (computed in batches of another size, some differ in the last
    digit). All training samples, evaluated once more, are no test and no leak.
    """
    if not train.prints or not test.prints:
        return 0.0, 0
    trained = torch.unique(torch.cat(list(train.prints)))
    batches = [test.prints[at] for at in _first_of_each(list(test.prints))]
    shares = [torch.isin(prints, trained).double().mean().item() for prints in batches]
    if any(share == 0.0 for share in shares):
        kept = [prints for prints, share in zip(batches, shares, strict=True) if share < 0.5]
    else:
        kept = batches
    tested = torch.unique(torch.cat(kept))
    if len(tested) >= 0.98 * len(trained) and bool(torch.isin(trained, tested).double().mean() > 0.98):
        return 0.0, 0
    return torch.isin(tested, trained).double().mean().item(), len(tested)


def _first_of_each(prints: list[Tensor]) -> Iterator[int]:
    """Yield the places of the batches, but none whose samples were another one's before, in the same order.

    An evaluation comes again and again with the same batches; by their first sample they are soon found.
    """
    known: dict[tuple[int, float], list[Tensor]] = {}
    for at, batch in enumerate(prints):
        alike = known.setdefault((len(batch), batch[0].item() if len(batch) else 0.0), [])
        if not any(torch.equal(batch, other) for other in alike):
            alike.append(batch)
            yield at


def _repeats(test: Rows) -> bool:
    """Say whether samples come more than once in the largest evaluation."""
    largest = max(test.prints, key=len, default=torch.empty(0))
    return len(torch.unique(largest)) < 0.98 * len(largest)


def _few_values(x_NF: Tensor) -> bool:
    """Say whether no feature is a measurement, that hardly takes the same value twice."""
    return all(len(torch.unique(values)) < len(values) / 4 for values in _some_features(x_NF))


def _by_chance(x_NF: Tensor, trained: int) -> float:
    """Return the chance that a new sample is one of so many trained ones, were the features independent.

    Two rows are alike in a feature with the chance of drawing one of its values twice; of some of the features, evenly
    spread, since more would only make it less.
    """
    alike = 1.0
    for values in _some_features(x_NF):
        counts = torch.unique(values, return_counts=True)[1].double()
        alike *= (counts * (counts - 1)).sum().item() / max(len(values) * (len(values) - 1), 1)
    return -math.expm1(trained * math.log1p(-alike)) if alike < 1 else 1.0


def _some_features(x_NF: Tensor) -> Tensor:
    return x_NF[:, :: max(1, x_NF.shape[1] // MOST_FEATURES)].T


def _passes(train: Rows) -> tuple[int, float]:
    """Return how many distinct samples were trained on, and how often each was, of the batches seen."""
    if not train.prints:
        return 0, 0.0
    # two losses of the same samples, one after the other, are one pass through them
    batches = [
        prints
        for at, prints in enumerate(train.prints)
        if at == 0 or prints.shape != train.prints[at - 1].shape or not torch.equal(prints, train.prints[at - 1])
    ]
    prints = torch.cat(batches)
    distinct = len(torch.unique(prints))
    return distinct, len(prints) / distinct


def _order(train: Rows) -> float | None:
    """Return which share of the later batches is none of the earlier ones: 0 where every pass has the same batches."""
    keys = [round(prints.sum().item(), 9) for prints in train.prints]
    half = len(keys) // 2
    if half < 4:
        return None
    earlier = set(keys[:half])
    return sum(key not in earlier for key in keys[half:]) / len(keys[half:])


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Keep what a network prints, draws and changes from the script: it is a copy that is asked."""
    state = torch.get_rng_state()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        try:
            yield
        finally:
            torch.set_rng_state(state)


def recalls(network: NetworkSeen, rows: Rows, site: LossSite) -> dict[float, float] | None:
    """Return class -> share of its training samples that the network finds, as it is now, in evaluation mode.

    Of a chain of networks, which cannot be asked without the script: what it said of the last batches, while training.
    """
    if not is_classes(site):
        return None
    said = list(site.said) or _asked(network, rows, site)
    right: dict[float, list[float]] = {}
    for targets, predicted in said:
        for truth, found in zip(targets.tolist(), predicted.tolist(), strict=True):
            right.setdefault(truth, []).append(float(truth == found))
    return {truth: sum(found) / len(found) for truth, found in sorted(right.items())} or None


def _asked(network: NetworkSeen, rows: Rows, site: LossSite) -> list[tuple[Tensor, Tensor]]:
    answers = []
    with unheard():
        if network.module is None:
            return []
        asked = copy.deepcopy(network.module).eval()
        for x, y in zip(rows.inputs[-60:], rows.targets[-60:], strict=False):
            output = asked(x)
            predicted = classes_of(site.function, output[0] if isinstance(output, tuple) else output, y)
            if predicted is None:
                return []
            answers.append((y.reshape(-1).double(), predicted))
    return answers
