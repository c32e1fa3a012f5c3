"""`pellucid diagnose`: what is run stays as it is, what is found is told and written, whatever way the script ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid import cli
from pellucid.errors import OptionError, RunError
from pellucid.options import command_line
from pellucid.record import Finding
from pellucid.verbs.diagnose import DiagnoseOptions
from pellucid.verbs.outcome import Outcome

SERVER = str(Path(__file__).parents[2] / "benchmarks" / "warm.py")
TRAINS = """
import os, sys, torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(256, 4) * float(os.environ.get("SCALE", 1))
y = torch.tanh(x[:, :1] - 2 * x[:, 1:2])
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=float(os.environ.get("RATE", 0.05)))
step = 0
while step < int(os.environ.get("STEPS", 60)):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        step += 1
print("steps", step, "arguments", sys.argv[1:])
"""


@dataclass(frozen=True)
class Ended:
    """A command that has ended: status, streams, and what `--json` wrote."""

    status: int
    out: str
    err: str
    found: dict[str, Any] | None


Diagnose = Callable[..., Ended]


@pytest.fixture(scope="module")
def server() -> "Iterator[subprocess.Popen[str]]":
    """A process that has torch loaded and runs each command in a fork of itself."""
    process = subprocess.Popen(
        [sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(pellucid.__file__).parents[1])},
    )  # fmt: skip
    yield process
    process.communicate()


@pytest.fixture
def diagnose(server: "subprocess.Popen[str]", tmp_path: Path) -> Diagnose:
    """Run `pellucid diagnose --json found.json ...` in a folder of its own."""

    def run(*arguments: str, **environment: str) -> Ended:
        job = {
            "arguments": ["diagnose", "--json", "found.json", *arguments], "environment": environment,
            "folder": str(tmp_path), "seconds": 600, "seen": str(tmp_path / "seen"),
            "stdout": str(tmp_path / "out"), "stderr": str(tmp_path / "err"),
        }  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        status = json.loads(server.stdout.readline())["status"]
        found = tmp_path / "found.json"
        out, err = ((tmp_path / name).read_text() for name in ("out", "err"))
        return Ended(status, out, err, json.loads(found.read_text()) if found.exists() else None)

    return run


def said(ended: Ended) -> str:
    """Return what stands on standard error in one line, however it was broken."""
    return " ".join(ended.err.split())


@pytest.mark.slow
def test_a_training_that_learns_is_left_alone(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    ended = diagnose("train.py", "--json", "-", "-m", "--help")
    assert ended.status == 0, ended.err
    assert ended.out == "steps 64 arguments ['--json', '-', '-m', '--help']\n"  # the script's alone, and all of it
    assert ended.found is not None
    assert (ended.found["schema"], ended.found["healthy"], ended.found["steps"]) == (1, True, 64)
    assert ended.found["overhead"] > 0
    assert "train.py ran to its end after 64 steps" in said(ended)
    assert "nothing was found that keeps it from learning" in said(ended)


def test_a_cause_is_told_with_its_figures_and_written(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    ended = diagnose("train.py", SCALE="3000")
    assert ended.status == 0
    assert ended.found is not None
    assert not ended.found["healthy"]
    found = {finding["cause"]: finding for finding in ended.found["findings"]}
    assert all({*finding} == {field.name for field in fields(Finding)} for finding in found.values())
    scale = found["input-scale"]
    assert scale["severity"] != "info"
    assert "input-scale" in said(ended)
    assert scale["evidence"][0]["measure"] in said(ended)
    assert scale["evidence"][0]["source"] in said(ended)


def test_a_script_that_runs_forever_is_ended_after_so_many_steps(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    ended = diagnose("--steps", "25", "train.py", STEPS="1000000000")
    assert (ended.status, ended.out) == (0, "")
    assert ended.found is not None
    assert ended.found["steps"] == 25
    assert "too-few-epochs" not in [finding["cause"] for finding in ended.found["findings"]]  # nobody chose this end
    assert "was ended as asked after 25 steps" in said(ended)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "status", "word"),
    [
        ("sys.exit(7)", 7, "ended itself with status 7 after 64 steps"),
        ("sys.exit('no more')", 1, "ended itself with status 1 after 64 steps"),
        ("raise ValueError('odd')", 1, "ended with ValueError, status 1 after 64 steps"),
        ("os._exit(9)", 9, "quit with status 9 after 64 steps"),
        ("os.kill(os.getpid(), 15)", -15, "was ended by a signal after 64 steps"),
        ("os.kill(os.getpid(), 2)", 130, "was stopped by Ctrl-C after 64 steps"),
    ],
)  # fmt: skip
def test_every_end_is_told_and_the_findings_written(
    tmp_path: Path, diagnose: Diagnose, last: str, status: int, word: str
) -> None:
    (tmp_path / "train.py").write_text(f"{TRAINS}\n{last}\n")
    ended = diagnose("train.py")
    assert ended.status == status
    assert word in said(ended)
    assert ended.found is not None
    assert ended.found["steps"] == 64


def test_a_script_without_a_training_is_told_so(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text("print('nothing of torch')")
    ended = diagnose("train.py")
    assert (ended.status, ended.out) == (0, "nothing of torch\n")
    assert "no training with PyTorch was seen" in said(ended)
    assert ended.found is not None
    assert (ended.found["steps"], ended.found["findings"]) == (0, [])


def test_a_script_that_cannot_be_read_is_told_as_python_tells_it(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text("import torch\nx = (1,\ny = 2\n")
    plain = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    ended = diagnose("train.py")
    assert ended.status == plain.returncode == 1
    assert ended.err.startswith(plain.stderr)


RAISES = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 1))
    def forward(self, x):
        return self.inner(x)
net = Net()
def train():
    nn.functional.mse_loss(net(torch.randn(2, 4)), torch.zeros(2, 1)).backward()
try:
    nn.functional.cross_entropy(torch.zeros(2, 3), torch.zeros(2, 4))
except RuntimeError as error:
    try:
        train()
    except RuntimeError as other:
        raise ValueError("both") from other
"""


@pytest.mark.slow
def test_a_traceback_through_torch_is_what_python_prints(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text(RAISES)
    plain = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert plain.stderr.count("_call_impl") > 3
    ended = diagnose("train.py")
    assert ended.status == plain.returncode == 1
    assert ended.err.startswith(plain.stderr + "diagnosis")


WORKERS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
x = torch.randn(64, 4)
net = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for method in ("fork", "spawn"):
    for x_B, y_B in DataLoader(TensorDataset(x, x[:, :1]), 16, num_workers=2, multiprocessing_context=method):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x_B), y_B).backward()
        optimizer.step()
    print(method)
"""


@pytest.mark.slow
@pytest.mark.parametrize("guard", [False, True], ids=["without a guard", "with a guard"])
def test_workers_do_what_they_do_without_us(tmp_path: Path, diagnose: Diagnose, guard: bool) -> None:
    lines = WORKERS.splitlines()
    source = WORKERS.replace('("fork", "spawn")', '("fork",)')
    if guard:
        at = lines.index('for method in ("fork", "spawn"):')
        source = "\n".join([*lines[:at], "if __name__ == '__main__':", *("    " + line for line in lines[at:])])
    (tmp_path / "train.py").write_text(source)
    ended = diagnose("train.py")
    assert ended.status == 0, ended.err
    assert ended.out == ("fork\nspawn\n" if guard else "fork\n")
    assert ended.err.count("diagnosis ") == 1
    assert ended.found is not None
    assert ended.found["steps"] == (8 if guard else 4)


def test_the_findings_stay_where_they_were_asked_for(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "train.py").write_text(
        "import os, sys\nos.chdir('elsewhere')\nsys.stderr = open('log', 'w')\n" + TRAINS
    )
    ended = diagnose("train.py")
    assert ended.found is not None
    assert "ran to its end" in said(ended)
    assert (tmp_path / "elsewhere" / "log").read_text() == ""


@pytest.mark.slow
def test_a_module_is_diagnosed(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "train.py").write_text(TRAINS)
    ended = diagnose("-m", "package.train", "--x")
    assert (ended.status, ended.out) == (0, "steps 64 arguments ['--x']\n")
    assert ended.found is not None


@pytest.mark.slow
def test_nothing_is_printed_where_that_is_asked(tmp_path: Path, diagnose: Diagnose) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    ended = diagnose("--quiet", "train.py")
    assert ended.err == ""
    assert ended.found is not None


ASKED = {
    "--steps 100 train.py --epochs 3 -v": DiagnoseOptions(
        script="train.py", arguments=("--epochs", "3", "-v"), steps=100
    ),
    "-m package.module --x": DiagnoseOptions(script="package.module", arguments=("--x",), module=True),
    "--module --prove package": DiagnoseOptions(script="package", module=True, prove=True),
    "--json=f.json train.py -- --json - -m": DiagnoseOptions(
        script="train.py", arguments=("--", "--json", "-", "-m"), json="f.json"
    ),
    "train.py --help --version": DiagnoseOptions(script="train.py", arguments=("--help", "--version")),
    "-- -odd.py --steps 3": DiagnoseOptions(script="-odd.py", arguments=("--steps", "3")),
}


@pytest.mark.parametrize("line", ASKED)
def test_everything_after_the_script_is_the_scripts(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    asked: list[DiagnoseOptions] = []

    def command(options: DiagnoseOptions, console: object) -> Outcome:
        asked.append(options)
        return Outcome({}, 42)

    monkeypatch.setitem(cli.VERBS, "diagnose", (DiagnoseOptions, command))
    for tokens in (line.split(), command_line("diagnose", ASKED[line]).split()[2:]):
        if tokens[0] != "-odd.py":  # as a shell command such a name needs its `--`
            with pytest.raises(SystemExit) as exit_:
                cli.main(["diagnose", *tokens])
            assert exit_.value.code == 42
    assert set(asked) == {ASKED[line]}


REFUSED = {
    "": "there is nothing to diagnose",
    "--json - train.py": "standard output: that is the script's",
    "--json nowhere/f.json train.py": "cannot be written",
    "trian.py": "did you mean 'train.py'?",
    "--stepz 3 train.py": "did you mean '--steps'?",
    "--steps 0 train.py": "at least 1",
    "--steps": "requires an argument",
    "-m nothing_of_this_name": "there is no module 'nothing_of_this_name'",
    "folder": "a folder",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_mistake_is_refused_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("raise RuntimeError('was run')")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SystemExit) as exit_:
        cli.main(["diagnose", *line.split()])
    assert exit_.value.code == 2
    assert REFUSED[line] in capsys.readouterr().err


@pytest.mark.slow
def test_the_python_twin_returns_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(pellucid.__file__).parents[1]))
    (tmp_path / "train.py").write_text(TRAINS)
    found = pellucid.diagnose(tmp_path / "train.py", ["--lr", "3"], steps=20, quiet=True)
    assert found.steps == 20
    assert capfd.readouterr() == ("", "")
    (tmp_path / "dies.py").write_text("import os\nos.kill(os.getpid(), 9)")
    with pytest.raises(RunError, match="exit status -9"):
        pellucid.diagnose("dies.py", json="f.json")
    with pytest.raises(OptionError, match=r"did you mean 'train\.py'"):
        pellucid.diagnose("trian.py")
    with pytest.raises(OptionError, match=r"there is no option 'step'"):
        pellucid.diagnose("train.py", step=3)


def test_a_run_folder_is_diagnosed_once_and_read_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = pellucid.train("iris", epochs=3, quiet=True, no_diagnosis=True)
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    def run_command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as exit_:
            cli.main(["diagnose", *arguments])
        captured = capsys.readouterr()
        assert exit_.value.code == (2 if "error" in captured.err else 0)
        return " ".join((captured.out + captured.err).split())

    first = run_command(str(run.folder))
    kept = json.loads((run.folder / "findings.json").read_text())
    assert f"trained again for {kept['steps']} steps" in first
    assert kept["steps"] >= max(epoch.step for epoch in run.record.epochs)
    assert f"as it was trained, {kept['steps']} steps" in run_command(str(run.folder))
    assert "trained again for 2 steps" in run_command("--steps", "2", "--json", "f.json", str(run.folder))
    assert json.loads((tmp_path / "f.json").read_text())["steps"] == 2
    assert "takes no arguments" in run_command(str(run.folder), "--epochs")
    assert [finding.cause for finding in run.findings] == [finding["cause"] for finding in kept["findings"]]
    (run.folder / "findings.json").unlink()
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_what_is_proven_is_told_as_the_change_that_it_is(diagnose: Diagnose, tmp_path: Path) -> None:
    text = TRAINS.replace('float(os.environ.get("RATE", 0.05))', "1e-5")
    (tmp_path / "train.py").write_text(text.replace("nn.ReLU()", "nn.Identity()"))
    ended = diagnose("--prove", "train.py", STEPS="400", COLUMNS="100")
    assert ended.status == 0
    assert "trying     as it stands: r2 in training" in ended.err
    told = ended.err[ended.err.index("\nproved") :]
    assert "; " in told, "two remedies, of which the second mends what only the mended script may show"
    assert "- " in told, "what a replay cannot contain"
    assert ended.found is not None
    whole = ended.found["findings"][0]["remedies"][0]
    assert whole["proof"]["after"] > whole["proof"]["before"] + 0.5
    assert any("lr=1e-5" in (change["old"] or "") for change in whole["change"]["changes"])
    shown = ended.err[: ended.err.index("\nproved")]
    assert "- optimizer = torch.optim.SGD(net.parameters(), lr=1e-5)" in shown
    assert (tmp_path / "train.py").read_text().count("lr=1e-5") == 1, "the script itself is left as it is"
