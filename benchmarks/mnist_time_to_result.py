"""MNIST: from the command to 99 % of the test images.

Each side is one whole process with one thread, from its start through its imports and its training to the accuracy on
the 10,000 test images. The peers are PyTorch's own example and Keras's own (on JAX), as their pages have them, but that
they are judged on the test images after each epoch and end as soon as 99 % are right. pellucid trains

    pellucid train mnist --network NETWORK --epochs 3

with the network of two convolutions that stands in this file, which is smaller than theirs and was chosen for this; it
holds a ninth of the training images back to choose the best epoch by, is judged on the test images once, and writes its
record and its report. One run of each, where nothing else is said.

    python -m benchmarks.mnist_time_to_result [ROUNDS]
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import numpy as np

import pellucid
from benchmarks.measure import lines_of, run_process, table
from pellucid.files import to_json_line

RESULTS = Path(__file__).parent / "results" / "mnist_time_to_result.jsonl"
PEERS = Path(__file__).parent / "peers"
NETWORK = (
    "28x28x1 -> conv(16, 5x5, padding=2, bias=no) -> maxpool(2x2) -> batchnorm -> relu"
    " -> conv(32, 5x5, padding=2, bias=no) -> maxpool(2x2) -> batchnorm -> relu -> fc(10)"
)
OURS = ["train", "mnist", "--network", NETWORK, "--epochs", "3"]


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = []
    for side in dict.fromkeys(line["side"] for line in lines):
        runs = [line for line in lines if line["side"] == side]
        figures = {name: median(run[name] for run in runs) for name in ("wall", "cpu")}
        accuracies = ", ".join(f"{run['accuracy']:.2%}" for run in runs)
        epochs = ", ".join(str(run["epochs"]) for run in runs)
        rows.append([side, f"{figures['wall']:.0f}", f"{figures['cpu']:.0f}", accuracies, epochs])
    return table(["side", "wall, s", "CPU, s", "test accuracy", "epochs"], rows)


def measure(rounds: int) -> None:
    """Run every side so many times, in turn, and keep a line of each run."""
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        sides = _sides(Path(scratch))
        for _ in range(rounds):
            for side, command in sides.items():
                done = run_process(command)
                said = json.loads(done.output)
                accuracy = said["metrics"]["accuracy"] if "metrics" in said else said["accuracy"]
                lines.append(
                    {"side": side, "wall": round(done.wall_seconds, 1), "cpu": round(done.cpu_seconds, 1)}
                    | {"accuracy": accuracy, "epochs": said["epochs"]}
                )
                RESULTS.write_text("".join(map(to_json_line, lines)), encoding="utf-8")
                print(to_json_line(lines[-1]), end="", flush=True)


def _sides(folder: Path) -> Mapping[str, list[str]]:
    images = folder / "images.npz"
    data = pellucid.load("mnist")
    test = data.rows["test"]
    train = np.concatenate([data.rows["train"], data.rows["validation"]])
    pixels, labels = data.inputs.numpy()[:, 0], data.targets.numpy()
    np.savez(
        images, train_images=pixels[train], train_labels=labels[train], test_images=pixels[test],
        test_labels=labels[test],
    )  # fmt: skip
    ours = [sys.executable, "-m", "pellucid", *OURS, "--folder", str(folder / "runs"), "--json", "-"]
    return {
        "`pellucid train mnist`": ours,
        "PyTorch's example": [sys.executable, str(PEERS / "mnist_torch.py"), str(images)],
        "Keras's example, on JAX": [sys.executable, str(PEERS / "mnist_keras.py"), str(images)],
    }


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(compare())
