"""A folder of images and one of masks: the class of every pixel read off palettes, grey values or colours.

Shape letters: N images, H height, W width, K classes.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pellucid.data import cache, masks
from pellucid.data.dataset import Dataset, Masks, Samples, Source, SplitName
from pellucid.data.images import decoding, images, pixels
from pellucid.data.images import files as image_files
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

_IMAGES, _MASKS, _NAMES = "images", "masks", "classes.txt"
_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})\b")
_THREADS = 4
_FORM = 1  # raise when the reading changes, so that caches built by the old one are not used
_MOST_NAMED = 5

Values = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Pair:
    """An image and its mask, and the split whose folder they lie in."""

    image: Path
    mask: Path
    split: SplitName | None


def holds_masks(folder: Path) -> bool:
    """Say whether a folder holds `images/` and `masks/`, or its folders train, val and test do."""
    if not folder.is_dir():
        return False
    splits = [inner for inner, split in image_files.split_folders(folder) if split is not None]
    roots = [folder, *splits]
    return any((root / _IMAGES).is_dir() and (root / _MASKS).is_dir() for root in roots)


def load_masked(folder: Path, options: DataOptions) -> Dataset:
    """Load `folder/images/a.jpg` with `folder/masks/a.png`, each pixel of which tells a class.

    A mask is grey or has a palette, and its values are the classes; or it has colours, each of which is one.
    `folder/classes.txt` names them, one a line, class 0 first, or `tree #00ff00` where masks have colours. Images and
    masks are brought to one size, masks by their nearest pixel. Above the two folders may stand train, val and test.

    Raises:
        DataError: an image without a mask or the other way round, sizes that differ, a value that is no class's.
    """
    pairs = _pairs(folder)
    paths = [pair.image for pair in pairs]
    height, width, notes = decoding.choose_size(paths, options.size)
    decoded = decoding.decode(paths, height, width, None)
    kept = [pairs[place] for place in decoded.kept]
    stored_NHW, names, digest = _decoded(folder, kept, height, width)
    target = masks.of_classes(names)
    rows = images.given_rows([pair.split for pair in kept], torch.zeros(len(kept), dtype=torch.int64), options)
    sha256 = hashlib.sha256((decoded.sha256 + digest).encode()).hexdigest()
    return images.from_pictures(
        folder.resolve().name,
        decoded.stored,
        stored_NHW,
        target,
        rows,
        Source("images", str(folder.resolve()), sha256),
        (*notes, *decoding.refused_note(decoded.refused), *masks.absent_note(stored_NHW, target, rows["train"])),
    )


def read_masked(folder: Path, preprocessing: images.ImagePreprocessing, target: Masks) -> Samples:
    """Read new images and their masks, to judge a network on; its classes are those that it learned.

    Raises:
        DataError: as `load_masked`, or classes that the network did not learn.
    """
    pairs = _pairs(folder)
    height, width = preprocessing.height, preprocessing.width
    decoded = decoding.decode_new([pair.image for pair in pairs], height, width, preprocessing.channels)
    kept = [pairs[place] for place in decoded.kept]
    stored_NHW, names, _ = _decoded(folder, kept, height, width)
    unknown = [name for name in names if name not in target.names]
    if unknown:
        raise DataError(
            "there are classes that the network did not learn",
            expected=", ".join(target.names[:12]),
            received=", ".join(unknown[:12]),
        )
    learned_K = torch.tensor([target.names.index(name) for name in names], dtype=torch.uint8)
    names_N = [str(pair.image.relative_to(folder)) for pair in kept]
    notes = decoding.refused_note(decoded.refused)
    return Samples(decoded.stored, names_N, learned_K[stored_NHW.long()], notes)


def read_values(path: Path) -> tuple[Values, bool]:
    """Return a mask's values (H, W), and whether they are colours: 65536 red + 256 green + blue.

    Raises:
        DataError: the file cannot be read, or its pixels are neither whole numbers nor colours.
    """
    try:
        with Image.open(path) as image:
            array = np.asarray(image)
            mode = image.mode
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise DataError(f"the mask {path} cannot be read", expected="a PNG file", received=str(error)) from error
    if mode in ("RGB", "RGBA", "RGBX"):
        return array[..., :3].astype(np.int64) @ np.array([65536, 256, 1]), True
    if array.ndim == 3:  # grey or a palette, and transparency
        array = array[..., 0]
    if array.dtype.kind not in "bui":
        raise DataError(
            f"the mask {path} holds no classes",
            expected="whole numbers or colours",
            received=f"an image of mode {mode}",
        )
    return array.astype(np.int64), False


def _pairs(folder: Path) -> tuple[_Pair, ...]:
    """Return the images with their masks, in the order of their names.

    Raises:
        DataError: an image without a mask or the other way round, a mask that is a JPEG or of another size.
    """
    tops = image_files.split_folders(folder)
    named = bool(tops) and all(split is not None for _, split in tops)
    found: list[_Pair] = []
    for root, split in tops if named else [(folder, None)]:
        pictures, drawn = (_by_stem(root / part) for part in (_IMAGES, _MASKS))
        for kind, other, stems in (
            ("image", "mask", sorted(pictures.keys() - drawn.keys())),
            ("mask", "image", sorted(drawn.keys() - pictures.keys())),
        ):
            if stems:
                raise DataError(
                    f"{len(stems):,} {kind}{'s' * (len(stems) != 1)} in {root} without {other}",
                    expected=f"{root / _IMAGES}/name.jpg and {root / _MASKS}/name.png, of one name",
                    received=f"no {other} for {', '.join(stems[:_MOST_NAMED])}",
                    advice=f"add the {other}, or take the {kind} away",
                )
        found += [_Pair(pictures[stem], drawn[stem], split) for stem in pictures]
    if not found:
        raise DataError(f"there are no images in {folder / _IMAGES}", expected="images and their masks")
    lossy = next((pair.mask for pair in found if pair.mask.suffix.lower() in _LOSSY), None)
    if lossy is not None:
        raise DataError(
            f"the mask {lossy} is a JPEG, which changes values at every edge", expected="PNG", received=lossy.suffix
        )
    _refuse_other_sizes(found)
    return tuple(found)


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their name in it without its ending."""
    if not folder.is_dir():
        raise DataError(f"{folder} is missing", expected=f"a folder {_IMAGES} and a folder {_MASKS} beside each other")
    files = sorted(file for file in folder.rglob("*") if image_files.is_image(file))
    found: dict[str, Path] = {}
    for file in files:
        stem = file.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            raise DataError(
                "two files have one name but for the ending", received=f"{found[stem]} and {file}",
                expected="one image and one mask of a name",
            )  # fmt: skip
        found[stem] = file
    return found


def _refuse_other_sizes(pairs: Sequence[_Pair]) -> None:
    """Refuse a mask that is not as high and wide as its image."""
    with pixels.strict_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        for pair, sizes in zip(pairs, pool.map(_sizes, pairs), strict=True):
            if sizes is not None and sizes[0] != sizes[1]:
                raise DataError(
                    f"the mask {pair.mask} has another size than its image",
                    expected=f"{sizes[0][0]}x{sizes[0][1]}, as {pair.image.name}",
                    received=f"{sizes[1][0]}x{sizes[1][1]}",
                )


def _sizes(pair: _Pair) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the sizes of an image and its mask; None where one cannot be read, which is told later."""
    try:
        return pixels.read_size(pair.image), pixels.read_size(pair.mask)
    except pixels.UnreadableImageError:
        return None


def _named(folder: Path) -> tuple[str, ...] | None:
    """Return the lines of classes.txt, None where there is none."""
    path = folder / _NAMES
    if not path.is_file():
        return None
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    return tuple(line for line in lines if line)


def _decoded(folder: Path, pairs: Sequence[_Pair], height: int, width: int) -> tuple[Tensor, tuple[str, ...], str]:
    """Return the masks as class indices, uint8 (N, H, W), the classes' names, and a digest of both."""
    files, lines = [pair.mask for pair in pairs], _named(folder)
    key = cache.listing_key(files, _FORM, height, width, lines)

    def build(folder: Path) -> dict[str, Any]:
        cache.require_room(len(files) * height * width)
        classes = _classes(files, lines)
        chunks = (_shrunk(_indices(path, classes), height, width)[None] for path in files)
        digest = cache.write_npy(folder / "masks.npy", (height, width), chunks, np.uint8)
        return {"names": list(classes.values()), "sha256": digest}

    folder, document = cache.build_once("masks", key, build)
    names = tuple(document["names"])
    return cache.map_npy(folder / "masks.npy"), names, document["sha256"] + repr(names)


def _classes(files: Sequence[Path], lines: tuple[str, ...] | None) -> Mapping[int, str]:
    """Return what each value of a mask stands for, the classes in their order.

    Raises:
        DataError: masks of two makes, more values than classes can be told apart, or one that classes.txt lacks.
    """
    first_with: dict[int, Path] = {}
    coloured: dict[bool, Path] = {}
    for path in files:
        values, colours = read_values(path)
        coloured.setdefault(colours, path)
        for value in np.unique(values).tolist():
            first_with.setdefault(value, path)
    if len(coloured) > 1:
        raise DataError(
            "some masks have colours and others values",
            expected="masks of one make",
            received=f"colours in {coloured[True].name}, values in {coloured[False].name}",
        )
    if len(first_with) > masks.MOST_CLASSES:
        raise DataError(
            "the masks hold too many values to be classes",
            expected=f"at most {masks.MOST_CLASSES} different ones",
            received=f"{len(first_with):,}",
            advice="were they resized with smoothing, or saved as JPEG? Save class indices as PNG",
        )
    is_coloured = True in coloured
    if lines is None:
        return {value: f"#{value:06x}" if is_coloured else str(value) for value in sorted(first_with)}
    known = _colours_of(lines) if is_coloured else dict(enumerate(lines))
    unknown = sorted(first_with.keys() - known.keys())
    if unknown:
        said = ", ".join(f"#{value:06x}" if is_coloured else str(value) for value in unknown[:_MOST_NAMED])
        raise DataError(
            f"the mask {first_with[unknown[0]]} holds a value that is no class's",
            expected="a colour of classes.txt" if is_coloured else f"0 to {len(lines) - 1}, as classes.txt has lines",
            received=said,
            advice=f"name every class in {_NAMES}, class 0 first",
        )
    return known


def _colours_of(lines: tuple[str, ...]) -> Mapping[int, str]:
    """Return the name of each colour, of lines such as `tree #00ff00`."""
    known: dict[int, str] = {}
    for line in lines:
        colour = _COLOUR.search(line)
        if colour is None:
            raise DataError(
                f"{_NAMES} names no colour for '{line}'",
                expected="a colour behind each name, such as tree #00ff00, as the masks have colours",
                received=line,
            )
        known[int(colour[1], 16)] = _COLOUR.sub("", line).strip(" ,;:\t") or colour[0]
    return known


def _indices(path: Path, classes: Mapping[int, str]) -> NDArray[np.uint8]:
    """Return the class of each pixel of a mask, whose values are known to be among the classes."""
    values, _ = read_values(path)
    known = np.array(list(classes), np.int64)
    order: Values = known.argsort()
    places: Values = order[np.searchsorted(known[order], values)]
    return places.astype(np.uint8)


def _shrunk(indices_HW: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return a mask at another size, each pixel that of the nearest place."""
    rows, columns = (
        ((np.arange(size) + 0.5) * own / size).astype(int)
        for size, own in zip((height, width), indices_HW.shape, strict=True)
    )
    nearest: NDArray[np.uint8] = indices_HW[rows[:, None], columns]
    return nearest
