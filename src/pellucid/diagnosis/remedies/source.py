"""A script as text and as a syntax tree: where things stand, what a name holds, what a module is called there."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pellucid.diagnosis.remedies.edit import Edit, Span, make_edit, physical_lines

Function = ast.FunctionDef | ast.AsyncFunctionDef
Block = list[ast.stmt]
Node = TypeVar("Node", bound=ast.AST)
FAR = 10
"""How many names are followed before a value is held for unknown."""


class Source:
    """One Python file.

    Raises:
        SyntaxError: it is not Python.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.tree = ast.parse(text)
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @classmethod
    def read(cls, path: str | Path) -> "Source":
        """Read a file."""
        return cls(str(path), Path(path).read_text(encoding="utf-8"))

    @cached_property
    def _line_starts(self) -> list[int]:
        starts, place = [0], 0
        for line in physical_lines(self.text):
            place += len(line)
            starts.append(place)
        return starts

    @cached_property
    def _lines(self) -> list[str]:
        return physical_lines(self.text)

    def place(self, line: int, column: int) -> int:
        """Return where in the text a line (from 1) and a column (in UTF-8 bytes, as `ast` counts) stand."""
        before = self._lines[line - 1].encode()[:column].decode() if line <= len(self._lines) else ""
        return self._line_starts[line - 1] + len(before)

    def start(self, node: ast.AST) -> int:
        """Return where a node begins."""
        return self.place(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Return where a node ends."""
        return self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def segment(self, node: ast.AST) -> str:
        """Return a node's own text."""
        return self.text[self.start(node) : self.end(node)]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a node stands in."""
        return self._parents.get(node)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, from the inside out."""
        while (found := self._parents.get(node)) is not None:
            node = found
            yield node

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the innermost function a node stands in."""
        return next((outer for outer in self.above(node) if isinstance(outer, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the innermost class a node stands in."""
        return next((outer for outer in self.above(node) if isinstance(outer, ast.ClassDef)), None)

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """Return the innermost statement that holds a node."""
        if isinstance(node, ast.stmt):
            return node
        return next(outer for outer in self.above(node) if isinstance(outer, ast.stmt))

    def block_of(self, statement: ast.stmt) -> tuple[Block, int]:
        """Return the list of statements that one stands in, and its place there."""
        outer = self._parents[statement]
        for field in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(outer, field, None)
            if isinstance(block, list) and statement in block:
                return block, block.index(statement)
        return [statement], 0

    def walk(self, kind: type[Node], inside: ast.AST | None = None) -> Iterator[Node]:
        """Yield the nodes of a kind in the order of the text."""
        found = [node for node in ast.walk(inside or self.tree) if isinstance(node, kind)]
        yield from sorted(found, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))

    def calls(self, *names: str, inside: ast.AST | None = None) -> list[ast.Call]:
        """Return the calls whose last name is one of these, in the order of the text."""
        return [call for call in self.walk(ast.Call, inside) if called(call) in names]

    def near(self, nodes: list[Node], line: int | None) -> Node | None:
        """Return the node that spans a line, else the nearest above it or anywhere; the first without a line."""
        if not nodes or line is None:
            return nodes[0] if nodes else None

        def distance(node: Node) -> tuple[int, int]:
            first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
            return (0, last - first) if first <= line <= last else (min(abs(first - line), abs(last - line)), 0)

        return min(nodes, key=distance)

    def module_name(self, module: str) -> str | None:
        r"""Return how the script says `torch`, `torch.nn`, `torch.nn.functional`, `numpy`, or None if it cannot.

        >>> Source("a.py", "import torch\nimport torch.nn.functional as F").module_name("torch.nn")
        'torch.nn'
        """
        spoken = dict(self._imports)
        if module in spoken:
            return spoken[module]
        outer, _, last = module.rpartition(".")
        above = self.module_name(outer) if outer else None
        return f"{above}.{last}" if above else None

    @cached_property
    def _imports(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for node in self.tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.split(".")[0]
                    found.append((alias.name, alias.asname) if alias.asname else (root, root))
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.extend((f"{node.module}.{alias.name}", alias.asname or alias.name) for alias in node.names)
        return found

    def spoken(self, module: str) -> tuple[str, list[Span]]:
        """Return how to say a module here, with the import that must be added for it, if any."""
        name = self.module_name(module)
        if name is not None:
            return name, []
        after = [node for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in after)
        first = after[-1].end_lineno + 1 if future and after[-1].end_lineno else after[0].lineno if after else 1
        place = self._line_starts[min(first - 1, len(self._line_starts) - 1)]
        return module, [Span(place, place, f"import {module}\n")]

    # what a name holds

    def value(self, node: ast.expr | None, far: int = FAR) -> ast.expr | None:
        """Return the expression that a name, an attribute or a key stands for, followed to where it is written."""
        if node is None or far == 0:
            return None
        match node:
            case ast.Name():
                found = self._bound(node)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                found = self._own_attribute(node, name)
            case ast.Attribute(attr=name):
                found = self._argument_or_setting(name)
                if found is None:
                    return node
            case ast.Subscript(value=ast.Name() as table, slice=ast.Constant(value=str(key))):
                found = entry_of(self._bound(table), key)
            case _:
                return node
        return self.value(found, far - 1) if found is not None else None

    def number(self, node: ast.expr | None) -> tuple[float, ast.expr] | None:
        """Return the number an expression stands for and where it is written, or None."""
        written = self.value(node)
        if written is None:
            return None
        inner = written.args[0] if isinstance(written, ast.Call) and called(written) in {"int", "float"} else written
        try:
            value = ast.literal_eval(inner)
        except (ValueError, TypeError, SyntaxError):
            return None
        return (float(value), inner) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def assignments(self, name: str, inside: ast.AST | None = None) -> list[tuple[ast.stmt, ast.expr]]:
        """Return the statements that give a name a value, with that value, in the order of the text."""
        found: list[tuple[ast.stmt, ast.expr]] = []
        for node in self.walk(ast.stmt, inside):
            if isinstance(node, ast.Assign):
                found.extend((node, value) for target in node.targets for value in _taken(target, node.value, name))
            elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                if node.target.id == name:
                    found.append((node, node.value))
            elif isinstance(node, ast.For):
                found.extend((node, value) for value in _looped(node, name))
        return found

    def _bound(self, name: ast.Name) -> ast.expr | None:
        for outer in self.above(name):
            if isinstance(outer, ast.Lambda | ast.ClassDef):
                continue
            if isinstance(outer, Function | ast.Module):
                here = [
                    value
                    for statement, value in self.assignments(name.id, outer)
                    if self.function_of(statement) is (None if isinstance(outer, ast.Module) else outer)
                    and statement.lineno <= name.lineno
                ]
                if isinstance(outer, ast.Module) and not here:
                    here = [value for _, value in self.assignments(name.id, outer)][:1]
                if here:
                    return here[-1]
                if isinstance(outer, Function) and name.id in parameters(outer):
                    return self._passed(outer, name.id)
        return None

    def _passed(self, function: Function, parameter: str) -> ast.expr | None:
        """Return what the only call of a function gives a parameter, or its default."""
        owner = self._parents.get(function)
        method = isinstance(owner, ast.ClassDef)
        name = owner.name if isinstance(owner, ast.ClassDef) and function.name == "__init__" else function.name
        names = parameters(function)[1:] if method else parameters(function)
        given = [value for call in self.calls(name) if (value := argument(call, parameter, names)) is not None]
        if given:
            return given[0]
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(zip([item.arg for item in positional][::-1], arguments.defaults[::-1], strict=False)) | {
            item.arg: value for item, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
        }
        return defaults.get(parameter)

    def _own_attribute(self, node: ast.Attribute, name: str) -> ast.expr | None:
        owner = self.class_of(node)
        for assign in self.walk(ast.Assign, owner) if owner else ():
            for target in assign.targets:
                if isinstance(target, ast.Attribute) and target.attr == name and is_self(target.value):
                    return assign.value
        return None

    def _argument_or_setting(self, name: str) -> ast.expr | None:
        """Return the default of a command-line option, or a field of a settings class, of this name."""
        for call in self.calls("add_argument"):
            texts = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if any(text.lstrip("-").replace("-", "_") == name for text in texts):
                return argument(call, "default")
        for owner in self.walk(ast.ClassDef):
            for statement in owner.body:
                match statement:
                    case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                        return value
                    case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                        return value
        return None

    def free(self, *names: str) -> list[str]:
        """Return names that the script does not use yet, as near to these as can be."""
        taken = {node.id for node in self.walk(ast.Name)} | {node.arg for node in self.walk(ast.arg)}
        found = []
        for name in names:
            while name in taken:
                name += "_"  # noqa: PLW2901  # the very name that is taken grows
            found.append(name)
        return found

    # making an edit

    def edit(self, *spans: Span) -> Edit | None:
        """Return the edit that puts the spans in place, or None if nothing or no Python would be left."""
        return make_edit(self.file, self.text, spans)

    def put(self, node: ast.AST, new: str) -> Span:
        """Replace a node."""
        return Span(self.start(node), self.end(node), new)

    def indentation(self, statement: ast.stmt) -> str:
        """Return the white space before a statement."""
        line = self._lines[statement.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    def before(self, statement: ast.stmt, *lines: str) -> Span:
        """Add lines before a statement, indented as it is."""
        first = min([statement.lineno, *(mark.lineno for mark in getattr(statement, "decorator_list", []))])
        place = self._line_starts[first - 1]
        return Span(place, place, self._indented(statement, lines))

    def after(self, statement: ast.stmt, *lines: str) -> Span:
        """Add lines after a statement, indented as it is."""
        place = self._line_starts[min(statement.end_lineno or statement.lineno, len(self._lines))]
        return Span(place, place, self._indented(statement, lines))

    def without(self, statement: ast.stmt) -> Span | None:
        """Remove a statement that has its lines to itself; one alone in its block leaves `pass`."""
        first, last = (
            self._line_starts[statement.lineno - 1],
            self._line_starts[statement.end_lineno or statement.lineno],
        )
        rest = self.text[self.end(statement) : last].split("#")[0] + self.text[first : self.start(statement)]
        if rest.strip():
            return None
        block, _ = self.block_of(statement)
        return Span(first, last, "") if len(block) > 1 else self.put(statement, "pass")

    def _indented(self, statement: ast.stmt, lines: tuple[str, ...]) -> str:
        return "".join(f"{self.indentation(statement)}{line}\n" for line in lines)


def called(call: ast.AST) -> str:
    """Return the last name of what is called: `Linear` of `torch.nn.Linear(...)`."""
    match call:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def argument(call: ast.Call, name: str, order: list[str] | tuple[str, ...] = ()) -> ast.expr | None:
    """Return what a call gives an argument, by name or by its place in `order`."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    place = list(order).index(name) if name in order else -1
    if 0 <= place < len(call.args) and not any(isinstance(value, ast.Starred) for value in call.args[: place + 1]):
        return call.args[place]
    return None


def parameters(function: Function) -> list[str]:
    """Return the names of a function's parameters."""
    arguments = function.args
    return [item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def entry_of(table: ast.expr | None, key: str) -> ast.expr | None:
    """Return what a dictionary, as it is written, holds under a key."""
    if isinstance(table, ast.Dict):
        for name, value in zip(table.keys, table.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return value
    return argument(table, key) if isinstance(table, ast.Call) and called(table) == "dict" else None


def is_self(node: ast.AST) -> bool:
    """Tell whether a node is the name `self`."""
    return isinstance(node, ast.Name) and node.id == "self"


def _taken(target: ast.expr, value: ast.expr, name: str) -> list[ast.expr]:
    """Return what an assignment gives a name; for one of several targets, its own part where parts are written."""
    if isinstance(target, ast.Name):
        return [value] if target.id == name else []
    if isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        return [
            found
            for place, inner in enumerate(target.elts)
            for found in _taken(inner, parts[place] if parts else value, name)
        ]
    return []


def _looped(loop: ast.For, name: str) -> list[ast.expr]:
    held = any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(loop.target))
    return [loop.iter] if held else []
