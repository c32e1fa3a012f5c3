"""Edits that change a figure of the script: a rate, an option of the optimiser, epochs, a batch's size, a limit."""

import ast
import math

from pellucid.diagnosis.remedies.anatomy import (
    ARGUMENTS,
    Optimizer,
    backward_at,
    optimizer_at,
    optimizers,
    training_loops,
)
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.source import Source, argument, called

UNUSUAL_RATE = {"LBFGS", "Rprop", "Adadelta"}
"""Optimisers whose rate says nothing about another's."""


def written(value: float) -> str:
    """Return a figure as a person writes it: three significant digits.

    >>> written(0.0123456), written(64.0), written(2e-05)
    ('0.0123', '64', '2e-05')
    """
    return f"{value:.3g}" if abs(value) < 1000 else str(round(value)) if float(value).is_integer() else f"{value:.6g}"


def set_figure(source: Source, node: ast.expr | None, value: float) -> list[Span]:
    """Return the change that gives an expression a value, made where the figure is written."""
    if node is None:
        return []
    found = source.number(node)
    whole = (
        found is not None
        and found[0].is_integer()
        and float(value).is_integer()
        and "." not in source.segment(found[1])
    )
    return [source.put(found[1] if found else node, str(int(value)) if whole else written(value))]


def set_option(source: Source, optimizer: Optimizer, option: str, value: float) -> list[Span]:
    """Return the change that gives an optimiser an option, added where it was not given."""
    if (given := optimizer.option(option)) is not None:
        return set_figure(source, given, value)
    return add_argument(source, optimizer.call, f"{option}={written(value)}")


def add_argument(source: Source, call: ast.Call, text: str) -> list[Span]:
    """Return the change that adds a named argument to a call."""
    parts = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not parts:
        place = source.end(call) - 1
        return [Span(place, place, text)]
    place = source.end(max(parts, key=source.end))
    while source.text[place] == ")" and place < source.end(call) - 1:  # of a bracketed argument
        place += 1
    return [Span(place, place, f", {text}")]


def optimizer_option(source: Source, line: int | None, option: str, value: float) -> Edit | None:
    """Give the optimiser made at a line an option: `lr=0.2` becomes `lr=0.004`."""
    found = optimizer_at(source, line)
    return source.edit(*set_option(source, found, option, value)) if found else None


def rate(source: Source, line: int | None, *, factor: float | None = None, value: float | None = None) -> Edit | None:
    """Change the learning rate, by a factor or to a value; of a hand-written update too."""
    found = optimizer_at(source, line)
    if found is None:
        return _manual_rate(source, factor, value)
    now = source.number(found.option("lr"))
    before = now[0] if now else DEFAULT_RATES.get(found.kind)
    wanted = value if value is not None else before * factor if before and factor else None
    return source.edit(*set_option(source, found, "lr", wanted)) if wanted else None


DEFAULT_RATES = {
    "SGD": 1e-3, "Adam": 1e-3, "AdamW": 1e-3, "RMSprop": 1e-2, "Adagrad": 1e-2, "Adamax": 2e-3, "NAdam": 2e-3,
    "RAdam": 1e-3, "Adadelta": 1.0, "ASGD": 1e-2, "LBFGS": 1.0, "Rprop": 1e-2, "SparseAdam": 1e-3,
}  # fmt: skip
"""Rates of torch 2.13's optimisers where none is given."""


def _manual_rate(source: Source, factor: float | None, value: float | None) -> Edit | None:
    """Change the factor of a gradient in `p -= lr * p.grad` or `p.sub_(lr * p.grad)`."""
    for product in source.walk(ast.BinOp):
        if not isinstance(product.op, ast.Mult):
            continue
        for one, other in ((product.left, product.right), (product.right, product.left)):
            gradient = isinstance(other, ast.Attribute) and other.attr == "grad"
            if gradient and (now := source.number(one)):
                wanted = value if value is not None else now[0] * (factor or 1.0)
                return source.edit(*set_figure(source, one, wanted))
    return None


def swap_optimizer(source: Source, line: int | None, kind: str, learning_rate: float) -> Edit | None:
    """Make another optimiser in place of one, with weight decay kept and options of its own left out."""
    found = optimizer_at(source, line)
    parameters = found.option("params") if found else None
    if found is None or parameters is None or found.kind == "LBFGS":
        return None
    decay = found.option("weight_decay")
    kept = f", weight_decay={source.segment(decay)}" if decay is not None else ""
    maker, imports = _optimizer_name(source, found, kind)
    new = f"{maker}({source.segment(parameters)}, lr={written(learning_rate)}{kept})"
    return source.edit(source.put(found.call, new), *imports)


def _optimizer_name(source: Source, found: Optimizer, kind: str) -> tuple[str, list[Span]]:
    if isinstance(found.call.func, ast.Attribute):
        return f"{source.segment(found.call.func.value)}.{kind}", []
    name, imports = source.spoken("torch.optim")
    return f"{name}.{kind}", imports


def epochs(source: Source, line: int | None, factor: float) -> Edit | None:
    """Let the outermost training loop, `for epoch in range(5)`, run longer or shorter."""
    for loop in reversed(training_loops(source, line)):
        limit = _limit(loop)
        now = source.number(limit)
        if now and now[0] >= 1:
            return source.edit(*set_figure(source, limit, max(1.0, float(round(now[0] * factor)))))
    return None


def _limit(loop: ast.For | ast.While) -> ast.expr | None:
    """Return what says how often a loop runs."""
    match loop:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[limit])):
            return limit
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[_, limit])):
            return limit
        case ast.For(iter=ast.Call(func=ast.Name(id="tqdm" | "trange") | ast.Attribute(), args=[inner, *_])):
            return _limit(ast.For(target=loop.target, iter=inner, body=[], orelse=[]))
        case ast.While(test=ast.Compare(comparators=[limit])):
            return limit
    return None


def batch_size(source: Source, line: int | None, size: int) -> Edit | None:
    """Change the size of the training batches: of the loader, of `split(2)`, of `range(0, n, 2)`, of `randint`."""
    loops = training_loops(source, line)
    places = [_batch_place(source, loop.iter) for loop in loops if isinstance(loop, ast.For)]
    if (step := backward_at(source, line)) is not None and loops:
        drawn = [call for call in source.calls("randint", "choice", inside=loops[0]) if call.lineno <= step.lineno]
        places.extend(_drawn(call) for call in drawn)
    for place in places:
        if place is not None and source.number(place):
            return source.edit(*set_figure(source, place, size))
    return None


def _batch_place(source: Source, iterated: ast.expr) -> ast.expr | None:
    """Return what says how large the batches are that a loop goes through."""
    for call in (node for node in ast.walk(iterated) if isinstance(node, ast.Call)):
        if called(call) == "split":
            return argument(call, "split_size", ("split_size",))
        if called(call) == "range" and len(call.args) == 3:
            return call.args[2]
        if called(call) == "DataLoader":
            return argument(call, "batch_size", ("dataset", "batch_size"))
    for name in (node for node in ast.walk(iterated) if isinstance(node, ast.Name | ast.Attribute)):
        made = source.value(name)
        if isinstance(made, ast.Call) and called(made) == "DataLoader":
            return argument(made, "batch_size", ("dataset", "batch_size"))
    return None


def _drawn(call: ast.Call) -> ast.expr | None:
    size = argument(call, "size", ("low", "high", "size"))
    return size.elts[0] if isinstance(size, ast.Tuple) and len(size.elts) == 1 else None


def clip_limit(source: Source, line: int | None, limit: float) -> Edit | None:
    """Change the largest gradient that clipping lets through."""
    call = source.near(source.calls("clip_grad_norm_", "clip_grad_value_"), line)
    if call is None:
        return None
    name = "max_norm" if called(call) == "clip_grad_norm_" else "clip_value"
    return source.edit(*set_figure(source, argument(call, name, ("parameters", name)), limit))


def dropout(source: Source, probability: float, *, add: bool = False) -> Edit | None:
    """Set every dropout's probability; with `add`, put one after each activation of a Sequential without any."""
    spans: list[Span] = []
    for call in source.calls("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "dropout"):
        order = ("input", "p") if called(call) == "dropout" else ("p",)
        given = argument(call, "p", order)
        if given is not None:
            spans.extend(set_figure(source, given, probability))
        elif called(call) != "dropout":
            spans.extend(add_argument(source, call, f"p={written(probability)}"))
    if spans or not add:
        return source.edit(*set(spans))
    for chain in source.calls("Sequential"):
        for layer in chain.args[:-1]:
            if called(layer) in {"ReLU", "LeakyReLU", "GELU", "Tanh", "ELU", "SiLU"}:
                place = source.end(layer)
                maker = source.segment(layer.func).rpartition(".")[0] if isinstance(layer, ast.Call) else "nn"
                prefix = f"{maker}." if maker else ""
                spans.append(Span(place, place, f", {prefix}Dropout({written(probability)})"))
    return source.edit(*spans)


def weight_decay(source: Source, value: float) -> Edit | None:
    """Give every optimiser a weight decay; Adam becomes AdamW, which decays weights and not gradients."""
    spans: list[Span] = []
    for found in optimizers(source):
        spans.extend(set_option(source, found, "weight_decay", value))
        if found.kind == "Adam" and value > 0:
            place = source.end(found.call.func)
            if isinstance(found.call.func, ast.Attribute):
                spans.append(Span(place, place, "W"))
    return source.edit(*set(spans))


def rate_ladder(now: float | None, wanted: float | None, *, higher: bool, kind: str = "") -> list[float]:
    """Return rates to try, the likeliest first: the optimiser's usual one, what was said, then a few more."""
    usual = {"SGD": 0.05, "LBFGS": 1.0, "Adagrad": 0.01, "Adadelta": 1.0}.get(kind, 3e-3)
    tries = [usual, *([wanted] if wanted else [])]
    middle = usual
    tries.extend(middle * factor for factor in ((3.0, 0.3, 10.0) if higher else (0.3, 0.1, 3.0, 0.03)))
    kept: list[float] = []
    for rate_ in tries:
        beyond = now is not None and (rate_ <= now * 1.5 if higher else rate_ >= now / 1.5)
        if not beyond and all(abs(math.log(rate_ / other)) > 0.6 for other in kept):
            kept.append(float(written(rate_)))
    return kept


def given_options(optimizer: Optimizer) -> dict[str, ast.expr]:
    """Return what an optimiser is given by name."""
    by_place = dict(zip(ARGUMENTS, optimizer.call.args, strict=False))
    return by_place | {keyword.arg: keyword.value for keyword in optimizer.call.keywords if keyword.arg}
