"""The faces: the names `pellucid` offers, and that neither importing it nor asking for help costs torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid
from pellucid.cli import VERBS

HEAVY = ("torch", "sklearn", "scipy", "polars", "pandas", "matplotlib")


def loaded_by(statements: str) -> set[str]:
    """Return which of the heavy packages a fresh process has loaded after some statements."""
    report = "\nprint('loaded:', *sys.modules)"
    program = "import sys\n" + statements + report
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return {*done.stdout.rpartition("loaded:")[2].split()} & {*HEAVY}


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_by("import pellucid; dir(pellucid)") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_asking_for_help_loads_nothing_heavy(arguments: list[str]) -> None:
    statements = f"""
from pellucid.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code
"""
    assert loaded_by(statements) == set()


@pytest.mark.parametrize("name", pellucid.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(pellucid, name).__doc__


def test_public_names_are_what_is_visible_and_what_type_checkers_see() -> None:
    assert dir(pellucid) == sorted(pellucid.__all__)
    tree = ast.parse(Path(pellucid.__file__).read_text())
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name
        for node in ast.walk(guarded[0])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {*pellucid.__all__}


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = pellucid.trian
