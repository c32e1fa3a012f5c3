"""A folder of image files as a listing: which file is of which class, and of which split where the folders say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.data.dataset import SplitName
from pellucid.data.images.pixels import ENDINGS
from pellucid.data.paths import missing
from pellucid.errors import DataError

_SPLIT_FOLDERS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The image files of a folder.

    Attributes:
        paths: the files, in the order of their names.
        labels: the class of each, an index into `classes`.
        splits: the split whose folder each lies in, None where the folders name no splits.
        classes: names of the classes.
        notes: what was left out.
    """

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    splits: tuple[SplitName | None, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find(folder: Path) -> ImageFiles:
    """List `folder/<class>/**/image.png`, or `folder/train|val|test/<class>/**/image.png`.

    Raises:
        DataError: no folder, no images, no class folders, or only one class.
    """
    if folder.is_file():
        raise DataError(
            f"{folder} is not a folder", expected="a folder that holds one folder a class", received="a file"
        )
    if not folder.is_dir():
        raise missing(folder, "a folder that holds one folder a class")
    tops = _folders(folder)
    split_of_top = {top: _SPLIT_FOLDERS.get(top.name.lower()) for top in tops}
    named_splits = bool(tops) and all(split_of_top.values())
    found: list[tuple[Path, str, SplitName | None]] = []
    loose = other = links = 0
    for root in tops if named_splits else [folder]:
        split = split_of_top[root] if named_splits else None
        loose += sum(is_image(file) for file in root.iterdir())
        for class_folder in _folders(root):
            files, broken = _files(class_folder)
            links += broken
            images = [file for file in files if is_image(file)]
            other += len(files) - len(images)
            found += [(file, class_folder.name, split) for file in images]
    classes = _in_order({name for _, name, _ in found})
    _check_classes(folder, classes, loose)
    if named_splits and "train" not in split_of_top.values():
        raise DataError(f"{folder} has no folder to train on", expected=f"{folder}/train/<class>/image.png")
    notes = _left_out_notes(loose, other, links)
    return ImageFiles(
        tuple(path for path, _, _ in found),
        tuple(classes.index(name) for _, name, _ in found),
        tuple(split for _, _, split in found),
        tuple(classes),
        notes,
    )


def find_unlabelled(folder: Path) -> ImageFiles:
    """List every image of a folder, or of its folders train, val and test; those inside it stand for no classes.

    Raises:
        DataError: no folder, or no images.
    """
    if not folder.is_dir():
        raise missing(folder, "a folder of images")
    tops = split_folders(folder)
    named_splits = bool(tops) and all(split is not None for _, split in tops)
    found: list[tuple[Path, SplitName | None]] = []
    other = links = 0
    for root, split in tops if named_splits else [(folder, None)]:
        files, broken = _files(root)
        images = [file for file in files if is_image(file)]
        links, other = links + broken, other + len(files) - len(images)
        found += [(file, split) for file in images]
    if not found:
        raise _no_images(folder, "put images into it, side by side or in folders")
    if named_splits and "train" not in {split for _, split in tops}:
        raise DataError(f"{folder} has no folder to train on", expected=f"{folder}/train/image.png")
    return ImageFiles(
        tuple(path for path, _ in found),
        (0,) * len(found),
        tuple(split for _, split in found),
        ("",),
        _left_out_notes(0, other, links),
    )


def with_test(listing: ImageFiles, folder: Path) -> ImageFiles:
    """Return the listing with the images of another folder as its test split.

    Raises:
        DataError: the listing has test images already, or the other folder has other classes.
    """
    if "test" in listing.splits:
        raise DataError(f"the data has a test folder already; {folder} cannot be its test split too")
    other = find(folder)
    unknown = sorted(set(other.classes) - set(listing.classes))
    if unknown:
        raise DataError(
            f"{folder} has classes that are not among those to train on",
            expected="classes among " + ", ".join(listing.classes),
            received=", ".join(unknown),
        )
    of_test: SplitName = "test"
    return ImageFiles(
        listing.paths + other.paths,
        listing.labels + tuple(listing.classes.index(other.classes[label]) for label in other.labels),
        # files that are in no split's folder are divided between training and validation
        listing.splits + (of_test,) * len(other.paths),
        listing.classes,
        listing.notes + other.notes,
    )


def find_new(source: Path, classes: Sequence[str]) -> tuple[list[Path], list[int] | None]:
    """List the images of a file or a folder to predict on, and their classes where they lie in folders of these names.

    Raises:
        DataError: nothing there.
    """
    if source.is_file():
        return [source], None
    if not source.is_dir():
        raise missing(source, "an image or a folder of images")
    paths = [file for file in _files(source)[0] if is_image(file)]
    if not paths:
        raise DataError(
            f"there are no images in {source}", expected="files ending in " + " ".join(ENDINGS), received="none of them"
        )
    number = {name: index for index, name in enumerate(classes)}
    tops = [path.relative_to(source).parts[0] for path in paths]
    if all(len(path.relative_to(source).parts) > 1 for path in paths) and set(tops) <= number.keys():
        return paths, [number[top] for top in tops]
    return paths, None


def split_folders(folder: Path) -> list[tuple[Path, SplitName | None]]:
    """Return the folders in a folder, each with the split that its name stands for, if it does."""
    return [(top, _SPLIT_FOLDERS.get(top.name.lower())) for top in _folders(folder)]


def is_image(file: Path) -> bool:
    """Return whether the file's ending is an image's; hidden files are none."""
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()


def _folders(folder: Path) -> list[Path]:
    hidden = ("__MACOSX",)
    return sorted(
        top for top in folder.iterdir() if top.is_dir() and not top.name.startswith(".") and top.name not in hidden
    )


def _files(folder: Path) -> tuple[list[Path], int]:
    """Return all files below a folder in an order that is the same on every system, and how many links lead nowhere.

    Hidden files are left out; links to folders are not followed, so that a loop of them has an end.
    """
    files: list[Path] = []
    broken = 0
    for file in folder.rglob("*"):
        if file.name.startswith("."):
            continue
        if file.is_file():
            files.append(file)
        else:
            broken += file.is_symlink() and not file.exists()
    return sorted(files, key=lambda file: file.relative_to(folder).parts), broken


def _in_order(names: Iterable[str]) -> list[str]:
    """Return class names as people count: numbers by value, words by letter."""
    names = sorted(names)
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names


def _check_classes(folder: Path, classes: Sequence[str], loose: int) -> None:
    advice = f"put the images of each class into a folder of their own: {folder}/<class>/image.png"
    if not classes and loose:
        raise DataError(
            f"the images in {folder} ({loose:,}) have no classes",
            expected="one folder a class",
            received="images side by side",
            advice=advice,
        )
    if not classes:
        raise _no_images(folder, advice)
    if len(classes) == 1:
        raise DataError(
            f"all images in {folder} are of one class, '{classes[0]}'",
            expected="at least two class folders with images",
            received="one",
            advice=advice,
        )


def _no_images(folder: Path, advice: str) -> DataError:
    return DataError(
        f"there are no images in {folder}",
        expected="files ending in " + " ".join(ENDINGS),
        received="other files" if any(folder.iterdir()) else "an empty folder",
        advice=advice,
    )


def _left_out_notes(loose: int, other: int, links: int) -> tuple[str, ...]:
    notes = []
    if links:
        notes.append(f"left out: links that lead nowhere ({links:,})")
    if loose:
        notes.append(f"left out: images beside the class folders ({loose:,})")
    if other:
        notes.append(f"left out: files whose ending is no image's ({other:,})")
    return tuple(notes)
