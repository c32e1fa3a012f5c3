"""A folder that predicts without pellucid: plain PyTorch source, weights, and the preprocessing as a short file."""

import json
import shutil
from pathlib import Path

from pellucid.errors import RunError
from pellucid.formats.exported import Exported, clear_place, standalone
from pellucid.formats.trained import Trained
from pellucid.formats.weights import as_bytes
from pellucid.networks import to_source

WEIGHTS = "weights.safetensors"

_README = """# {name}

Exported by pellucid, and independent of it: needs Python 3.11 or newer, torch, safetensors and numpy{pillow}.

    python predict.py INPUT

prints a line of JSON for each input. From Python, in this folder:

    import network, predict
    model = network.load()              # a torch.nn.Module with its weights, in evaluation mode
    predictions = predict.predict(INPUT)

| file | what it holds |
|---|---|
| network.py | the network: {arrows} |
| weights.safetensors | its weights |
| preprocessing.json | what happens to an input before the network sees it, and what its outputs mean |
| preprocessing.py | does what preprocessing.json says |
| predict.py | the three together |
"""


def write_python(trained: Trained, target: Path) -> Exported:
    """Write the folder.

    Raises:
        RunError: a module of the user's own has no arrows to write source from; or something is in the way.
    """
    with clear_place(target) as place:
        folder = place / target.name
        write_parts(trained, folder)
        pillow = ", and Pillow for the images" if trained.preprocessing.kind == "image" else ""
        readme = _README.format(name=trained.name, pillow=pillow, arrows=f"`{trained.plan}`")
        (folder / "README.md").write_text(readme, encoding="utf-8")
    return Exported(target, tuple(sorted(target.iterdir())), f"python {target}/predict.py INPUT")


def write_parts(trained: Trained, folder: Path, weights: str = WEIGHTS) -> None:
    """Write into a new folder the source, the weights, the preprocessing, and what predicts with them.

    Raises:
        RunError: a module of the user's own has no arrows to write source from.
    """
    if trained.plan is None:
        raise RunError(
            "a module of your own has no arrows to write Python source from",
            expected="a network of pellucid's",
            received=type(trained.network).__name__,
            advice="export --to pt2 or --to onnx, which trace the module",
        )
    kind = trained.preprocessing.kind
    folder.mkdir(parents=True)
    source = to_source(trained.plan, loader=True).replace(f'"{WEIGHTS}"', f'"{weights}"')
    (folder / "network.py").write_text(source, encoding="utf-8")
    (folder / weights).write_bytes(as_bytes(trained))
    described = json.dumps(trained.described, indent=2, ensure_ascii=False) + "\n"
    (folder / "preprocessing.json").write_text(described, encoding="utf-8")
    shutil.copyfile(standalone(kind), folder / "preprocessing.py")
    shutil.copyfile(standalone(kind).with_name("predict.py"), folder / "predict.py")
