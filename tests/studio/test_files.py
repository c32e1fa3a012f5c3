"""What the page is made of: pinned files unchanged, small enough, in both languages, and without forbidden markup."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pellucid.studio.catalogue import EXHIBITS, load
from pellucid.studio.files import PAGE, table

THIRD_PARTY = PAGE / "third_party"
PINNED = json.loads((THIRD_PARTY / "checksums.json").read_text())
BOOKS = [PAGE / "strings.json", *sorted(EXHIBITS.glob("*/strings.json"))]
NPM = Path(__file__).parent / "npm"
OURS = sorted(path for folder in (PAGE, EXHIBITS) for path in folder.rglob("*.js") if THIRD_PARTY not in path.parents)


def name_of(path: Path) -> str:
    return "/".join(path.parts[-2:])


def test_third_party_files_are_those_that_were_pinned() -> None:
    found = {path.relative_to(THIRD_PARTY).as_posix(): path for path in THIRD_PARTY.rglob("*") if path.is_file()}
    del found["checksums.json"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == PINNED["sha256"]


def test_every_third_party_package_has_its_licence_and_the_version_that_npm_pins() -> None:
    lock = json.loads((NPM / "package-lock.json").read_text())["packages"]
    for name, version in PINNED["versions"].items():
        assert (THIRD_PARTY / "licences" / f"{name}.txt").stat().st_size > 500
        assert lock[f"node_modules/{name}"]["version"] == version


def test_all_that_a_browser_can_ask_for_is_small() -> None:
    files = {id(file): file for address, file in table().items() if address != "/favicon.ico"}
    size = sum(len(file.content if file.pressed is None else gzip.compress(file.content, 9)) for file in files.values())
    assert size < 600_000


@pytest.mark.parametrize("book", BOOKS, ids=name_of)
def test_both_languages_say_the_same_things(book: Path) -> None:
    words = json.loads(book.read_text(encoding="utf-8"))
    assert list(words) == ["en", "zh"]
    assert list(words["en"]) == list(words["zh"])
    for key, text in words["en"].items():
        # nothing is said on purpose in both languages, or where only a translation has something to add
        assert words["zh"][key].strip() or not text.strip(), key
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", words["zh"][key])), key


@pytest.mark.parametrize("name", load())
def test_an_exhibit_has_what_the_shell_asks_for(name: str) -> None:
    words = json.loads((EXHIBITS / name / "strings.json").read_text(encoding="utf-8"))
    assert {"title", "short", "lead"} <= {*words["en"]}
    shell = json.loads((PAGE / "strings.json").read_text(encoding="utf-8"))
    assert {*words["en"]} & {*shell["en"]} <= {"title"}, "the shell says these by the same names"
    settings = load()[name].engine().settings_class()
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_views_hold_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<[^>]* style=", text), "style=... in a template: write .style=${...}"
    assert not re.search(r"\b(eval|Function)\(|unsafeHTML|innerHTML|document\.write", text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", text), "another host"


@pytest.mark.slow
def test_types() -> None:
    compiler = NPM / "node_modules" / ".bin" / "tsc"
    if not compiler.exists() or not shutil.which("node"):
        pytest.skip("needs TypeScript: cd tests/studio/npm && npm ci")
    done = subprocess.run(
        [compiler, "--project", "tsconfig.json"], cwd=NPM, text=True, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
