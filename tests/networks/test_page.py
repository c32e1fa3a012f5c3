"""docs/notation.md tells of every word, and its table and figures are the real ones; doctests of the room run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import pellucid.networks
from pellucid.networks import COMBINATORS, WORDS, ZOO, parse
from pellucid.networks.reader import signature

PAGE = (Path(__file__).parents[2] / "docs" / "notation.md").read_text(encoding="utf-8")
MODULES = [module.name for module in pkgutil.walk_packages(pellucid.networks.__path__, "pellucid.networks.")]


@pytest.mark.parametrize("word", WORDS.values(), ids=list(WORDS))
def test_a_word_is_in_the_tables_with_its_arguments(word: type[pellucid.networks.Word]) -> None:
    assert f"| `{signature(word)}` |" in PAGE


@pytest.mark.parametrize("name", [*COMBINATORS, *ZOO])
def test_combinators_and_zoo_names_are_told_of(name: str) -> None:
    assert f"| `{name}(" in PAGE or f"| `{name}` |" in PAGE


def test_the_table_shown_is_the_real_one() -> None:
    table = parse("28x28x1 -> conv(6, 5x5, padding=2) -> relu -> maxpool(2x2) -> fc(10)").table()
    assert str(table) in PAGE


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
