"""Operations that mix what lies along a dimension: sums, norms, products."""

from typing import Any

from pellucid.explain.layers.dataflow.operation import Operation, Rule, by_name
from pellucid.explain.layers.dataflow.seen import Seen


def _normalised(do: Operation) -> Seen:
    return do.x.mixed(range(do.out.ndim - len(do.args[1]), do.out.ndim))


def _batch_normalised(do: Operation) -> Seen:
    # in evaluation only the norm of an instance, written as one of a batch, reads the statistics of what it is given
    return do.x.mixed(range(2, do.out.ndim)) if do.argument(5, "training", default=False) is True else do.x


def _group_normalised(do: Operation) -> Seen:
    return do.x.mixed(range(1, do.out.ndim))


def _reduced(do: Operation) -> Seen:
    seen = do.x
    dims = do.argument(1, "dim", list(range(len(seen.dims))))
    where = {dim % len(seen.dims) for dim in ([dims] if isinstance(dims, int) else dims)}
    seen = seen.mixed(where)
    if do.out.ndim == len(seen.dims):
        return Seen(seen.spans, tuple(((None, 1),) if dim in where else each for dim, each in enumerate(seen.dims)))
    return Seen(seen.spans, tuple(each for dim, each in enumerate(seen.dims) if dim not in where))


def _along(do: Operation) -> Seen:
    dim = do.argument(1, "dim", -1)
    return do.x.mixed([dim] if isinstance(dim, int) else range(len(do.x.dims)))


def _product(first: int) -> Rule:
    """A matrix product of arguments `first` and `first` + 1: what they share is mixed."""

    def rule(do: Operation) -> Seen:
        a, b = (do.seen(do.args[first + place]) for place in (0, 1))
        if a.spans and b.spans:
            return do.everything()
        left, right = a.mixed([-1]), b.mixed([len(b.dims) - 2])
        return Seen({**left.spans, **right.spans}, (*_batches(left, right), left.dims[-2], right.dims[-1]))

    return rule


def _linear(do: Operation) -> Seen:
    if do.of(do.args[1]) is not None:
        return do.everything()
    return do.x.mixed([-1]).resized(do.out.ndim - 1, ((None, do.out.shape[-1]),))


def _embedding(do: Operation) -> Seen:
    ids = do.seen(do.args[1])
    return Seen(ids.spans, (*ids.dims, ((None, do.out.shape[-1]),)))


def _batches(left: Seen, right: Seen) -> tuple[Any, ...]:
    return left.dims[:-2] if left.spans else right.dims[:-2]


RULES = by_name(
    {
        _reduced: "mean sum amax amin max min prod var std logsumexp all any norm linalg_vector_norm argmax var_mean",
        _along: "_softmax _log_softmax softmax log_softmax cumsum cumprod sort flip roll",
        _normalised: "native_layer_norm layer_norm _fused_rms_norm rms_norm",
        _group_normalised: "native_group_norm",
        _batch_normalised: "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training batch_norm",
        _product(0): "mm bmm",
        _product(1): "addmm baddbmm",
        _linear: "linear",
        _embedding: "embedding",
    }
)
