"""Options written as a command line: read by the real parser, they are the same options again."""

import json
import shlex
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pellucid import cli
from pellucid.options import command_line, differing, flat_values, from_keywords, from_stored
from pellucid.recipe import DataOptions, Recipe
from pellucid.verbs.outcome import Outcome
from pellucid.verbs.train import TrainOptions

TEXTS = st.text(string.ascii_letters + string.digits + " -_=:,;'\"\\$*?!#&|<>(){}äß\n\t", max_size=12)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.text(string.ascii_letters + " '\"$*\n", min_size=1, max_size=12),
        "network": TEXTS,
        "name": TEXTS,
        "target": TEXTS,
        "ignore": st.lists(TEXTS, max_size=3).map(tuple),
        "split_seed": st.integers(0, 2**40),
        "epochs": st.integers(1, 10**6),
        "learning_rate": st.floats(0, 1e6),
        "optimizer": st.sampled_from(["sgd", "adam", "adamw"]),
        "weight_decay": st.floats(0, 1),
        "range_test": st.booleans(),
        "compile": st.booleans(),
    },
)


def parsed(line: str) -> TrainOptions:
    """Return the options that the command line's parser makes of a shell command."""
    taken: list[TrainOptions] = []

    def take(options: TrainOptions, console: Console) -> Outcome:
        taken.append(options)
        return Outcome({}, status=0)

    program, *arguments = shlex.split(line)
    assert program == "pellucid"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "VERBS", {"train": (TrainOptions, take)})
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
    assert end.value.code == 0, line
    return taken[0]


@given(OPTIONS)
def test_the_parser_reads_what_was_written(keywords: dict[str, Any]) -> None:
    options = from_keywords(TrainOptions, keywords)
    assert parsed(command_line("train", options)) == options


def test_what_run_json_keeps_gives_the_command_again() -> None:
    options = TrainOptions(data="my data.csv", reading=DataOptions(ignore=("a b", "-c")), recipe=Recipe(epochs=2))
    stored = json.loads(json.dumps(flat_values(options))) | {"an_option_of_tomorrow": 1}
    assert from_stored(TrainOptions, stored) == options
    line = "pellucid train 'my data.csv' --ignore 'a b' '--ignore=-c' --epochs 2"
    assert shlex.split(command_line("train", options)) == shlex.split(line)


def test_only_what_differs_from_its_default_is_told() -> None:
    assert differing(TrainOptions()) == {}
    assert command_line("train", TrainOptions(data="iris")) == "pellucid train iris"
    assert differing(TrainOptions(quiet=True, recipe=Recipe(seed=3))) == {"quiet": True, "seed": 3}
