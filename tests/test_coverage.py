"""The coverage list: what shows that each row of docs/coverage.toml holds, as docs/coverage.md tells it.

A test names the rows it shows by `@pytest.mark.covers("A4", "C1")`, a class likewise, a whole file by `pytestmark`.
The marks and the imports are read from the source text, so the list costs no import of anything.
`python tests/test_coverage.py` writes docs/coverage.md anew.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src"
LIST = REPOSITORY / "docs" / "coverage.toml"
PAGE = REPOSITORY / "docs" / "coverage.md"

LEAVES = {"errors.py", "options.py", "recipe.py", "record.py", "seed.py", "shapes.py"}
"""Used everywhere, so that naming them beside a test would say nothing."""


@dataclass(frozen=True)
class Mark:
    """A test, a class of tests or a whole file (without name) that shows rows to hold, and our files that it uses."""

    file: Path
    name: str
    ids: tuple[str, ...]
    code: frozenset[Path]


def read_list() -> dict[str, dict[str, str]]:
    """Return title -> {id: what} of the list's sections."""
    sections = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return {
        f"{letter}. {section['title']}": {row: what for row, what in section.items() if row != "title"}
        for letter, section in sections.items()
    }


def read_marks(folder: Path = REPOSITORY / "tests") -> list[Mark]:
    """Return every mark under a folder, in the order of files and lines."""
    return [mark for path in sorted(folder.rglob("test_*.py")) for mark in _marks_of(path)]


def write_page() -> str:
    """Return the text of docs/coverage.md."""
    sections, marks = read_list(), read_marks()
    covered = {row for mark in marks for row in mark.ids}
    total = sum(len(rows) for rows in sections.values())
    lines = [
        "# What is covered",
        "",
        "Written by `python tests/test_coverage.py` from [the list](coverage.toml) and the tests' marks; not by hand.",
        'A row counts as covered where a test marked `@pytest.mark.covers("A4")` shows it to hold.',
        "",
        f"**{len(covered)} of {total}** rows have such a test.",
    ]
    for title, rows in sections.items():
        lines += ["", f"## {title}", "", "| id | what | code | tests |", "|---|---|---|---|"]
        lines += [
            _row(row, what, [covering for covering in marks if row in covering.ids]) for row, what in rows.items()
        ]
    return "\n".join(lines) + "\n"


def _row(row: str, what: str, marks: list[Mark]) -> str:
    if not marks:
        return f"| {row} | {what} | not yet | not yet |"
    code = "<br>".join(_link(path) for path in sorted({path for mark in marks for path in mark.code}))
    tests = "<br>".join(
        " ".join([_link(file), *(f"`{mark.name}`" for mark in of_file if mark.name)])
        for file, of_file in groupby(marks, key=lambda mark: mark.file)
    )
    return f"| {row} | {what} | {code} | {tests} |"


def _link(path: Path) -> str:
    inside = path.relative_to(REPOSITORY).as_posix()
    return f"[{inside.removeprefix('src/pellucid/').removeprefix('tests/')}](../{inside})"


def _marks_of(path: Path) -> Iterator[Mark]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = _our_imports(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")]):
                name, ids = "", [*_ids_in(node.value)]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                name, ids = node.name, [row for decorator in node.decorator_list for row in _ids_in(decorator)]
            case _:
                continue
        if ids:
            yield Mark(path, name, tuple(ids), _code_of(node, path, imports))


def _ids_in(node: ast.expr) -> Iterator[str]:
    """Yield the ids of every `covers(...)` in an expression."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "covers":
            for argument in call.args:
                row = ast.literal_eval(argument)
                assert isinstance(row, str), f"an id is a text, not {row!r}"
                yield row


def _our_imports(tree: ast.Module) -> dict[str, Path]:
    """Return local name -> the file of ours that defines it, for all that a test file imports."""
    names: dict[str, Path] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pellucid":
            for alias in node.names:
                names[alias.asname or alias.name] = _definition(node.module, alias.name)
    return names


def _definition(module: str, name: str) -> Path:
    """Return the file that defines a name of a module, following the re-exports of packages."""
    inner = _file_of(f"{module}.{name}")
    if inner is not None:
        return inner
    path = _file_of(module)
    assert path is not None, f"there is no module {module}"
    if path.name == "__init__.py":
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and any(alias.name == name for alias in node.names):
                return _definition(node.module, name)
    return path


def _file_of(module: str) -> Path | None:
    stem = SOURCE.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.exists()), None)


def _code_of(test: ast.AST, path: Path, imports: dict[str, Path]) -> frozenset[Path]:
    """Return the files a test uses, of its own room if any; all that its file imports where it names none."""
    used = {imports[node.id] for node in ast.walk(test) if isinstance(node, ast.Name) and node.id in imports}
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pellucid":
            used.add(_definition("pellucid", node.attr))
    used = used or set(imports.values())
    used = {file for file in used if file.name not in LEAVES} or used
    room = SOURCE / "pellucid" / path.parent.name
    return frozenset({file for file in used if file.is_relative_to(room)} or used)


def test_every_mark_names_a_row_of_the_list() -> None:
    known = {row for rows in read_list().values() for row in rows}
    unknown = [f"{mark.file.name} {mark.name}: {row}" for mark in read_marks() for row in mark.ids if row not in known]
    assert not unknown, f"no such rows in {LIST.name}: {unknown}"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == write_page(), "docs/coverage.md is stale: python tests/test_coverage.py"


def test_marks_are_found_on_functions_classes_and_files(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\nfrom pellucid.training.schedules import schedule\n"
        "pytestmark = [pytest.mark.slow, pytest.mark.covers('C8')]\n"
        "@pytest.mark.covers('C6', 'C7')\nclass TestIt:\n    def test_one(self):\n        assert schedule\n"
        "@pytest.mark.covers('A1')\ndef test_two():\n    pass\n"
        "def test_three():\n    pass\n"
    )
    marks = read_marks(tmp_path)
    assert [(mark.name, mark.ids) for mark in marks] == [("", ("C8",)), ("TestIt", ("C6", "C7")), ("test_two", ("A1",))]
    assert all({path.name for path in mark.code} == {"schedules.py"} for mark in marks)


def test_a_name_leads_to_the_file_that_defines_it() -> None:
    assert _definition("pellucid", "train") == SOURCE / "pellucid" / "verbs" / "train.py"
    assert _definition("pellucid.training", "schedules") == SOURCE / "pellucid" / "training" / "schedules.py"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
