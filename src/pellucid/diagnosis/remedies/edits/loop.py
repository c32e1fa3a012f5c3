"""Edits of the training loop: a line that is missing, stands at the wrong place, or should be called once."""

import ast

from pellucid.diagnosis.remedies.anatomy import (
    backward_at,
    loops_around,
    method_statements,
    networks,
    optimizer_steps,
    optimizers,
    owner_of,
    statement_in,
    training_loops,
    without_gradient,
)
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.source import Block, Source, argument, called

CLIPPING = frozenset({"clip_grad_norm_", "clip_grad_value_", "unscale_"})


def _optimizer_for(source: Source, backward: ast.stmt) -> str | None:
    """Return the optimiser that steps next after a backward, else the only one, else the first."""
    block, place = source.block_of(backward)
    for statement, name in optimizer_steps(source):
        holder = statement_in(source, block, statement)
        if holder is not None and block.index(holder) >= place:
            return name
    steps = [name for _, name in optimizer_steps(source)]
    made = [item.name for item in optimizers(source) if item.name]
    return next(iter(steps or made), None)


def clear_gradients(source: Source, line: int | None) -> Edit | None:
    """Put `optimizer.zero_grad()` right before backward; one that stands between backward and step moves there."""
    backward = backward_at(source, line)
    name = _optimizer_for(source, backward) if backward else None
    if backward is None or name is None:
        return None
    spans = [source.before(backward, f"{name}.zero_grad()")]
    block, place = source.block_of(backward)
    for later in block[place + 1 :]:
        match later:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="zero_grad")) as call) if (
                owner_of(source, call) == name
            ):
                stepped = [item for item, stepping in optimizer_steps(source) if stepping == name and item in block]
                gone = source.without(later)
                if gone and any(block.index(item) > block.index(later) for item in stepped):
                    spans.append(gone)
    return source.edit(*spans)


def step_optimizer(source: Source, line: int | None) -> Edit | None:
    """Put `optimizer.step()` right after backward and clipping; one that stands elsewhere moves there."""
    backward = backward_at(source, line)
    if backward is None:
        return None
    name = _optimizer_for(source, backward)
    if name is None:
        return None
    block, place = source.block_of(backward)
    last = backward
    for later in block[place + 1 :]:
        if isinstance(later, ast.Expr) and called(later.value) in CLIPPING:
            last = later
    scaler = _scaler(source, backward)
    spans = [source.after(last, f"{scaler}.step({name})" if scaler else f"{name}.step()")]
    if scaler and not source.calls("update"):
        spans = [source.after(last, f"{scaler}.step({name})", f"{scaler}.update()")]
    for statement, stepping in optimizer_steps(source):
        if stepping == name and (gone := source.without(statement)):
            spans.append(gone)
    return source.edit(*spans)


def _scaler(source: Source, backward: ast.Expr) -> str | None:
    """Return the gradient scaler's name in `scaler.scale(loss).backward()`."""
    match backward.value:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=scaler, attr="scale")))):
            return source.segment(scaler)
    return None


def clip_gradients(source: Source, line: int | None, limit: float) -> Edit | None:
    """Clip the gradient's norm right after backward."""
    backward = backward_at(source, line)
    if backward is None:
        return None
    nn, imports = source.spoken("torch.nn")
    name = _optimizer_for(source, backward)
    made = next((item for item in optimizers(source) if item.name == name), None)
    given = made.option("params") if made else None
    names = networks(source)
    if isinstance(given, ast.Call) and called(given) == "parameters":
        parameters = source.segment(given)
    elif name and made:
        parameters = f'[p for group in {name}.param_groups for p in group["params"]]'
    elif names:
        parameters = f"{names[0][0]}.parameters()"
    else:
        return None
    lines = [f"{nn}.utils.clip_grad_norm_({parameters}, {limit:g})"]
    if scaler := _scaler(source, backward):
        lines.insert(0, f"{scaler}.unscale_({name})")
    return source.edit(source.after(backward, *lines), *imports)


def schedule_by_epoch(source: Source, line: int | None) -> Edit | None:
    """Move `scheduler.step()` from the loop over batches to the end of the epoch."""
    for statement, name in _scheduler_steps(source, line):
        around = loops_around(source, statement)
        gone = source.without(statement)
        if len(around) >= 2 and gone:
            return source.edit(gone, source.after(around[0], f"{name}.step()"))
    return None


def schedule_without(source: Source, line: int | None) -> Edit | None:
    """Stop a scheduler from stepping: the rate then stays as it was set."""
    for statement, _ in _scheduler_steps(source, line):
        if gone := source.without(statement):
            return source.edit(gone)
    return None


def schedule_stepped(source: Source, line: int | None) -> Edit | None:
    """Call a scheduler's step at the end of every epoch, where nothing calls it."""
    schedulers = _schedulers(source)
    loops = [loop for loop in reversed(training_loops(source)) if loop.body]
    if not schedulers or not loops or _scheduler_steps(source, line):
        return None
    return source.edit(source.after(loops[0].body[-1], f"{schedulers[0]}.step()"))


def _schedulers(source: Source) -> list[str]:
    found = []
    for statement in source.walk(ast.Assign):
        kind = called(statement.value)
        if kind.endswith("LR") or kind in {"ReduceLROnPlateau", "CosineAnnealingWarmRestarts", "ChainedScheduler"}:
            found.append(source.segment(statement.targets[0]))
    return found


def _scheduler_steps(source: Source, line: int | None) -> list[tuple[ast.Expr, str]]:
    names = set(_schedulers(source))
    found = [
        (statement, owner_of(source, call))
        for statement, call in method_statements(source, "step")
        if owner_of(source, call) in names or "sched" in owner_of(source, call).lower()
    ]
    first = source.near([statement for statement, _ in found], line)
    return sorted(found, key=lambda item: item[0] is not first)


def optimizer_once(source: Source, line: int | None) -> Edit | None:
    """Move the line that makes an optimiser (or a scheduler) out of the training loop, before it."""
    for found in optimizers(source):
        around = loops_around(source, found.call)
        gone = source.without(found.statement)
        if around and gone and (backward_at(source, line) is not None):
            outermost = around[-1]
            text = " ".join(part.strip() for part in source.segment(found.statement).splitlines())
            return source.edit(gone, source.before(outermost, text))
    return None


def evaluate_in_mode(source: Source, line: int | None, network: str | None = None) -> Edit | None:
    """Put `model.eval()` before what is computed without gradients, and `model.train()` where training goes on."""
    names = [name for name, _ in networks(source)]
    name = network if network in names else next(iter(names), None)
    measured = _measuring(source, line, name)
    if name is None or measured is None:
        return None
    spans = []
    if not _mode_set(source, measured, name):
        spans.append(source.before(measured, f"{name}.eval()"))
    spans.extend(_training_mode(source, name, measured))
    return source.edit(*spans)


def train_in_mode(source: Source, network: str | None = None) -> Edit | None:
    """Put `model.train()` at the head of the epoch."""
    names = [name for name, _ in networks(source)]
    name = network if network in names else next(iter(names), None)
    return source.edit(*_training_mode(source, name, None)) if name else None


def _measuring(source: Source, line: int | None, name: str | None) -> ast.stmt | None:
    """Return the outermost `with torch.no_grad()` around the line where the network is measured."""
    holders: list[ast.stmt] = []
    for call in source.walk(ast.Call):
        if name and source.segment(call.func) == name and without_gradient(source, call):
            around = [outer for outer in source.above(call) if isinstance(outer, ast.With)]
            holders.append(around[-1] if around else source.statement_of(call))
    return source.near(holders, line) or _by_line(source, line)


def _by_line(source: Source, line: int | None) -> ast.stmt | None:
    if line is None:
        return None
    loops = training_loops(source)
    spanning = [
        node
        for node in source.walk(ast.stmt)
        if node.lineno <= line <= (node.end_lineno or node.lineno) and not isinstance(node, ast.ClassDef)
    ]
    inside = [node for node in spanning if not isinstance(node, ast.FunctionDef) and node not in loops]
    return inside[0] if inside else None


def _mode_set(source: Source, before: ast.stmt, name: str) -> bool:
    block, place = source.block_of(before)
    return any(_is_mode(source, statement, name, "eval") for statement in block[:place])


def _is_mode(source: Source, statement: ast.stmt, name: str, mode: str) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=found)) as call):
            return found == mode and owner_of(source, call) == name
    return False


def _training_mode(source: Source, name: str, measured: ast.stmt | None) -> list[Span]:
    """Return `model.train()` at the head of the innermost loop that both trains and measures."""
    loops = training_loops(source)
    if not loops:
        return []
    shared = [loop for loop in loops if measured is None or measured in loop.body or loop in source.above(measured)]
    loop = shared[0] if shared and measured is not None else loops[-1]
    if measured is not None and not shared:
        return []  # measured once, after training
    if any(_is_mode(source, statement, name, "train") for inner in loops for statement in inner.body):
        return []
    return [source.before(loop.body[0], f"{name}.train()")]


def detach_state(source: Source, line: int | None) -> Edit | None:
    """Cut the graph of a recurrent state that is carried from batch to batch: `h = h.detach()` before its use."""
    for statement in _carried(source, line):
        names = _state_names(statement)
        loop = next(iter(loops_around(source, statement)), None)
        if names and loop:
            lines = [f"{name} = {_detached(name)}" for name in names]
            return source.edit(source.before(loop.body[0], *lines))
    return None


def _detached(name: str) -> str:
    return (
        f"tuple(part.detach() for part in {name}) if isinstance({name}, tuple) else "
        f"{name} if {name} is None else {name}.detach()"
    )


def keep_state(source: Source, line: int | None) -> Edit | None:
    """Begin a batch with the state that the last one left, where a line of the loop sets it back: `h = None`."""
    for statement in _carried(source, line):
        loop = next(iter(loops_around(source, statement)), None)
        for name in _state_names(statement) if loop else ():
            assert loop is not None
            made = [(each, value) for each, value in source.assignments(name) if each is not statement]
            anew = [value for each, value in made if each in loop.body and each.lineno < statement.lineno]
            if anew:
                is_known = any(each.lineno < loop.lineno for each, _ in made)
                first = [] if is_known else [source.before(loop, f"{name} = {source.segment(anew[0])}")]
                return source.edit(source.put(anew[0], _detached(name)), *first)
    return None


def reset_state(source: Source, line: int | None) -> Edit | None:
    """Begin every batch with the state as it was before the loop: `h = None`."""
    for statement in _carried(source, line):
        names = _state_names(statement)
        loop = next(iter(loops_around(source, statement)), None)
        if names and loop:
            fresh = [_first_value(source, name, loop) for name in names]
            lines = [f"{name} = {value}" for name, value in zip(names, fresh, strict=True)]
            return source.edit(source.before(loop.body[0], *lines))
    return None


def _first_value(source: Source, name: str, loop: ast.stmt) -> str:
    made = [value for statement, value in source.assignments(name) if statement.lineno < loop.lineno]
    return source.segment(made[-1]) if made and isinstance(made[-1], ast.Call | ast.Constant) else "None"


def _carried(source: Source, line: int | None) -> list[ast.Assign]:
    """Return `output, h = network(x, h)`: statements that give a name anew from itself, inside a loop."""
    found = []
    for statement in source.walk(ast.Assign):
        names = _state_names(statement)
        if names and loops_around(source, statement) and isinstance(statement.value, ast.Call):
            found.append(statement)
    first = source.near(found, line)
    return sorted(found, key=lambda statement: statement is not first)


def _state_names(statement: ast.Assign) -> list[str]:
    target = statement.targets[0]
    if not isinstance(target, ast.Tuple) or not isinstance(statement.value, ast.Call):
        return []
    given = {node.id for part in statement.value.args for node in ast.walk(part) if isinstance(node, ast.Name)}
    return [
        node.id
        for part in target.elts[1:]
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and node.id in given
    ]


def backward_of_each(source: Source, block: Block) -> list[ast.Expr]:
    """Return the backward statements of a block."""
    return [statement for statement, _ in method_statements(source, "backward") if statement in block]


def clip_call(source: Source, line: int | None) -> ast.expr | None:
    """Return the limit of the clipping at a line."""
    call = source.near(source.calls("clip_grad_norm_"), line)
    return argument(call, "max_norm", ("parameters", "max_norm")) if call else None
