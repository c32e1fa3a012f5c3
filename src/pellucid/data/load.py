"""`pellucid.load`: whatever the source is, find who reads it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from pellucid.data import paths
from pellucid.data.arrays.arrays import from_arrays, from_inputs, load_npz
from pellucid.data.arrays.torch_datasets import load_torch_data
from pellucid.data.dataset import WITHOUT_TARGET, Dataset
from pellucid.data.images.images import load_images
from pellucid.data.images.masks import holds_masks, load_masked
from pellucid.data.images.pixels import ENDINGS as IMAGE_ENDINGS
from pellucid.data.named.archives import ARCHIVES
from pellucid.data.named.builtin import BUILTINS
from pellucid.data.series import timeline
from pellucid.data.series.series import load_series
from pellucid.data.tables import frames
from pellucid.data.tables.table import load_table
from pellucid.data.texts.text import load_text, load_texts
from pellucid.data.texts.tokens import ENDINGS as TEXT_ENDINGS
from pellucid.data.unlabelled import as_stored, without_target
from pellucid.errors import DataError, OptionError, nearest
from pellucid.options import flat_values, from_keywords
from pellucid.recipe import DataOptions


def load(source: object, options: DataOptions | None = None, **keywords: Any) -> Dataset:
    """Load data, split it and fit its preprocessing on the training split.

    Args:
        source: the name of a built-in or downloadable data set; a CSV, TSV, Parquet, Arrow, `.npz` or text file; a
            folder of images by class, of images and their masks, or of texts by class; a polars, pandas or Arrow
            frame; a pair `(X, y)` of arrays, tensors or lists, or of a frame and a column; a torch Dataset, map-style
            or iterable, or a DataLoader; or a `Dataset`, which is returned as it is. With `task` reconstruction,
            generation or recall no target is needed: X alone, or a folder of images in any order, will do.
        options: how to read and split it, as one object.
        keywords: the same by name, such as `target="churned"`; they win over `options`.

    Raises:
        DataError: the source cannot be found, read or used; it says what to do.
        OptionError: an unknown keyword, or a value that does not fit.

    >>> load("iris")
    <Dataset iris: 90 train, 30 validation, 30 test; input 4; 3 classes>
    """
    if isinstance(source, Dataset):
        if options is not None or keywords:
            raise DataError(
                "a Dataset is split and prepared already",
                expected="no options beside it",
                received=", ".join(keywords) or "options",
                advice="pass the original source with these options",
            )
        return source
    given = {} if options is None else flat_values(options)
    options = from_keywords(DataOptions, given | _as_options(keywords))
    with paths.naming(source if isinstance(source, str | Path) else "the data"):
        data = _read(source, as_stored(options))
        if options.task in WITHOUT_TARGET:
            data = without_target(data, options)
    _refuse_idle(options, data.preprocessing.kind)
    return dataclasses.replace(data, source=dataclasses.replace(data.source, options=flat_values(options)))


# what each kind of data obeys, beside the split, its seed and the task
_OBEYED = {
    "table": {"target", "test", "group", "time", "ignore", "numbers"},
    "series": {"target", "time", "ignore", "window", "horizon"},
    "image": {"size"},
    "text": {"length", "level"},
    "text-lines": {"length", "level", "duplicates"},
    "array": set[str](),
}


def _refuse_idle(options: DataOptions, kind: str) -> None:
    """Refuse options that were given and say nothing to this kind of data, rather than ignore them."""
    usual = flat_values(DataOptions())
    given = [name for name, value in flat_values(options).items() if value != usual[name]]
    obeyed = _OBEYED[kind] | {"split", "split_seed", "task"}
    idle = [name for name in given if name not in obeyed]
    if idle:
        raise OptionError(
            f"'{idle[0]}' does not apply to this data, which was read as {kind}",
            expected="options of it: " + ", ".join(sorted(obeyed)),
            received=", ".join(idle),
        )


def _as_options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords as the options' types: paths as text, one name or a list of names to ignore as a tuple."""
    values = {name: str(value) if isinstance(value, Path) else value for name, value in keywords.items()}
    ignore = values.get("ignore")
    if isinstance(ignore, str | list):
        values["ignore"] = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    return values


def _read(source: object, options: DataOptions) -> Dataset:
    match source:
        case str() | Path():
            return _read_named(source, options)
        case (inputs, targets) if frames.is_frame(inputs):
            table, name = frames.with_target(inputs, targets)
            return _read_table(table, dataclasses.replace(options, target=name))
        case (inputs, targets):
            return from_arrays("arrays", inputs, targets, options)
        case np.ndarray() | Tensor() if options.task in WITHOUT_TARGET:
            return from_inputs("arrays", source, options)
        case TorchDataset() | DataLoader():
            return load_torch_data(source, options)
        case np.ndarray() | Tensor():
            raise DataError(
                "inputs alone cannot be learned from",
                expected="a pair (X, y)",
                received=f"one {type(source).__name__} of shape {tuple(source.shape)}",
                advice="pass load((X, y)); to learn from the inputs alone, pass task='reconstruction'",
            )
    if frames.is_frame(source):
        return _read_table(source, options)
    raise DataError(
        f"a {type(source).__name__} cannot be loaded",
        expected="a name, a path, a frame, a pair (X, y), a torch Dataset or a DataLoader",
        received=repr(source)[:80],
    )


def _read_named(source: str | Path, options: DataOptions) -> Dataset:
    names = {**BUILTINS, **ARCHIVES}
    if not str(source).strip():
        raise DataError("there is no data to load", expected="a name or a path", received="an empty text")
    by_name = str(source).lower().replace("-", "_")
    if by_name in names:
        return names[by_name](options)
    if "://" in str(source):
        raise DataError(
            "data is read from files, not from addresses",
            expected="a file, a folder or a name",
            received=str(source),
            advice="download it first, and give the file",
        )
    path = Path(source).expanduser()
    if path.is_dir():
        return _read_folder(path, options)
    if path.is_file():
        return _read_file(path, options)
    raise _not_found(path, names)


def _read_file(path: Path, options: DataOptions) -> Dataset:
    if frames.is_table_file(path):
        return _read_table(path, options)
    match path.suffix.lower():
        case ".npz":
            return load_npz(path, options)
        case ".npy" if options.task in WITHOUT_TARGET:
            return load_npz(path, options)
        case suffix if suffix in TEXT_ENDINGS:
            return load_text(path, options)
        case suffix if suffix in IMAGE_ENDINGS:
            raise DataError(
                "one image is no data set",
                expected="a folder of images, one folder a class: folder/cat/1.png, folder/dog/2.png",
                received=str(path),
            )
    raise DataError(
        f"{path.name} is of a kind that cannot be read",
        expected="one of " + ", ".join((*frames.FILE_ENDINGS, ".npz", *TEXT_ENDINGS)) + " (tables also .gz, .bz2, .xz)",
        received=path.suffix or "no ending",
        advice="save inputs and targets together: numpy.savez(path, x=X, y=y)"
        if path.suffix.lower() == ".npy"
        else "save a table as CSV or Parquet; images go into a folder, one folder a class",
    )


def _read_folder(folder: Path, options: DataOptions) -> Dataset:
    if frames.is_table_file(folder) or folder.suffix.lower() in (".npz", *TEXT_ENDINGS):
        paths.require_file(folder, f"a {folder.suffix.lower()} file")
    if options.task != "classification" and holds_masks(folder):
        return load_masked(folder, options)
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    if any(file.suffix.lower() == ".txt" for file in files) and not any(map(_is_image, files)):
        return load_texts(folder, options)
    tables = sorted(file.name for file in files if frames.is_table_file(file) or file.suffix == ".npz")
    if tables and not any(_is_image(file) for file in folder.rglob("*")):
        raise DataError(
            f"{folder} is a folder of tables",
            expected="one table, or a folder of images or texts",
            received=", ".join(tables[:8]),
            advice=f"name the table: {folder / tables[0]}",
        )
    return load_images(folder, options)


def _read_table(source: object, options: DataOptions) -> Dataset:
    frame = frames.read(source, ignore=options.ignore)
    asked = options.task == "forecast" or (options.task is None and options.window is not None)
    if options.task in WITHOUT_TARGET:
        return load_table(source, options, frame=frame)
    if asked or timeline.is_plain_series(frame.columns, options):
        return load_series(source, options, frame=frame)
    return load_table(source, options, frame=frame)


def _not_found(path: Path, names: Mapping[str, object]) -> DataError:
    if len(path.parts) > 1 or path.suffix or path.is_symlink():
        return paths.missing(path, "a file or a folder, or the name of a built-in data set")
    return DataError(
        f"there is no data set and no file '{path}'",
        expected="a file or folder, or one of " + ", ".join(names),
        received=str(path),
        advice=nearest(str(path), [*names, *sorted(file.name for file in Path().iterdir())]),
    )


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_ENDINGS
