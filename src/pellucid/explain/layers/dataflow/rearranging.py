"""Operations that compute nothing: views, cuts and joins."""

from pellucid.explain.layers.dataflow.operation import Operation, by_name
from pellucid.explain.layers.dataflow.seen import Seen, anything, joined, regrouped


def _view(do: Operation) -> Seen:
    return regrouped(do.x, do.out.shape)


def _permuted(do: Operation) -> Seen:
    return Seen(do.x.spans, tuple(do.x.dims[dim] for dim in do.args[1]))


def _transposed(do: Operation) -> Seen:
    dims = list(do.x.dims)
    if len(dims) > 1:
        a, b = do.argument(1, "dim0", 0), do.argument(2, "dim1", 1)
        dims[a], dims[b] = dims[b], dims[a]
    return Seen(do.x.spans, tuple(dims))


def _unsqueezed(do: Operation) -> Seen:
    place = do.args[1] % do.out.ndim
    return Seen(do.x.spans, (*do.x.dims[:place], ((None, 1),), *do.x.dims[place:]))


def _squeezed(do: Operation) -> Seen:
    shape, dims = do.args[0].shape, do.argument(1, "dim", list(range(do.args[0].ndim)))
    gone = {dim % len(shape) for dim in ([dims] if isinstance(dims, int) else dims)}
    kept = (each for dim, each in enumerate(do.x.dims) if dim not in gone or shape[dim] != 1)
    return Seen(do.x.spans, tuple(kept))


def _expanded(do: Operation) -> Seen:
    return joined([do.x], do.out.shape)


def _sliced(do: Operation) -> Seen:
    dim, step = do.argument(1, "dim", 0) % do.out.ndim, do.argument(4, "step", 1)
    length = do.args[0].shape[dim]
    first = do.argument(2, "start", 0)
    return _cut(do.x, dim, max(0, first + length if first < 0 else first), do.out.shape[dim], step)


def _selected(do: Operation) -> Seen:
    dim, index = do.args[1] % do.args[0].ndim, do.args[2] % do.args[0].shape[do.args[1]]
    return _taken(do.x, dim, index)


def _unbound(do: Operation) -> list[Seen]:
    dim = do.argument(1, "dim", 0) % do.args[0].ndim
    return [_taken(do.x, dim, index) for index in range(len(do.outs))]


def _divided(do: Operation) -> list[Seen]:
    dim, first, pieces = do.argument(2, "dim", 0) % do.out.ndim, 0, []
    for out in do.outs:
        pieces.append(_cut(do.x, dim, first, out.shape[dim], 1))
        first += out.shape[dim]
    return pieces


def _cut(seen: Seen, dim: int, first: int, size: int, step: int) -> Seen:
    if sum(count for _, count in seen.dims[dim]) == size and first == 0 and step == 1:
        return seen
    span = seen.span(dim)
    return seen.slid(dim, size, None if span is None else span.window(1, step, 1, -first))


def _taken(seen: Seen, dim: int, index: int) -> Seen:
    axis, span = seen.axis(dim), seen.span(dim)
    if axis is None or span is None:
        seen = seen.mixed([dim])
    else:
        seen = Seen({**seen.spans, axis: span.window(1, 0, 1, -index)}, seen.dims)
    return Seen(seen.spans, (*seen.dims[:dim], *seen.dims[dim + 1 :]))


def _concatenated(do: Operation) -> Seen:
    dim = do.argument(1, "dim", 0) % do.out.ndim
    pieces = [each for each in do.args[0] if each.numel()]
    seen = [do.seen(each) for each in pieces]
    if any(each.axes([dim]) for each in seen):
        return anything(seen, do.out)
    size = ((None, do.out.shape[dim]),)
    return joined([each.resized(dim, size) for each in seen], do.out.shape)


def _stacked(do: Operation) -> Seen:
    dim = do.argument(1, "dim", 0) % do.out.ndim
    whole = joined([do.seen(each) for each in do.args[0]], do.args[0][0].shape)
    return Seen(whole.spans, (*whole.dims[:dim], ((None, do.out.shape[dim]),), *whole.dims[dim:]))


RULES = by_name(
    {
        _view: "view _unsafe_view reshape _reshape_alias flatten unflatten view_copy",
        _permuted: "permute",
        _transposed: "transpose t numpy_T",
        _unsqueezed: "unsqueeze",
        _squeezed: "squeeze",
        _expanded: "expand",
        _sliced: "slice",
        _selected: "select",
        _unbound: "unbind",
        _divided: "split split_with_sizes",
        _concatenated: "cat",
        _stacked: "stack",
    }
)
