"""What the pages promise, held against the program: snippets run, links lead somewhere, nothing is left untold.

A snippet in ```python is run, and so is every line of a ```console or ```sh snippet that calls `pellucid`; the snippets
of a page run in order, in one folder and one namespace. `<!-- not run: reason -->` on the line above leaves one
out. The folder holds the files of `SAMPLE_FILES`, which examples may use.
"""

import doctest
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid
from pellucid.cli import VERBS
from pellucid.options import flag_of, flat_fields

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")],
    key=lambda page: page.relative_to(REPOSITORY).as_posix(),
)
TRANSLATIONS = {
    REPOSITORY / f"{name}.zh-CN.md": REPOSITORY / f"{name}.md" for name in ("README", "docs/tutorial")
}  # fmt: skip
VERB_PAGES = sorted((REPOSITORY / "docs" / "verbs").glob("*.md"))
SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->\s*\Z")
COMMAND = re.compile(r"(^|[|;&] *)(\w+=\S+ +)*pellucid( |$)")
INSTALLATION = re.compile(r"(python -m )?pip install [^&|;]*(&& *)?")
SHELLS = {"console", "sh", "bash", "shell"}
COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    code: str
    reason: str | None

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def snippets_of(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    snippets = []
    for fence in FENCE.finditer(text):
        above = NOT_RUN.search(text, 0, fence.start())
        code = re.sub(f"^{fence['indent']}", "", fence["code"], flags=re.MULTILINE)
        line = text.count("\n", 0, fence.start()) + 2
        snippets.append(Snippet(page, line, fence["language"], code, above["reason"] if above else None))
    return snippets


def commands_in(code: str) -> list[str]:
    """Return the lines that call `pellucid`, less installing it; where lines begin with `$ `, the others are output."""
    lines = code.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    commands = [INSTALLATION.sub("", line) for line in prompted or lines]
    return [command for command in commands if COMMAND.search(command)]


SNIPPETS = [
    snippet
    for page in PAGES
    if page not in TRANSLATIONS
    for snippet in snippets_of(page)
    if snippet.language in {"python", *SHELLS}
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page not in TRANSLATIONS], ids=name_of)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to_run = [snippet for snippet in SNIPPETS if snippet.page == page and snippet.reason is None]
    if not to_run:
        return
    folder = furnished(tmp_path / "work")
    monkeypatch.chdir(folder)
    environment = with_pellucid_on_the_path(tmp_path / "bin")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for snippet in to_run:
        if snippet.language == "python":
            # the empty lines before it make tracebacks name the page's own lines
            exec(compile("\n" * (snippet.line - 1) + snippet.code, page, "exec"), namespace)
            continue
        for command in commands_in(snippet.code):
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                env=environment, text=True, capture_output=True, timeout=COMMAND_SECONDS, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{snippet}: {command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("snippet", [snippet for snippet in SNIPPETS if snippet.reason], ids=str)
def test_snippets_not_run_have_a_reason(snippet: Snippet) -> None:
    pytest.skip(f"{snippet}: {snippet.reason}")


@pytest.mark.parametrize("path", [path for path in SOURCES if ">>>" in path.read_text(encoding="utf-8")], ids=name_of)
def test_examples_in_docstrings_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(furnished(tmp_path / "work"))
    module = importlib.import_module(".".join(path.relative_to(REPOSITORY / "src").with_suffix("").parts))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, run = doctest.testmod(module, optionflags=flags, extraglobs={"pellucid": pellucid})
    assert not failed, f"{failed} of {run} examples of {name_of(path)} fail: see the output"


def with_pellucid_on_the_path(folder: Path) -> dict[str, str]:
    """Return an environment in which `pellucid` is the one under test."""
    folder.mkdir()
    command = folder / "pellucid"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pellucid "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}


def furnished(folder: Path) -> Path:
    """Make a working folder with the files that examples may use."""
    (folder / "runs").mkdir(parents=True)
    for name, write in SAMPLE_FILES.items():
        write(folder / name)
    return folder


def write_customers(path: Path) -> None:
    """400 customers: churned is likelier with few years, many complaints and a monthly contract."""
    random = np.random.default_rng(0)
    lines = ["age,years,complaints,contract,churned"]
    for _ in range(400):
        age, years, complaints = random.integers(18, 80), random.integers(0, 20), random.poisson(1.5)
        contract = random.choice(["monthly", "yearly"])
        churned = complaints - years / 4 + 2 * (contract == "monthly") + random.normal() > 0.5
        lines.append(f"{age},{years},{complaints},{contract},{'yes' if churned else 'no'}")
    path.write_text("\n".join(lines) + "\n")


def write_new_customers(path: Path) -> None:
    path.write_text("age,years,complaints,contract\n35,1,4,monthly\n62,15,0,yearly\n")


def write_sales(path: Path) -> None:
    """Ten years of monthly sales with a trend and a season."""
    months = [f"{year}-{month:02}-01" for year in range(2010, 2020) for month in range(1, 13)]
    values = [100 + 2 * i + 30 * np.sin(2 * np.pi * i / 12) for i in range(len(months))]
    path.write_text("month,sales\n" + "".join(f"{m},{v:.1f}\n" for m, v in zip(months, values, strict=True)))


def write_story(path: Path) -> None:
    sentences = ["The fox runs over the hill.", "A crow looks down and laughs.", "The fox laughs too and runs on."]
    path.write_text("\n".join(sentences[i * i % 3] + " " + sentences[i % 3] for i in range(300)) + "\n")


def write_photos(folder: Path) -> None:
    """Two classes of 30 small pictures: bright discs on dark ground, and stripes."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:24, :32]
    for kind in ("discs", "stripes"):
        (folder / kind).mkdir(parents=True)
        for i in range(30):
            shape = np.hypot(x - random.integers(8, 24), y - 12) < 6 if kind == "discs" else (x + i) // 3 % 2 == 0
            pixels = 200 * shape[..., None] * random.random(3) + random.integers(0, 40, (24, 32, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"{i}.png")


def write_photo(path: Path) -> None:
    Image.new("RGB", (32, 24), "navy").save(path)


TRAINING_SCRIPT = """
import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--rate", type=float, default=0.05)
asked = parser.parse_args()
x = torch.randn(512, 8)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=asked.rate)
for epoch in range(asked.epochs):
    for rows in torch.randperm(512).split(32):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x[rows]), x[rows].abs().sum(1, keepdim=True))
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
"""


def write_training_script(path: Path) -> None:
    path.write_text(TRAINING_SCRIPT)


SAMPLE_FILES: dict[str, Callable[[Path], None]] = {
    "customers.csv": write_customers,
    "new_customers.csv": write_new_customers,
    "sales.csv": write_sales,
    "story.txt": write_story,
    "photos": write_photos,
    "photo.png": write_photo,
    "train.py": write_training_script,
}


@pytest.mark.parametrize("translation", TRANSLATIONS, ids=name_of)
def test_a_translation_says_the_same(translation: Path) -> None:
    """Its snippets are the very ones that are run, and it leads to the same pages in the same order."""
    page = TRANSLATIONS[translation]
    assert [each.code for each in snippets_of(translation)] == [each.code for each in snippets_of(page)]
    ours, theirs = (FENCE.sub("", each.read_text(encoding="utf-8")) for each in (page, translation))
    links = re.compile(rf"\]\((?!{page.stem}\b)([^)\s]+)\)")
    assert links.findall(theirs) == links.findall(ours)
    assert len(re.findall(r"^#+ ", theirs, re.MULTILINE)) == len(re.findall(r"^#+ ", ours, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose)):
        path, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
            broken.append(target)
    assert not broken, f"{name_of(page)} links to {broken}"


def anchors_of(page: Path) -> set[str]:
    """Return the anchors GitHub gives a page's headings."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documentation() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_and_its_options_are_documented(verb: str) -> None:
    text = documentation()
    assert f"pellucid {verb}" in text, f"no page tells of `pellucid {verb}`"
    missing = [flag for flag in flags_of(verb) if not re.search(rf"(?<![\w-]){flag}(?![\w-])", text)]
    assert not missing, f"no page tells of these options of `pellucid {verb}`: {missing}"


def test_each_verb_has_a_page_that_is_listed() -> None:
    pages = {page.stem: page.read_text(encoding="utf-8").splitlines()[0] for page in VERB_PAGES}
    listed = re.findall(r"\(verbs/(\w+)\.md\) \|", (REPOSITORY / "docs" / "verbs.md").read_text(encoding="utf-8"))
    assert sorted(pages) == sorted(VERBS) == sorted(listed)
    assert all(re.match(rf"# `pellucid {verb}\b", heading) for verb, heading in pages.items())


@pytest.mark.parametrize("page", [REPOSITORY / "docs" / "verbs.md", *VERB_PAGES], ids=name_of)
def test_the_pages_of_verbs_tell_of_no_option_that_does_not_exist(page: Path) -> None:
    others = {"--standalone", "--nproc-per-node", "--max-restarts", "--logdir"}  # torchrun's, and TensorBoard's
    known = {flag for verb in VERBS for flag in flags_of(verb)} | {"--help", "--version", "--completion"} | others
    told = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8")))
    assert told <= known, f"no verb has {sorted(told - known)}"


def flags_of(verb: str) -> list[str]:
    """Return a verb's options as they are written: `--learning-rate`, and `DATA` for one given by place."""
    options_class, _ = VERBS[verb]
    return ["--json"] + [
        name.upper() if field.metadata.get("positional") else flag_of(name)
        for name, (field, _) in flat_fields(options_class).items()
    ]


def test_the_public_names_are_documented() -> None:
    missing = [name for name in pellucid.__all__ if not re.search(rf"pellucid\.{name}\b", documentation())]
    assert not missing, f"no page tells of {missing}"
