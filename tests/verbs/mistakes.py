"""Mistakes a user can make: what lies in the folder, the arguments, and the words the refusal must say."""

import gzip
import io
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Make = Callable[[Path], object]

ROWS = "a,b,label\n" + "".join(f"{row},{row * row % 7},{'xy'[row % 2]}\n" for row in range(40))
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)


def text(content: str | bytes, name: str = "data.csv") -> Make:
    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def series(value: Callable[[int], object], days: int = 31) -> Make:
    return text("date,v\n" + "".join(f"2020-01-{day:02d},{value(day)}\n" for day in range(1, days + 1)))


def arrays(**named: object) -> Make:
    return lambda folder: np.savez(folder / "data.npz", **named)  # type: ignore[arg-type]


def image_bytes(kind: str = "PNG", side: int = 64) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 255, (side, side), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def claiming(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it has so many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def photos(classes: str = "ab", count: int = 10, *, broken: int = 0) -> Make:
    def make(folder: Path) -> None:
        for name in classes:
            for number in range(count):
                text(image_bytes(side=8), f"photos/{name}/{number}.png")(folder)
        for number in range(broken):
            text(b"junk", f"photos/a/bad{number}.png")(folder)

    return make


def link(name: str, target: str) -> Make:
    return lambda folder: (folder / name).symlink_to(target)


def both(*makes: Make) -> Make:
    return lambda folder: [make(folder) for make in makes]


TRAIN = ["train", "data.csv"]
IMAGES = ["train", "photos"]
ARRAYS = ["train", "data.npz"]
TEXT = ["train", "data.txt"]
QUANTITIES = "a,y\n" + "".join(f"{row},{row * 1.5}\n" for row in range(40))

CASES: dict[str, tuple[Make, list[str], list[str]]] = {
    # paths
    "no such file": (text(ROWS), ["train", "dat.csv"], ["dat.csv does not exist", "did you mean 'data.csv'?"]),
    "no such folder": (text(ROWS, "in/data.csv"), ["train", "inn/data.csv"], ["folder inn does not", "mean 'in'?"]),
    "no such name": (text(ROWS), ["train", "iriss"], ["no data set and no file 'iriss'", "did you mean 'iris'?"]),
    "nothing": (text(ROWS), ["train"], ["there is no data to train on"]),
    "an empty name": (text(ROWS), ["train", ""], ["there is no data to load", "received: an empty text"]),
    "an address": (text(ROWS), ["train", "https://a.b/c.csv"], ["not from addresses", "download it first"]),
    "too long a name": (text(ROWS), ["train", "x" * 5000], ["File name too long", "(5,000 characters)"]),
    "a name with a zero byte": (text(ROWS), ["train", "a\0.csv"], [r"'a\x00.csv' does not exist"]),
    "a folder named as a file": (lambda f: (f / "data.csv").mkdir(), TRAIN, ["data.csv is a folder", "a .csv file"]),
    "a file named as a folder": (text("x", "photos"), IMAGES, ["of a kind that cannot be read", "no ending"]),
    "an empty folder": (lambda f: (f / "photos").mkdir(), IMAGES, ["no images in photos", "an empty folder"]),
    "a link in a circle": (link("data.csv", "data.csv"), TRAIN, ["data.csv is a link that leads nowhere"]),
    "a broken link": (link("data.csv", "gone.csv"), TRAIN, ["leads nowhere", "received: a link to gone.csv"]),
    "a device": (
        text(ROWS),
        ["train", "/dev/null"],
        ["/dev/null is neither a file nor a folder", "a pipe or a device"],
    ),
    "a spreadsheet": (text("PK", "data.xlsx"), ["train", "data.xlsx"], ["kind that cannot be read", "as CSV or Parq"]),
    # tables that are none
    "zero bytes": (text(""), TRAIN, ["data.csv is empty", "expected: a header and rows"]),
    "a header alone": (text("a,b,label\n"), TRAIN, ["the table has no rows with values"]),
    "blank lines": (text("\n\n  \n"), TRAIN, ["data.csv is empty"]),
    "rows of nothing": (text("a,b,label\n,,\n,NA,\n"), TRAIN, ["the table has no rows with values"]),
    "binary": (text(bytes(range(256)) * 9), TRAIN, ["data.csv is not text", "received: a binary file"]),
    "an image called a table": (text(image_bytes()), TRAIN, ["data.csv is not text"]),
    "a web page": (text("<!DOCTYPE html><p>404"), TRAIN, ["is a web page, not a table", "was an error page saved"]),
    "JSON": (text('[{"a": 1}]'), TRAIN, ["data.csv is JSON, not a table"]),
    "one column": (text("a\n1\n2\n"), TRAIN, ["a target and at least one more column", "is the separator"]),
    "not gzipped": (text("no", "d.csv.gz"), ["train", "d.csv.gz"], ["d.csv.gz is damaged", "expected: a .gz file"]),
    "cut off gzip": (text(gzip.compress(ROWS.encode())[:-20], "d.csv.gz"), ["train", "d.csv.gz"], ["is damaged"]),
    "not Parquet": (text("PAR1", "d.parquet"), ["train", "d.parquet"], ["d.parquet cannot be read: it is damaged"]),
    "empty Arrow": (text("", "d.arrow"), ["train", "d.arrow"], ["cannot be read", "received: an empty file"]),
    # lines
    "a line too long": (
        text(ROWS.replace("\n7,0,", "\n7,0,1,")),
        TRAIN,
        ["line 9 of data.csv has too many fields", "expected: 3 fields", "received: 4 fields"],
    ),
    "many lines too short": (
        text(ROWS.replace(",y\n", "\n")),
        TRAIN,
        ["20 of the 40 lines of data.csv have too few fields", "at most in 10% of the lines", "line 3 has 2 fields"],
    ),
    "a title above the header": (text("Q3\n" + ROWS), TRAIN, ["line 1 of data.csv has fewer fields", "take out what"]),
    "a quote left open": (text(ROWS.replace("\n7,", '\n"7,')), TRAIN, ["a quote opened in line 9", "is never closed"]),
    # columns
    "one class": (text(ROWS.replace(",y", ",x")), TRAIN, ["the target 'label' has one class only", "received: x"]),
    "one row": (text("a,b,label\n1,2,x\n"), TRAIN, ["one class only", "add rows of another class"]),
    "two rows": (
        text("a,b,label\n1,2,x\n3,4,y\n"),
        TRAIN,
        ["too few to split into 3: 2 rows", "70:30 leaves the test"],
    ),
    "three rows": (text("a,b,label\n1,2,x\n3,4,y\n5,6,x\n"), TRAIN, ["of 3 rows none is left for", "--split 70:30"]),
    "no such target": (text(ROWS), [*TRAIN, "--target", "lable"], ["no column 'lable' for --target", "mean 'label'?"]),
    "no such group": (text(ROWS), [*TRAIN, "--group", "labe"], ["no column 'labe' for --group", "mean 'label'?"]),
    "too few groups": (text(ROWS), [*TRAIN, "--group", "label"], ["too few groups", "at least 3 groups"]),
    "no time": (text(ROWS), [*TRAIN, "--time", "label"], ["cannot order the rows in time", "40 rows without"]),
    "a target without values": (
        text(ROWS.replace(",x", ",").replace(",y", ",?")),
        TRAIN,
        ["the target 'label' is missing in every row", "40 empty fields"],
    ),
    "inputs without values": (
        text("a,b,label\n" + ",NA,x\n?,,y\n" * 20),
        TRAIN,
        ["no column is left to learn from", "'a': left out, it has no values in training"],
    ),
    "nothing but keys": (
        text("id,label\n" + "".join(f"k{row},{row % 2}\n" for row in range(60))),
        TRAIN,
        ["no column is left", "an identifier"],
    ),
    "an infinite value": (
        text(ROWS.replace("\n7,0,", "\n7,-inf,")),
        TRAIN,
        ["infinite values cannot be computed with", "1 in column 'b', the first -inf in row 8"],
    ),
    "a value beyond float32": (text(ROWS.replace("\n7,0,", "\n7,1e300,")), TRAIN, ["up to 3.4e+38", "1e+300 in row 8"]),
    "an infinite target": (text(QUANTITIES.replace("0.0\n", "inf\n", 1)), TRAIN, ["in column 'y'", "in row 1"]),
    "words for a quantity": (text(ROWS), [*TRAIN, "--task", "regression"], ["holds words, not quantities", "x, y"]),
    "a name a row": (
        text("a,y\n" + "".join(f"{row},name{row}\n" for row in range(60))),
        TRAIN,
        ["the target 'y' has too many different values to be classes", "60 different values in 60 rows"],
    ),
    "a constant quantity": (
        text("a,y\n" + "".join(f"{row},3.5\n" for row in range(60))),
        [*TRAIN, "--task", "regression"],
        ["nothing to predict: y is the same", "always 3.5"],
    ),
    "free text": (
        text("y,a\n" + "".join(f"{row % 2},one two three four five {row}\n" for row in range(60))),
        [*TRAIN, "--target", "y"],
        ["column 'a' is free text", "--ignore a"],
    ),
    # the test file
    "no test file": (text(ROWS), [*TRAIN, "--test", "dat.csv"], ["dat.csv does not exist", "did you mean 'data.csv'?"]),
    "a test folder": (both(text(ROWS), photos()), [*TRAIN, "--test", "photos"], ["photos is a folder"]),
    "a test file of words": (
        both(text(ROWS), text("a,b,label\nx,1,x\ny,2,y\n", "test.csv")),
        [*TRAIN, "--test", "test.csv"],
        ["column 'a' holds no numbers", "'x', 'y'"],
    ),
    "an empty test file": (
        both(text(ROWS), text("a,b,label\n", "test.csv")),
        [*TRAIN, "--test", "test.csv"],
        ["the test file test.csv has no rows"],
    ),
    "other columns to test": (
        both(text(ROWS), text("a,bee,label\n1,2,x\n", "test.csv")),
        [*TRAIN, "--test", "test.csv"],
        ["test.csv lacks columns", "'b'"],
    ),
    # images
    "images of one class": (photos("a"), IMAGES, ["are of one class, 'a'", "at least two class folders"]),
    "no images": (text("hi", "photos/a/x.txt"), IMAGES, ["there are no images in photos", "received: other files"]),
    "images side by side": (text(image_bytes(), "photos/x.png"), IMAGES, ["photos (1) have no classes", "<class>"]),
    "one image": (text(image_bytes(), "x.png"), ["train", "x.png"], ["one image is no data set", "a folder of images"]),
    "an image a class": (photos(count=1), IMAGES, ["too few to split into 3: 2 rows"]),
    "too many broken images": (
        photos(broken=3),
        IMAGES,
        ["3 of the first 23 image files cannot be read", "bad0.png: not an image", "at most 10% of the 23 files"],
    ),
    "all broken": (
        both(text("x", "photos/a/1.png"), text("x", "photos/b/2.png")),
        IMAGES,
        ["none of 2 files looked at can be read as an image", "at most 10%", "not an image"],
    ),
    "no size": (photos(), [*IMAGES, "--size", "32x"], ["the size '32x' cannot be read", "such as 32x32"]),
    "too large a size": (photos(), [*IMAGES, "--size", "99999"], ["'99999' is too large", "9,999,800,001 pixels"]),
    "other classes to test": (
        both(photos(), text(image_bytes(), "t/c/1.png"), text(image_bytes(), "t/a/1.png")),
        [*IMAGES, "--test", "t"],
        ["t has classes that are not among those to train on", "received: c"],
    ),
    "an option of tables": (photos(), [*IMAGES, "--target", "x"], ["'target' does not apply", "read as image"]),
    # arrays
    "pickled objects": (
        arrays(x=X, y=np.array([{}] * 60)),
        ARRAYS,
        ["array 'y' of data.npz holds Python obj", "run code"],
    ),
    "a pickle": (text(pickle.dumps({"x": 1}), "data.npz"), ARRAYS, ["data.npz is no file of arrays", "numpy.savez"]),
    "a cut off archive": (text(b"PK\3\4junk", "data.npz"), ARRAYS, ["data.npz is damaged"]),
    "an empty archive": (text(b"", "data.npz"), ARRAYS, ["data.npz is empty"]),
    "no keys": (arrays(foo=X, bar=Y), ARRAYS, ["no keys that mean inputs and targets", "foo (60, 4)"]),
    "other lengths": (arrays(x=X, y=Y[:50]), ARRAYS, ["inputs and targets differ in number", "received: 50 targets"]),
    "missing numbers": (
        arrays(x=np.where(X > 1, np.nan, X), y=Y),
        ARRAYS,
        ["numbers in the inputs are not finite", "nan"],
    ),
    "targets beyond float32": (arrays(x=X, y=X[:, 0] * 1e300), ARRAYS, ["numbers in the targets are not finite"]),
    "single numbers": (arrays(x=3, y=3), ARRAYS, ["the inputs are a single number"]),
    "no samples": (arrays(x=X[:0], y=Y[:0]), ARRAYS, ["the inputs are empty", "(0, 4)"]),
    "five axes": (arrays(x=np.zeros((9, 1, 1, 1, 1)), y=Y[:9]), ARRAYS, ["inputs with 5 axes", "X.reshape"]),
    "complex numbers": (arrays(x=X + 1j, y=Y), ARRAYS, ["inputs must be numbers", "complex128"]),
    "one label": (arrays(x=X, y=Y * 0), ARRAYS, ["one class only"]),
    "a label a sample": (arrays(x=X, y=np.arange(60).astype(str)), ARRAYS, ["too many different values to be classes"]),
    "other test samples": (
        arrays(x_train=X, y_train=Y, x_test=X[:, :3], y_test=Y),
        ARRAYS,
        ["x_train and x_test do not fit together"],
    ),
    # texts
    "an empty text": (text("", "data.txt"), TEXT, ["data.txt is empty", "received: no text"]),
    "a short text": (text("short", "data.txt"), TEXT, ["too short for windows of 64 characters", "with --length"]),
    "too long windows": (text("word " * 99, "data.txt"), [*TEXT, "--length", "400"], ["windows of 400", "1,201"]),
    "a binary text": (text(b"\0\1" * 99, "data.txt"), TEXT, ["data.txt is not a text", "zero bytes"]),
    "one file of lines": (text("a\nb\n", "t/a.txt"), ["train", "t"], ["1 text files with lines", "at least two"]),
    "equal lines": (
        both(text("a\n" * 9, "t/a.txt"), text("b\n" * 9, "t/b.txt")),
        ["train", "t"],
        ["too few different lines", "2 different ones of 18"],
    ),
    # series
    "too few steps": (
        series(lambda day: day, 9),
        [*TRAIN, "--window", "12"],
        ["too short for its window", "received: 9"],
    ),
    "a constant series": (series(lambda _: 3), [*TRAIN, "--window", "5"], ["nothing to forecast: 'v' is the same"]),
    "a series of words": (series(lambda _: "w"), [*TRAIN, "--window", "5"], ["no column besides the time holds numb"]),
    "a series of nothing": (series(lambda _: ""), [*TRAIN, "--window", "5"], ["'v' is missing in every row"]),
    "an infinite step": (
        series(lambda day: "inf" if day == 5 else day),
        [*TRAIN, "--window", "5"],
        ["column 'v', the first inf in row 5"],
    ),
    "steps of one time": (
        text("date,v\n" + "2020-01-01,1\n" * 40),
        [*TRAIN, "--window", "5"],
        ["39 rows have the time"],
    ),
    # options and arrows
    "no ratio": (text(ROWS), [*TRAIN, "--split", "6:2:2:1"], ["the split '6:2:2:1' cannot be read", "60:20:20"]),
    "an infinite rate": (text(ROWS), [*TRAIN, "--learning-rate", "inf"], ["'learning_rate' cannot be inf"]),
    "an infinite penalty": (text(ROWS), [*TRAIN, "--l1", "inf"], ["'l1' cannot be inf"]),
    "clipping to nothing": (text(ROWS), [*TRAIN, "--clip-norm", "0"], ["'clip_norm' cannot be 0.0"]),
    "momentum without end": (text(ROWS), [*TRAIN, "--momentum", "1"], ["'momentum' cannot be 1.0"]),
    "a rate that grows": (
        text(ROWS),
        [*TRAIN, "--schedule", "exponential", "--decay", "5"],
        ["would let the learning rate grow without end"],
    ),
    "no such change": (photos(), [*IMAGES, "--augment", "shfit"], ["no image change 'shfit'", "did you mean 'shift'?"]),
    "arrows of another input": (
        text(ROWS),
        [*TRAIN, "--network", "3 -> fc(8) -> relu -> fc(2)"],
        ["the network's input is not the data's", "^", "write 2 -> fc(8) -> relu -> fc(2)"],
    ),
    "arrows of another output": (
        text(ROWS),
        [*TRAIN, "--network", "2 -> fc(8) -> relu -> fc(3)"],
        ["the network's output is not what the data asks for", "write 2 -> fc(8) -> relu -> fc(2)"],
    ),
    "arrows for images": (
        text(ROWS),
        [*TRAIN, "--network", "2 -> conv(3, 3x3) -> fc(2)"],
        ["conv works on images", "received: 2 (a row of features)"],
    ),
    "arrows for colours": (
        photos(),
        [*IMAGES, "--network", "8x8x3 -> conv(3, 3x3) -> fc(2)"],
        ["write 8x8x1 -> conv(3, 3x3) -> fc(2)"],
    ),
}

# what one bad image among twenty others is said to be
BAD_IMAGES = {
    "junk": (b"junk", "not an image"),
    "nothing": (b"", "an empty file"),
    "cut off PNG": (image_bytes()[:900], "truncated"),
    "cut off JPEG": (image_bytes("JPEG")[:900], "truncated"),
    "a bomb": (claiming(60_000, 60_000), "it claims 3,600,000,000 pixels, more than the 89,478,485"),
    "the largest bomb": (claiming(2**31 - 1, 2**31 - 1), "a decompression bomb?"),
    "a small bomb": (claiming(12_000, 12_000), "it claims 144,000,000 pixels"),
}

# the kind of run, the input it is given, and what is said
PREDICTIONS: dict[str, tuple[str, Make, str, list[str]]] = {
    "no file": ("table", text(ROWS), "dat.csv", ["dat.csv does not exist", "did you mean 'data.csv'?"]),
    "a column missing": ("table", text("a,bee\n1,2\n"), "data.csv", ["1 of the 2 columns", "'b'", "a, bee"]),
    "words for numbers": ("table", text("a,b\nx,y\n"), "data.csv", ["column 'a' holds no numbers", "'x'"]),
    "infinite": ("table", text("a,b\n1,2\n3,inf\n"), "data.csv", ["in column 'b', the first inf in row 2"]),
    "no rows": ("table", text("a,b\n"), "data.csv", ["no rows with values to predict for"]),
    "a text": ("table", text("on and on " * 99, "data.txt"), "data.txt", ["2 of the 2 columns", "…"]),
    "an image": ("table", text(image_bytes(), "x.png"), "x.png", ["x.png is not text"]),
    "a folder": ("table", photos(), "photos", ["photos is a folder"]),
    "an image for a series": ("series", text(image_bytes(), "x.png"), "x.png", ["x.png is not text"]),
    "a short series": ("series", series(lambda day: day, 3), "data.csv", ["shorter than the window", "at least 5"]),
    "an empty series": ("series", series(lambda _: ""), "data.csv", ["past of 'v' is missing in every step"]),
    "no times": ("series", text("date,v\n" + "never,1\n" * 9), "data.csv", ["the time in 'date' cannot be read"]),
    "no image": ("images", text("junk", "x.png"), "x.png", ["x.png cannot be read as an image", "not an image"]),
    "a bomb": ("images", text(claiming(60_000, 60_000), "x.png"), "x.png", ["it claims 3,600,000,000 pixels"]),
    "a table for images": ("images", text(ROWS), "data.csv", ["data.csv cannot be read as an image"]),
    "no images": ("images", text("x", "f/x.txt"), "f", ["there are no images in f"]),
    "other shape": ("arrays", arrays(x=X[:, :3]), "data.npz", ["another shape", "received: 60 x 3"]),
    "objects": ("arrays", arrays(x=np.array([{}])), "data.npz", ["array 'x' of data.npz holds Python objects"]),
    "not a number": ("arrays", arrays(x=X * np.nan), "data.npz", ["240 of 240 numbers in the inputs are not finite"]),
    "no arrays": ("arrays", arrays(), "data.npz", ["data.npz has no key that means inputs", "no arrays"]),
    "no samples": ("arrays", arrays(x=X[:0]), "data.npz", ["there are no samples to predict for"]),
    "a table for arrays": ("arrays", text(ROWS), "data.csv", ["data.csv is no file of arrays"]),
    "no such text": ("lines", text("hi", "data.txt"), "date.txt", ["date.txt does not exist", "mean 'data.txt'?"]),
    "no lines": ("lines", text("\n", "data.txt"), "data.txt", ["there are no texts"]),
    "binary lines": ("lines", text(b"\0", "data.txt"), "data.txt", ["data.txt is not a text"]),
}
