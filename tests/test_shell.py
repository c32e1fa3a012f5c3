"""The command line in a shell: completion, colour, exit status and environment variables, as the page tells them."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.cli import VERBS, main
from pellucid.options import flag_of, flat_fields

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "verbs.md").read_text(encoding="utf-8")
SHELLS = ("bash", "zsh", "fish")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    return subprocess.run(
        [sys.executable, "-m", "pellucid", *arguments],
        env={**kept, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_names_every_verb_and_every_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--completion", shell])
    assert exit_.value.code == 0
    script = capsys.readouterr().out
    for verb, (options, _) in VERBS.items():
        assert re.search(rf"\b{verb}\b", script), verb
        for name, (field, _) in flat_fields(options).items():
            if not field.metadata.get("positional"):
                written = flag_of(name)
                # fish writes a long option without its hyphens, behind -l
                assert written in script or f"-l {written.removeprefix('--')}" in script, f"{verb} {written}"


@pytest.mark.parametrize(
    ("line", "offered"),
    [("pellucid tr", "train"), ("pellucid train --learn", "--learning-rate"), ("pellucid export r --to on", "onnx")],
)
def test_bash_completes(line: str, offered: str) -> None:
    words = " ".join(f"'{word}'" for word in line.split())
    program = (
        f'eval "$({sys.executable} -m pellucid --completion bash)"; COMP_WORDS=({words}); '
        f"COMP_CWORD={len(line.split()) - 1}; _pellucid; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert offered in done.stdout.split(), done.stdout + done.stderr


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--completion", "tcsh"])
    assert exit_.value.code == 2
    assert "bash" in capsys.readouterr().err


def test_no_color_takes_the_colour_away() -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]")  # the eight colours, as SGR writes them
    asked = ("train", "iris", "--epochs", "0")
    assert coloured.search(run(*asked, FORCE_COLOR="1").stderr)
    plain = run(*asked, FORCE_COLOR="1", NO_COLOR="yes")
    assert "at least 1" in plain.stderr
    assert not coloured.search(plain.stderr)
    assert "\x1b" not in run(*asked).stderr  # into a pipe nothing is coloured anyway
    assert not coloured.search(run("train", "--help", FORCE_COLOR="1", NO_COLOR="1").stdout)


def test_exit_statuses_are_those_of_the_page() -> None:
    told = {int(status) for status in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    used = {0, 1}  # done, and what Python itself gives a fault that is not caught
    for path in [REPOSITORY / "src/pellucid/cli.py", *(REPOSITORY / "src/pellucid/verbs").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sys.exit", "Outcome"}:
                numbers = [each.value for argument in node.args for each in ast.walk(argument)
                           if isinstance(each, ast.Constant) and type(each.value) is int]  # fmt: skip
                used |= set(numbers)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "INTERRUPTED":
                assert isinstance(node.value, ast.Constant)
                used.add(int(str(node.value.value)))
    assert told == used


def test_a_mistake_a_success_and_a_fault_end_as_the_page_says() -> None:
    for name, status in (("lenet5", 0), ("lenet6", 2)):
        with pytest.raises(SystemExit) as exit_:
            main(["zoo", name])
        assert exit_.value.code == status
    fault = "import pellucid.cli as cli; cli._app = lambda: 1 / 0; cli.main(['zoo'])"
    done = subprocess.run([sys.executable, "-c", fault], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def variables_read() -> Iterator[str]:
    """Yield the names of the environment variables that stand in an expression about the environment."""
    name = re.compile(r"[A-Z][A-Z0-9_]{3,}")
    for path in (REPOSITORY / "src").rglob("*.py"):
        if "studio" in path.parts:  # starts others with them, and reads none
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.expr) and "environ" in ast.unparse(node):
                constants = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                yield from (each for each in constants if isinstance(each, str) and name.fullmatch(each))


def test_every_environment_variable_is_on_the_page_and_no_other() -> None:
    told = set(
        re.findall(r"`([A-Z][A-Z0-9_]{3,})", PAGE[PAGE.index("**Environment variables**") : PAGE.index("\n## ")])
    )
    read = {each.rstrip("_") for each in variables_read()}
    assert len(read) > 10
    rich = {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    assert {each.rstrip("_") for each in told} == read | rich
