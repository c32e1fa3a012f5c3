"""The house as `docs/architecture.md` draws it, held against the imports that stand in the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "pellucid"

LEAVES = ["errors", "notebook", "options", "shapes", "recipe", "files", "record", "seed", "memory", "chart"]
# each room and what it may import, in the order data flows
MAY_IMPORT: dict[str, list[str]] = {leaf: LEAVES[:place] for place, leaf in enumerate(LEAVES)}
MAY_IMPORT["data"] = LEAVES
MAY_IMPORT["blocks"] = LEAVES
MAY_IMPORT["networks"] = [*LEAVES, "blocks"]
MAY_IMPORT["training"] = [*LEAVES, "data", "blocks", "networks"]
MAY_IMPORT["judging"] = [*LEAVES, "data", "blocks", "networks", "training"]
MAY_IMPORT["tuning"] = [*MAY_IMPORT["judging"], "judging"]
MAY_IMPORT["explain"] = [*MAY_IMPORT["judging"], "judging"]
MAY_IMPORT["experiments"] = [*MAY_IMPORT["tuning"], "tuning", "explain"]
MAY_IMPORT["formats"] = [*LEAVES, "data", "blocks", "networks"]
MAY_IMPORT["diagnosis"] = LEAVES
MAY_IMPORT["report"] = [*LEAVES, "data", "blocks", "networks", "training", "judging", "tuning"]
MAY_IMPORT["report"] += ["formats", "diagnosis", "explain", "experiments"]
MAY_IMPORT["verbs"] = [*MAY_IMPORT["report"], "report"]
MAY_IMPORT["studio"] = [*MAY_IMPORT["verbs"], "verbs"]
MAY_IMPORT["estimators"] = [*MAY_IMPORT["verbs"], "verbs"]
MAY_IMPORT["__init__"] = MAY_IMPORT["cli"] = [*MAY_IMPORT["studio"], "studio", "estimators"]
MAY_IMPORT["__main__"] = ["cli"]

FACES = {"__init__", "cli", "__main__", "verbs", "studio/verb"}
"""Where an import may stand inside a function: what is shown by --help must load no torch."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    parts = ["pellucid", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def our_imports(tree: ast.AST, modules: set[str]) -> Iterator[tuple[str, int]]:
    """Yield every module of ours that a syntax tree imports, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "pellucid")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide which room is meant"
            if node.module and node.module.split(".")[0] == "pellucid":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield (inner if inner in modules else node.module), node.lineno


def importing_nodes(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is no room of the house: add it to docs/architecture.md and to this test"
    for module, line in our_imports(ast.parse(path.read_text()), {module_of(file) for file in FILES}):
        imported = module.split(".")[1] if "." in module else "the package root"
        allowed = imported == room or imported in MAY_IMPORT[room]
        assert allowed, f"{path.name}:{line} imports {imported}: {room} may import {MAY_IMPORT[room]}"


def test_no_import_cycles() -> None:
    modules = {module_of(path) for path in FILES}
    graph = {
        module_of(path): {
            module
            for node in ast.parse(path.read_text()).body
            for module, _ in our_imports(node, modules)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        for path in FILES
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, "import cycle: " + " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for imported in sorted(graph.get(module, ())):
                visit(imported, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_stand_at_the_top_except_in_the_faces(path: Path) -> None:
    if room_of(path) in FACES or path.relative_to(PACKAGE).with_suffix("").as_posix() in FACES:
        return
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    late = [node.lineno for node in importing_nodes(tree) if id(node) not in top]
    assert not late, f"{path.name} imports late at lines {late}"


def test_nothing_imports_the_package_root() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text())
        for node in importing_nodes(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "pellucid":
                names = [alias.name for alias in node.names]
                assert all((PACKAGE / name).is_dir() for name in names), f"{path.name}:{node.lineno} imports {names}"


def test_no_room_without_a_meaning_of_its_own() -> None:
    forbidden = {"utils", "util", "helpers", "common", "core", "misc", "base"}
    names = {part.removesuffix(".py") for path in FILES for part in path.relative_to(PACKAGE).parts}
    assert not names & forbidden
