"""Edits of what a network is given: scale, order, values that are not numbers."""

import ast

from pellucid.diagnosis.remedies.anatomy import (
    LossCall,
    loss_at,
    losses,
    networks,
    optimizers,
    training_loops,
    without_gradient,
)
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.edits.numbers import add_argument
from pellucid.diagnosis.remedies.source import Source, argument, called

SCALE_FREE = frozenset({"Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta", "Rprop"})
"""Optimisers whose step does not depend on the gradient's scale."""
SAME_ROWS = frozenset(
    {"float", "double", "to", "from_numpy", "tensor", "as_tensor", "FloatTensor", "astype", "long", "Tensor"}
)


def standardise_inputs(source: Source, *, by_feature: bool = True) -> Edit | None:
    """Let the network subtract the training inputs' mean and divide by their deviation, in training and later alike."""
    found = _network_input(source)
    if found is None:
        return None
    network, made, data = found
    torch, imports = source.spoken("torch")
    seen, center, spread = source.free("inputs_seen", "center", "spread")
    axis = "0" if by_feature else ""
    return source.edit(
        source.after(
            made,
            f"{seen} = {torch}.as_tensor({data}, dtype={torch}.float32)",
            f"{center}, {spread} = {seen}.mean({axis}), {seen}.std({axis})",
            f"{spread} = {torch}.where({spread} > 0, {spread}, {torch}.ones_like({spread}))",
            *_subtracting(network, center, spread),
        ),
        *imports,
    )


def _subtracting(network: str, center: str, spread: str) -> tuple[str, str, str]:
    return (
        f"{network}.register_forward_pre_hook(",
        f"    lambda module, inputs: ((inputs[0] - {center}) / {spread}, *inputs[1:])",
        ")",
    )


def standardise_inputs_by(source: Source, means: list[float], deviations: list[float]) -> Edit | None:
    """Let the network subtract figures measured by feature and divide by others."""
    names = networks(source)
    if not names or not means or len(means) > 16 or len(means) != len(deviations):
        return None
    torch, imports = source.spoken("torch")
    network, made = names[0]
    center, spread = source.free("center", "spread")
    lists = [f"{torch}.tensor([{', '.join(f'{value:.4g}' for value in part)}])" for part in (means, deviations)]
    lines = (f"{center}, {spread} = {lists[0]}, {lists[1]}", *_subtracting(network, center, spread))
    return source.edit(source.after(made, *lines), *imports)


def _network_input(source: Source) -> tuple[str, ast.Assign, str] | None:
    """Return the trained network's name, the statement that makes it and the training inputs' name, known by then."""
    loss = loss_at(source, None)
    for name, made in networks(source):
        for call in source.walk(ast.Call):
            if source.segment(call.func) != name or not call.args or without_gradient(source, call):
                continue
            data = training_data(source, call.args[0])
            if data is not None and _known_before(source, data, made):
                return name, made, data
    if loss is None:
        return None
    return None


def training_data(source: Source, given: ast.expr, place: int = 0, far: int = 8) -> str | None:
    """Return the name of the whole array that a batch is taken from: `X_train` of `model(X_train[idx])`.

    Args:
        source: the script.
        given: the batch.
        place: which of a data set's arrays, where it comes from a loader.
        far: names still followed.
    """
    if far == 0:
        return None
    match given:
        case ast.Subscript(value=value):
            return training_data(source, value, place, far - 1)
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if _is_method(source, value, method):
            return training_data(source, value, place, far - 1)
        case ast.BinOp(left=left):
            return training_data(source, left, place, far - 1)
        case ast.Call(args=[first, *_]) if called(given) in SAME_ROWS:
            return training_data(source, first, place, far - 1)
        case ast.Name(id=name):
            return _whole(source, given, name, place, far)
    return None


def _whole(source: Source, given: ast.Name, name: str, place: int, far: int) -> str | None:
    for loop in (outer for outer in source.above(given) if isinstance(outer, ast.For)):
        held = [node for node in ast.walk(loop.target) if isinstance(node, ast.Name)]
        names = [node.id for node in held]
        if name in names:
            inner = loop.target
            if isinstance(inner, ast.Tuple) and isinstance(inner.elts[-1], ast.Tuple):  # enumerate(loader)
                inner = inner.elts[-1]
            order = [source.segment(part) for part in inner.elts] if isinstance(inner, ast.Tuple) else [name]
            return _of_loader(source, loop.iter, order.index(name) if name in order else place)
    function = source.function_of(given)
    scope: ast.AST | None = function
    made = [item for item in source.assignments(name, scope) if item[0].lineno < given.lineno] if function else []
    inside_loop = [value for statement, value in made or source.assignments(name) if _in_training(source, statement)]
    if inside_loop:
        return training_data(source, inside_loop[0], place, far - 1)
    return name


def _is_method(source: Source, value: ast.expr, method: str) -> bool:
    module = source.segment(value) in {source.module_name("torch"), source.module_name("numpy")}
    return not module and method in {"to", "float", "view", "reshape", "unsqueeze", "flatten", "cuda", "long", "double"}


def _in_training(source: Source, statement: ast.stmt) -> bool:
    loops = training_loops(source)
    return any(loop in loops for loop in source.above(statement))


def _of_loader(source: Source, iterated: ast.expr, place: int) -> str | None:
    """Return the name of an array given to the `TensorDataset` behind what a loop goes through."""
    for node in (iterated, *ast.walk(iterated)):
        made = source.value(node) if isinstance(node, ast.Name | ast.Attribute) else node
        if not isinstance(made, ast.Call) or called(made) != "DataLoader":
            continue
        dataset = argument(made, "dataset", ("dataset",))
        held = source.value(dataset) if dataset is not None else None
        if isinstance(held, ast.Call) and called(held) == "TensorDataset" and len(held.args) > place:
            return _plain(held.args[place])
    return None


def _plain(node: ast.expr) -> str | None:
    """Return `X[:1600]` of `torch.tensor(X[:1600]).float()`: the rows themselves, as they are written."""
    match node:
        case ast.Name() | ast.Subscript(value=ast.Name()):
            return ast.unparse(node)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method), args=[first, *_]) if (
            method in SAME_ROWS
        ):
            return _plain(first) if name in {"torch", "np", "numpy"} else name
        case ast.Call(func=ast.Attribute(value=inner)):
            return _plain(inner)
        case ast.Call(args=[first, *_]):
            return _plain(first)
    return None


def _known_before(source: Source, data: str, made: ast.stmt) -> bool:
    """Tell whether a name at module level has its value before a statement."""
    name = data.partition("[")[0]
    given = [statement for statement, _ in source.assignments(name) if source.function_of(statement) is None]
    return bool(given) and all(statement.lineno < made.lineno for statement in given)


def scale_targets(source: Source, line: int | None = None) -> Edit | None:
    """Let the network answer in the targets' own unit: its output is multiplied by their deviation, their mean added.

    An optimiser whose step grows with the gradient also gets its loss divided by the unit, so that its rate holds.
    """
    loss = loss_at(source, line)
    names = networks(source)
    if loss is None or loss.target is None or not names:
        return None
    data = training_data(source, loss.target, place=1)
    network, made = names[0]
    if data is None or not _known_before(source, data, made):
        return None
    torch, imports = source.spoken("torch")
    seen, level, unit = source.free("targets_seen", "level", "unit")
    lines = (
        f"{seen} = {torch}.as_tensor({data}, dtype={torch}.float32)",
        f"{level}, {unit} = {seen}.mean(), {seen}.std()",
        f"{network}.register_forward_hook(lambda module, inputs, output: output * {unit} + {level})",
    )
    return source.edit(source.after(made, *lines), *_loss_in_units(source, loss, unit), *imports)


def _loss_in_units(source: Source, loss: LossCall, unit: str) -> list[Span]:
    if all(found.kind in SCALE_FREE for found in optimizers(source)):
        return []
    power = " ** 2" if loss.function == "mse_loss" else ""
    place = source.end(loss.call)
    return [Span(place, place, f" / {unit}{power}")]


def finite_inputs(source: Source, line: int | None = None) -> Edit | None:
    """Put the lowest and highest finite number for infinities in the inputs, and the mean for what is no number."""
    del line
    loops = training_loops(source)
    for name, _ in networks(source):
        for call in source.walk(ast.Call):
            if source.segment(call.func) != name or not call.args:
                continue
            data = training_data(source, call.args[0])
            if data is None:
                continue
            statement = _first_not_finite(source, data.partition("[")[0])
            if statement is not None and not any(loop in loops for loop in source.above(statement)):
                return _cleaned(source, data.partition("[")[0], statement)
    return None


def _first_not_finite(source: Source, name: str) -> ast.stmt | None:
    """Return the first statement at module level that computes a name's value, before it is standardised."""
    made = [statement for statement, _ in source.assignments(name) if source.function_of(statement) is None]
    return made[0] if made else None


def _cleaned(source: Source, name: str, statement: ast.stmt) -> Edit | None:
    """Return the edit in the kind of array that a name holds: NumPy's where torch is only given it later."""
    made = source.segment(statement)
    later = source.calls("tensor", "from_numpy", "as_tensor", "FloatTensor", "train_test_split")
    numpy = source.module_name("numpy")
    given = any(node.id == name for call in later for node in source.walk(ast.Name, call))
    (kept,) = source.free("finite_part")
    if given and "torch." not in made:
        module, imports = (numpy, []) if numpy else source.spoken("numpy")
        figures = "nan={0}.mean(), posinf={0}.max(), neginf={0}.min()"
    else:
        module, imports = source.spoken("torch")
        figures = "nan={0}.mean().item(), posinf={0}.max().item(), neginf={0}.min().item()"
    lines = (
        f"{kept} = {name}[{module}.isfinite({name})]",
        f"{name} = {module}.nan_to_num({name}, {figures.format(kept)})",
    )
    return source.edit(source.after(statement, *lines), *imports)


def shuffle(source: Source, line: int | None = None) -> Edit | None:
    """Draw the training batches in a new order every epoch."""
    loops = training_loops(source, line)
    for loop in loops:
        if isinstance(loop, ast.For) and (edit := _shuffled_loader(source, loop)):
            return edit
    for loop in loops:
        for call in source.calls("arange", "range", inside=loop):
            if (edit := _shuffled_order(source, call)) is not None:
                return edit
    return _shuffled_slices(source, loops)


def _shuffled_loader(source: Source, loop: ast.For) -> Edit | None:
    for node in ast.walk(loop.iter):
        made = source.value(node) if isinstance(node, ast.Name | ast.Attribute) else node
        if not isinstance(made, ast.Call) or called(made) != "DataLoader" or argument(made, "sampler"):
            continue
        given = argument(made, "shuffle", ("dataset", "batch_size", "shuffle"))
        if isinstance(given, ast.Constant) and given.value is False:
            return source.edit(source.put(given, "True"))
        if given is None:
            return source.edit(*add_argument(source, made, "shuffle=True"))
    return None


def _shuffled_order(source: Source, call: ast.Call) -> Edit | None:
    """Make a random order of one that counts: `perm = torch.arange(n)` becomes `torch.randperm(n)`."""
    statement = source.statement_of(call)
    whole = isinstance(statement, ast.Assign | ast.For)
    if not whole or len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
        return None
    module = source.segment(call.func.value)
    if module == source.module_name("torch"):
        return source.edit(source.put(call.func, f"{module}.randperm"))
    if module == source.module_name("numpy"):
        return source.edit(source.put(call.func, f"{module}.random.permutation"))
    return None


def _shuffled_slices(source: Source, loops: list[ast.For | ast.While]) -> Edit | None:
    """Draw an order before a loop that slices arrays from front to back, `x[i:i + 32]`."""
    if not loops or not isinstance(loops[0], ast.For):
        return None
    inner = loops[0]
    steps = {node.id for node in ast.walk(inner.target) if isinstance(node, ast.Name)}
    sliced: list[str] = []
    for node in source.walk(ast.Subscript, inner):
        used = {part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}
        if isinstance(node.slice, ast.Slice) and isinstance(node.value, ast.Name) and used & steps:
            sliced.append(node.value.id)
    names = list(dict.fromkeys(sliced))
    if not names:
        return None
    torch, imports = source.spoken("torch")
    (order,) = source.free("order_drawn")
    drawn = f"{order} = {torch}.randperm(len({names[0]}))"
    taken = f"{', '.join(names)} = {', '.join(f'{name}[{order}]' for name in names)}"
    return source.edit(source.before(inner, drawn, taken), *imports)


def class_weights(source: Source, line: int | None, weights: list[float]) -> Edit | None:
    """Give the loss a weight for every class; a binary loss gets `pos_weight`."""
    loss = loss_at(source, line)
    if loss is None or len(weights) < 2:
        return None
    torch, imports = source.spoken("torch")
    wanted = loss.maker or loss.call
    if loss.function in {"cross_entropy", "nll_loss"} and not argument(wanted, "weight"):
        listed = ", ".join(f"{weight:.3g}" for weight in weights)
        return source.edit(*add_argument(source, wanted, f"weight={torch}.tensor([{listed}])"), *imports)
    if loss.function == "binary_cross_entropy_with_logits" and not argument(wanted, "pos_weight"):
        ratio = weights[1] / weights[0]
        return source.edit(*add_argument(source, wanted, f"pos_weight={torch}.tensor({ratio:.3g})"), *imports)
    return None


def balanced_batches(source: Source) -> Edit | None:
    """Let the loader draw every class as often: samples weigh by how rare their class is."""
    for loop in training_loops(source):
        for node in ast.walk(loop.iter) if isinstance(loop, ast.For) else ():
            made = source.value(node) if isinstance(node, ast.Name | ast.Attribute) else node
            if isinstance(made, ast.Call) and called(made) == "DataLoader" and not argument(made, "sampler"):
                return _balanced(source, made)
    return None


def _balanced(source: Source, loader: ast.Call) -> Edit | None:
    dataset = argument(loader, "dataset", ("dataset",))
    held = source.value(dataset) if dataset is not None else None
    statement = source.statement_of(loader)
    if not isinstance(held, ast.Call) or called(held) != "TensorDataset" or len(held.args) < 2:
        return None
    torch, imports = source.spoken("torch")
    labels, rarity = source.free("labels_seen", "rarity")
    sampler = f"{torch}.utils.data.WeightedRandomSampler({rarity}[{labels}], len({labels}))"
    shuffled = next((keyword for keyword in loader.keywords if keyword.arg == "shuffle"), None)
    change = (
        [source.put(shuffled, f"sampler={sampler}")] if shuffled else add_argument(source, loader, f"sampler={sampler}")
    )
    lines = (
        f"{labels} = {torch}.as_tensor({source.segment(held.args[-1])}).long().flatten()",
        f"{rarity} = 1.0 / {torch}.bincount({labels}).clamp(min=1)",
    )
    return source.edit(source.before(statement, *lines), *change, *imports)


def same_order(source: Source) -> Edit | None:
    """Let inputs and labels be reordered by one permutation: `x[order], y[rng.permutation(n)]`."""
    for statement in source.walk(ast.Assign):
        parts = statement.value.elts if isinstance(statement.value, ast.Tuple) else []
        indices = [part.slice for part in parts if isinstance(part, ast.Subscript)]
        named = [index for index in indices if isinstance(index, ast.Name)]
        drawn = [index for index in indices if called(index) in {"permutation", "randperm"}]
        if named and drawn:
            return source.edit(*(source.put(index, source.segment(named[0])) for index in drawn))
    return None


def labels_unscaled(source: Source) -> Edit | None:
    """Remove the line that divides labels, so that as whole numbers they stay what they were."""
    for loss in losses(source):
        name = training_data(source, loss.target, place=1) if loss.target is not None else None
        candidates = {name.partition("[")[0]} if name else set()
        candidates |= _label_names(source)
        for statement in source.walk(ast.Assign):
            match statement:
                case ast.Assign(targets=[ast.Name(id=found)], value=ast.BinOp(left=ast.Name(id=same), op=ast.Div())):
                    gone = source.without(statement)
                    if found == same and found in candidates and gone:
                        return source.edit(gone)
    return None


def _label_names(source: Source) -> set[str]:
    """Return names that are used as whole numbers somewhere in the script."""
    return {
        node.id
        for node in source.walk(ast.Name)
        if node.id.lower().startswith(("y", "label", "target")) and isinstance(node.ctx, ast.Store)
    }


def disjoint_slices(source: Source) -> Edit | None:
    """Let the training slice end where a later slice of the same array begins: `x[:800]` and `x[500:]`."""
    spans: list[Span] = []
    slices = [node for node in source.walk(ast.Subscript) if isinstance(node.slice, ast.Slice)]
    for one in slices:
        for other in slices:
            first, second = one.slice, other.slice
            assert isinstance(first, ast.Slice)
            assert isinstance(second, ast.Slice)
            end, begin = source.number(first.upper), source.number(second.lower)
            same = source.segment(one.value) == source.segment(other.value)
            if same and first.lower is None and end and begin and 0 < begin[0] < end[0]:
                spans.append(source.put(end[1], str(int(begin[0]))))
    return source.edit(*dict.fromkeys(spans))
