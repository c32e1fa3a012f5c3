"""The parts of a training script that remedies take hold of: optimisers, losses, the loop, the networks."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.diagnosis.remedies.source import Block, Source, argument, called

OPTIMIZERS = frozenset(
    [
        "SGD",
        "Adam",
        "AdamW",
        "Adamax",
        "NAdam",
        "RAdam",
        "RMSprop",
        "Rprop",
        "Adagrad",
        "Adadelta",
        "ASGD",
        "LBFGS",
        "SparseAdam",
        "Adafactor",
        "Muon",
    ]
)
LOSS_LAYERS = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div",
    "PoissonNLLLoss": "poisson_nll_loss",
}
"""Loss layer -> the function it calls."""
ARGUMENTS = ("params", "lr")
"""The first arguments of every optimiser."""


@dataclass(frozen=True)
class Optimizer:
    """The line that makes an optimiser, and the name it gets there."""

    name: str
    call: ast.Call
    statement: ast.stmt

    @property
    def kind(self) -> str:
        """Return its class."""
        return called(self.call)

    def option(self, name: str) -> ast.expr | None:
        """Return what it is given for an option."""
        return argument(self.call, name, ARGUMENTS)


@dataclass(frozen=True)
class LossCall:
    """A call that computes a loss from a prediction and a target.

    Attributes:
        function: its name in torch.nn.functional.
        call: the computation itself.
        maker: the call that made the loss layer, where it is one.
    """

    function: str
    call: ast.Call
    maker: ast.Call | None

    @property
    def prediction(self) -> ast.expr | None:
        """Return the first operand."""
        return argument(self.call, "input", ("input", "target"))

    @property
    def target(self) -> ast.expr | None:
        """Return the second operand."""
        return argument(self.call, "target", ("input", "target"))


def optimizers(source: Source) -> list[Optimizer]:
    """Return where optimisers are made, in the order of the text."""
    found = []
    for call in source.calls(*OPTIMIZERS):
        statement = source.statement_of(call)
        match statement:
            case ast.Assign(targets=[target]):
                found.append(Optimizer(source.segment(target), call, statement))
            case ast.Return() | ast.Expr() | ast.AnnAssign():
                found.append(Optimizer("", call, statement))
    return found


def optimizer_at(source: Source, line: int | None) -> Optimizer | None:
    """Return the optimiser made at, or nearest to, a line."""
    found = optimizers(source)
    place = source.near([item.call for item in found], line)
    return next((item for item in found if item.call is place), None)


def losses(source: Source) -> list[LossCall]:
    """Return the calls of torch's losses, in the order of the text."""
    functions = {name: name for name in LOSS_LAYERS.values()}
    found = []
    for call in source.walk(ast.Call):
        if called(call) in functions and len(call.args) + len(call.keywords) >= 2:
            found.append(LossCall(called(call), call, None))
            continue
        maker = call.func if isinstance(call.func, ast.Call) else source.value(call.func)
        if maker is not call.func and isinstance(maker, ast.Call) and called(maker) in LOSS_LAYERS:
            found.append(LossCall(LOSS_LAYERS[called(maker)], call, maker))
        elif isinstance(call.func, ast.Call) and called(call.func) in LOSS_LAYERS:
            found.append(LossCall(LOSS_LAYERS[called(call.func)], call, call.func))
    return found


def loss_at(source: Source, line: int | None) -> LossCall | None:
    """Return the loss computed at, or nearest to, a line; without a line, the first one that is trained with."""
    found = losses(source)
    if line is None:
        loops = [item for item in found if not without_gradient(source, item.call)]
        return next(iter(loops or found), None)
    place = source.near([item.call for item in found], line)
    return next((item for item in found if item.call is place), None)


def without_gradient(source: Source, node: ast.AST) -> bool:
    """Tell whether a node stands under `torch.no_grad()` or `torch.inference_mode()`."""
    for outer in (node, *source.above(node)):
        marks: list[ast.expr] = []
        if isinstance(outer, ast.With | ast.AsyncWith):
            marks = [item.context_expr for item in outer.items]
        elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = outer.decorator_list
        for mark in marks:
            if called(mark) in {"no_grad", "inference_mode"} or (
                isinstance(mark, ast.Attribute) and mark.attr in {"no_grad", "inference_mode"}
            ):
                return True
    return False


def method_statements(source: Source, method: str) -> Iterator[tuple[ast.Expr, ast.Call]]:
    """Yield the statements that are nothing but `<object>.<method>(...)`."""
    for statement in source.walk(ast.Expr):
        match statement.value:
            case ast.Call(func=ast.Attribute(attr=name)) as call if name == method:
                yield statement, call


def backward_at(source: Source, line: int | None) -> ast.Expr | None:
    """Return the statement that runs backward at, or nearest to, a line."""
    return source.near([statement for statement, _ in method_statements(source, "backward")], line)


def owner_of(source: Source, call: ast.Call) -> str:
    """Return the object whose method is called: `optimizer` of `optimizer.step()`."""
    return source.segment(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def optimizer_steps(source: Source) -> list[tuple[ast.Expr, str]]:
    """Return the statements that step an optimiser, each with the optimiser's name."""
    names = {item.name for item in optimizers(source) if item.name}
    found = []
    for statement, call in method_statements(source, "step"):
        inner = source.segment(call.args[0]) if call.args else ""
        name = owner_of(source, call)
        if name in names or inner in names:
            found.append((statement, name if name in names else inner))
        elif any(word in name.lower() for word in ("optim", "opt_", "_opt")) or name.lower() == "opt":
            found.append((statement, name))
    return found


def loops_around(source: Source, node: ast.AST) -> list[ast.For | ast.While]:
    """Return the loops a node stands in, from the inside out, up to its function."""
    found: list[ast.For | ast.While] = []
    for outer in source.above(node):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            break
        if isinstance(outer, ast.For | ast.While):
            found.append(outer)
    return found


def training_loops(source: Source, line: int | None = None) -> list[ast.For | ast.While]:
    """Return the loops around the training step, from the inside out, through the function that makes it."""
    step = backward_at(source, line)
    found: list[ast.For | ast.While] = []
    node: ast.AST | None = step
    for _ in range(4):  # a step in a function that a loop calls, and so on
        if node is None:
            break
        found.extend(loops_around(source, node))
        function = source.function_of(node)
        uses = source.calls(function.name) if function else []
        node = uses[0] if uses else None
    return found


def statement_in(source: Source, block: Block, node: ast.AST) -> ast.stmt | None:
    """Return the statement of a block that holds a node."""
    return next((outer for outer in (node, *source.above(node)) if outer in block), None)


def module_classes(source: Source) -> list[ast.ClassDef]:
    """Return the classes that have a `forward`."""
    return [owner for owner in source.walk(ast.ClassDef) if method_of(owner, "forward")]


def method_of(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """Return a method of a class."""
    return next((item for item in owner.body if isinstance(item, ast.FunctionDef) and item.name == name), None)


def networks(source: Source) -> list[tuple[str, ast.Assign]]:
    """Return the names that networks get, with their statements: those that an optimiser is given come first."""
    trained = [
        source.segment(call.func.value)
        for item in optimizers(source)
        for call in source.calls("parameters", inside=item.call)
        if isinstance(call.func, ast.Attribute)
    ]
    makers = {"Sequential", *(owner.name for owner in module_classes(source))}
    found: list[tuple[str, ast.Assign]] = []
    for statement in source.walk(ast.Assign):
        if source.class_of(statement):
            continue
        for target in statement.targets:
            name = source.segment(target)
            if name in trained or called(statement.value) in makers:
                found.append((name, statement))
    return sorted(found, key=lambda item: (item[0] not in trained, item[1].lineno))
