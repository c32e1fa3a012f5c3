"""Options declared once, and what is refused."""

import math

import pytest

from pellucid.errors import OptionError
from pellucid.options import as_texts, flat_fields, flat_values, from_keywords
from pellucid.recipe import DataOptions, Recipe
from pellucid.verbs.train import TrainOptions


def test_nested_options_are_flat_for_the_user() -> None:
    options = from_keywords(TrainOptions, {"epochs": 3, "target": "species", "name": "first"})
    assert (options.recipe.epochs, options.reading.target, options.name) == (3, "species", "first")
    assert flat_values(options)["epochs"] == 3
    assert set(flat_values(options)) == set(flat_fields(TrainOptions))


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"epoch": 3}, ["no option 'epoch'", "did you mean 'epochs'?"]),
        ({"optimizer": "adm"}, ["'optimizer' cannot be 'adm'", "adamw", "did you mean 'adam'?"]),
        ({"epochs": 0}, ["'epochs' cannot be 0", "at least 1"]),
        ({"epochs": "ten"}, ["'epochs' cannot be 'ten'", "int", "str"]),
        ({"epochs": True}, ["'epochs' cannot be True"]),
        ({"learning_rate": math.nan}, ["'learning_rate' cannot be nan", "at least 0"]),
        ({"warmup": 1.5}, ["at most 1"]),
        ({"quiet": "yes"}, ["'quiet' cannot be 'yes'", "bool"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(keywords: dict[str, object], words: list[str]) -> None:
    with pytest.raises(OptionError) as caught:
        from_keywords(TrainOptions, keywords)
    for word in words:
        assert word in str(caught.value)


def test_whole_numbers_pass_where_reals_are_wanted() -> None:
    assert Recipe(learning_rate=1).learning_rate == 1
    assert DataOptions(ignore=("a", "b")).ignore == ("a", "b")


def test_an_options_class_as_texts_keeps_names_words_and_groups() -> None:
    texts = as_texts(Recipe, without=("compile",))
    fields, own = flat_fields(texts), flat_fields(Recipe)
    assert list(fields) == [name for name in own if name != "compile"]
    for name, (field, hint) in fields.items():
        assert hint == str | None
        assert field.default is None
        assert (field.metadata["help"], field.metadata["group"]) == (
            own[name][0].metadata["help"],
            own[name][0].metadata["group"],
        )
    given = from_keywords(texts, {"learning_rate": "{1e-4..1 log}"})
    assert flat_values(given)["learning_rate"] == "{1e-4..1 log}"
