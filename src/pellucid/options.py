"""Options as data: how a verb's choices are declared once and read by the command line, Python and run.json alike.

An options class is a frozen dataclass whose fields are made by `option`; `from_keywords` builds one from flat
keywords, `check` refuses values outside what a field allows, naming the nearest that is right.
"""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from pellucid.errors import OptionError, nearest


class Options(Protocol):
    """Any options dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


OptionsT = TypeVar("OptionsT", bound=Options)


def option(
    default: Any,
    help: str,
    *,
    group: str,
    minimum: float | None = None,
    maximum: float | None = None,
    short: str | None = None,
) -> Any:
    """Declare a field of an options class: its default, what it means, its group in `--help`, its range, its letter."""
    return dataclasses.field(
        default=default,
        metadata={"help": help, "group": group, "minimum": minimum, "maximum": maximum, "short": short},
    )


def argument(help: str) -> Any:
    """Declare a field that the command line takes by place rather than by name; None where it is left out."""
    return dataclasses.field(default=None, metadata={"help": help, "group": None, "positional": True})


def rest(help: str) -> Any:
    """Declare a field that takes, as a tuple, all that the command line has behind the arguments by place.

    What stands there is somebody else's: options too, even those that have a meaning here.
    """
    return dataclasses.field(default=(), metadata={"help": help, "group": None, "positional": True, "rest": True})


def nested(options_class: type[OptionsT]) -> Any:
    """Declare a field that holds another options class, whose fields count as this one's on the command line."""
    return dataclasses.field(default_factory=options_class, metadata={"nested": options_class})


def as_texts(options_class: type[Options], without: Sequence[str] = ()) -> type[Options]:
    """Return an options class whose options are texts, all None by default: what is in braces is searched for."""
    fields = [
        (field.name, str | None, option(None, field.metadata["help"], group=field.metadata["group"]))
        for field in dataclasses.fields(options_class)
        if field.name not in without
    ]
    name = f"{options_class.__name__}Texts"
    return dataclasses.make_dataclass(name, fields, frozen=True, kw_only=True, slots=True)


def flag_of(name: str) -> str:
    """Return how the command line writes an option; one called like a word of Python's has an underscore behind it.

    >>> flag_of("learning_rate"), flag_of("from_")
    ('--learning-rate', '--from')
    """
    return f"--{name.rstrip('_').replace('_', '-')}"


def flat_fields(options_class: type[Options]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Return name -> (field, type) of every option, those of nested classes included."""
    hints = _hints_of(options_class)
    flat: dict[str, tuple[dataclasses.Field[Any], Any]] = {}
    for field in dataclasses.fields(options_class):
        inner = field.metadata.get("nested")
        flat |= flat_fields(inner) if inner else {field.name: (field, hints[field.name])}
    return flat


def from_keywords(options_class: type[OptionsT], keywords: Mapping[str, Any]) -> OptionsT:
    """Build an options class from flat keywords.

    Raises:
        OptionError: a name that is no option of the class (the nearest is offered).
    """
    known = flat_fields(options_class)
    for name in keywords:
        if name not in known:
            raise OptionError(
                f"there is no option '{name}'",
                expected="one of " + ", ".join(known),
                received=name,
                advice=nearest(name, known),
            )
    return _build(options_class, keywords)


def flat_values(options: Options) -> dict[str, Any]:
    """Return name -> value of every option, those of nested classes included: what run.json keeps."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        values |= flat_values(value) if "nested" in field.metadata else {field.name: value}
    return values


def differing(options: Options) -> dict[str, Any]:
    """Return name -> value of every option, nested ones included, that is not what it is by default."""
    usual = {name: field.default for name, (field, _) in flat_fields(type(options)).items()}
    return {name: value for name, value in flat_values(options).items() if value != usual[name]}


def from_stored(options_class: type[OptionsT], stored: Mapping[str, Any]) -> OptionsT:
    """Build an options class from what run.json keeps of it: lists are tuples again.

    Names that are no option any more are left out, and so are values that are none of this class's.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return _build(options_class, {name: values[name] for name in flat_fields(options_class) if name in values})


def command_line(verb: str, options: Options) -> str:
    """Return the shell command that gives these options: those by place first, then what differs from its default.

    >>> from pellucid.recipe import Recipe
    >>> command_line("train", Recipe(epochs=3, augment="shift, flip"))
    "pellucid train --epochs 3 --augment 'shift, flip'"
    """
    fields, given = flat_fields(type(options)), differing(options)
    by_place: list[str] = []
    named: list[str] = []
    for name, value in given.items():
        items = value if isinstance(value, tuple) else (value,)
        if fields[name][0].metadata.get("positional"):
            by_place += map(str, items)
            continue
        flag = flag_of(name)
        for item in items:
            # what begins with a hyphen would be taken for an option
            named += [flag] if item is True else [f"{flag}={item}"] if str(item)[:1] == "-" else [flag, str(item)]
    takes_rest = any(field.metadata.get("rest") for field, _ in fields.values())
    return shlex.join(["pellucid", verb, *([*named, *by_place] if takes_rest else [*by_place, *named])])


def check(options: Options) -> None:
    """Refuse a value that is of the wrong type, not among a field's choices or outside its range; for `__post_init__`.

    Raises:
        OptionError: naming the option, what it may be and what it was.
    """
    hints = _hints_of(type(options))
    for field in dataclasses.fields(options):
        if "nested" not in field.metadata:
            _check_value(field, hints[field.name], getattr(options, field.name))


@cache  # a search makes hundreds of recipes, and reading the hints takes longer than all the rest of one
def _hints_of(options_class: type) -> dict[str, Any]:
    return get_type_hints(options_class)


def choices(hint: Any) -> tuple[str, ...]:
    """Return the words a type hint allows (`Literal["a", "b"] | None` allows a and b), or nothing if it is free."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(word for inner in get_args(hint) for word in choices(inner))


def _build(options_class: type[OptionsT], keywords: Mapping[str, Any]) -> OptionsT:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(options_class):
        inner = field.metadata.get("nested")
        if inner:
            values[field.name] = _build(inner, keywords)
        elif field.name in keywords:
            values[field.name] = keywords[field.name]
    return options_class(**values)


def _check_value(field: dataclasses.Field[Any], hint: Any, value: Any) -> None:
    if value is None and (hint is None or type(None) in get_args(hint)):
        return
    allowed = choices(hint)
    if allowed:
        if value not in allowed:
            raise OptionError(
                f"'{field.name}' cannot be {value!r}",
                expected="one of " + ", ".join(map(str, allowed)),
                received=repr(value),
                advice=nearest(str(value), map(str, allowed)),
            )
        return
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple) or not all(isinstance(item, get_args(hint)[0]) for item in value):
            item = get_args(hint)[0].__name__
            raise OptionError(
                f"'{field.name}' cannot be {value!r}", expected=f"a tuple of {item}", received=repr(value)
            )
        return
    types = tuple(t for t in (*get_args(hint), hint) if isinstance(t, type))
    if float in types and isinstance(value, int):
        types = (*types, int)
    if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        names = " or ".join(sorted({t.__name__ for t in types if t is not type(None)}))
        raise OptionError(f"'{field.name}' cannot be {value!r}", expected=names, received=type(value).__name__)
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    # `not (>=)` rather than `<`, so that NaN is refused too
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = " and ".join(
            text for text, bound in ((f"at least {low}", low), (f"at most {high}", high)) if bound is not None
        )
        raise OptionError(f"'{field.name}' cannot be {value!r}", expected=bounds, received=repr(value))
