"""constraints.txt against pyproject.toml: the tested set pins all that pellucid names, within its own bounds."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
LINES = [line for line in (REPOSITORY / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
REQUIRED = [
    Requirement(line)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in group
    if not line.startswith("pellucid[")
]


def test_every_line_is_one_exact_version_in_order() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in LINES)
    assert sorted(LINES, key=str.upper) == LINES


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
    for requirement in REQUIRED:
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement.name} is missing in constraints.txt: renew it"
        assert requirement.specifier.contains(pin), f"{requirement} but constraints.txt has {pin}"


def test_no_upper_bounds() -> None:
    operators = {specifier.operator for requirement in REQUIRED for specifier in requirement.specifier}
    assert operators == {">="}
