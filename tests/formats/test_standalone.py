"""The files copied into exported folders give the tensors pellucid itself gives, bit for bit, or refuse as it does."""

import bz2
import datetime as dt
import gzip
import importlib.util
import json
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from pellucid.data import Preprocessing, load
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.preprocessing import to_json
from pellucid.errors import DataError
from pellucid.formats.exported import standalone

REAL = os.environ.get("PELLUCID_DATA")
needs_real = pytest.mark.skipif(REAL is None, reason="PELLUCID_DATA names no folder of real data")


def file_of(kind: str) -> ModuleType:
    """Return the file of a kind of data as Python loads it in an exported folder, from its place."""
    path = standalone(kind)
    spec = importlib.util.spec_from_file_location(f"standalone_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KINDS = {kind: file_of(kind) for kind in ("table", "series", "image", "array", "text-lines", "text")}


def alone(preprocessing: Preprocessing, source: object) -> tuple[list[str], Tensor]:
    """Read a source without pellucid, from what preprocessing.json would say."""
    described = json.loads(json.dumps(to_json(preprocessing)))
    names, inputs = KINDS[described["kind"]].read(source, described)
    return names, inputs


def require_same(preprocessing: Preprocessing, source: object, *, names: bool = True) -> None:
    samples = preprocessing.read(source)
    own = preprocessing.prepare(samples.inputs)
    called, inputs = alone(preprocessing, source)
    assert inputs.dtype == own.dtype
    assert inputs.shape == own.shape
    assert torch.equal(inputs, own), f"{float((inputs.double() - own.double()).abs().max())}"
    assert not names or called == list(samples.names)


def require_refused(preprocessing: Preprocessing, source: object) -> None:
    with pytest.raises(DataError):
        preprocessing.read(source)
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+"):  # a sentence
        alone(preprocessing, source)


def test_they_import_nothing_of_pellucid() -> None:
    for file in standalone("table").parent.glob("*.py"):
        lines = file.read_text().splitlines()
        assert not [line for line in lines if line.lstrip().startswith(("import ", "from ")) and "pellucid" in line]


# tables

HEADER = "id,age,income,plan,zip,since,ok,few,churned"


def customer(**fields: str) -> str:
    usual = {
        "id": "x", "age": "33", "income": "30000.5", "plan": "pro", "zip": "00111", "since": "2020-05-06",
        "ok": "true", "few": "3", "churned": "yes",
    }  # fmt: skip
    return ",".join((usual | fields).values())


def customers(form: str = "%Y-%m-%d") -> list[str]:
    random = np.random.default_rng(0)
    begin = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
    lines = [HEADER]
    for number in range(600):
        day = begin + dt.timedelta(days=int(random.integers(0, 1500)), minutes=int(random.integers(0, 1440)))
        lines.append(
            customer(
                id=f"c{number}",
                age="" if number % 13 == 0 else str(random.integers(18, 80)),
                income=str(round(float(random.lognormal(10, 1)), 2)),
                plan=("basic", "pro", "N/A", "team")[number % 4],
                zip=f"{random.integers(100, 140):05}",
                since=f'"{day.strftime(form)}"',
                ok=("true", "false")[number % 2],
                few=str(number % 5),
                churned=("yes", "no")[int(random.random() < 0.4)],
            )
        )
    return lines


def write(folder: Path, lines: list[str], name: str = "new.csv") -> Path:
    path = folder / name
    path.write_bytes("\n".join(lines).encode())
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Preprocessing:
    path = write(tmp_path_factory.mktemp("table"), customers(), "customers.csv")
    return load(path, target="churned", numbers="binned").preprocessing


SAME = {
    "as in training": customers()[:40],
    "missing in every way": [
        HEADER, customer(age="NA"), customer(age="?"), customer(income="null"), customer(plan=""), customer(zip="-"),
        customer(since=""), customer(ok="nan"), customer(few="n/a"),
    ],
    "unseen words": [HEADER, customer(plan="gold", zip="99999", few="9"), customer(plan="PRO", zip="00100")],
    "words among numbers": [HEADER, customer(age="forty"), customer(age="33")],
    "digits of another script": [HEADER, customer(age="٣٣"), customer()],
    "underscores are no digits": [HEADER, customer(age="1_000"), customer(age="20")],
    "signs and exponents": [HEADER, customer(age="+33", few="3e0"), customer(age="+.5", few="-0")],
    "numbers with a useless .0": [HEADER, customer(few="3.0", zip="111"), customer(few="2.0", zip="112")],
    "true in capitals": [HEADER, customer(ok="TRUE"), customer(ok="False")],
    "truth as 0 and 1": [HEADER, customer(ok="0"), customer(ok="1")],
    "far numbers": [HEADER, customer(income="1e30"), customer()],
    "quotes": [HEADER, customer(plan='"pro"'), customer(plan='"a, ""b"""'), customer(plan=' "team"')],
    "a line break in quotes": [HEADER, customer(plan='"pro\nteam"'), customer()],
    "a vertical tab is no line break": [HEADER, customer(plan="pro\x0bx")],
    "spaces": [HEADER.replace(",", " , "), customer().replace(",", " , ")],
    "a short line": [HEADER, *[customer()] * 15, "x,20,3.5"],
    "another column": [f"{HEADER},more", f"{customer()},7"],
    "columns in another order": [",".join(line.split(",")[::-1]) for line in (HEADER, customer(), customer(age="1"))],
    "all dates missing": [HEADER, customer(since=""), customer(since="")],
    "old dates": [HEADER, customer(since="1950-05-06"), customer(since="1200-02-29"), customer(since="2999-12-31")],
    "dates in digits": [HEADER, customer(since="20200506"), customer(since="19991231")],
    "dates in single digits": [HEADER, customer(since="5/6/2020"), customer(since="12/1/2020")],
    "months": [HEADER, customer(since="2020-05"), customer(since="2020-06")],
    "weeks": [HEADER, customer(since="2020-W10-1"), customer(since="2020-W11-2")],
    "time zones": [HEADER, customer(since="2020-05-06T10:00:00+0200"), customer(since="2020-05-06T00:30:00+02:00")],
    "parts of seconds": [HEADER, customer(since="1960-05-06 10:00:00.750"), customer(since="2020-05-06 10:00:00.25")],
    "names missing": [HEADER, customer(id=""), customer(id="7")],
    "names that are numbers": [HEADER, customer(id="7.0"), customer(id="8")],
    "old line ends": ["\r".join([HEADER, customer(), customer(age="50")])],
    "other line ends": ["\r\n".join([HEADER, customer(), customer(age="50")])],
}  # fmt: skip


@pytest.mark.parametrize("lines", SAME.values(), ids=SAME)
@pytest.mark.covers("C12")
def test_rows_of_a_table(table: Preprocessing, lines: list[str], tmp_path: Path) -> None:
    require_same(table, write(tmp_path, lines), names="line break" not in str(lines))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_and_decimal_commas(table: Preprocessing, separator: str, tmp_path: Path) -> None:
    lines = [customer(income="30000,5"), customer(income="12,25"), customer(income="7")]
    others = [HEADER, *lines, customer(income="")]
    require_same(table, write(tmp_path, [HEADER.replace(",", separator), customer().replace(",", separator)]))
    written = [line.replace(",", separator) for line in others]
    written[1:3] = [line.replace(f"{separator}5{separator}", f",5{separator}") for line in written[1:3]]
    written[2] = written[2].replace(f"12{separator}25", "12,25")
    require_same(table, write(tmp_path, written))


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S+02:00"])
def test_dates_of_every_kind(form: str, tmp_path: Path) -> None:
    lines = customers(form)
    preprocessing = load(write(tmp_path, lines), target="churned").preprocessing
    require_same(preprocessing, write(tmp_path, lines[:1] + lines[300:350]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_other_encodings(table: Preprocessing, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes("\n".join([HEADER, customer(plan="prö")]).encode(encoding))
    require_same(table, path)


@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_files(
    table: Preprocessing, ending: str, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"new.csv.{ending}"
    path.write_bytes(compress(f"{HEADER}\n{customer()}".encode()))
    require_same(table, path)


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER],
        [""],
        [HEADER.replace("plan", "plin"), customer()],
        [HEADER, customer(income="inf"), customer()],
        [HEADER, customer(income="1e39"), customer()],
        [HEADER, customer(income="abc")],
        [HEADER, customer(ok="yes"), customer(ok="no")],
        [HEADER, customer(since="soon"), customer()],
        [HEADER, customer(since="2020-05-06"), customer(since="06.05.2020")],
        [HEADER, customer() + ",1,2"],
    ],
    ids=["no rows", "empty", "a column is missing", "infinite", "beyond float32", "no numbers", "no truth values",
         "no dates", "dates of two kinds", "a line too long"],
)  # fmt: skip
def test_tables_that_cannot_be_read(table: Preprocessing, lines: list[str], tmp_path: Path) -> None:
    require_refused(table, write(tmp_path, lines))


def test_a_header_with_another_name_is_no_row_of_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, ["a,b,y", *(f"{i},{i * 7 % 11},{i % 2}" for i in range(60))])
    preprocessing = load(path, target="y").preprocessing
    require_refused(preprocessing, write(tmp_path, ["b,A", "1,2"], "renamed.csv"))


def test_files_without_a_header(tmp_path: Path) -> None:
    lines = customers()[1:]
    preprocessing = load(write(tmp_path, lines), target="9").preprocessing
    require_same(preprocessing, write(tmp_path, lines[:20], "new.csv"))
    require_same(preprocessing, write(tmp_path, [line.rpartition(",")[0] for line in lines[:20]], "without.csv"))


def test_rows_from_python(table: Preprocessing) -> None:
    rows = [dict(zip(HEADER.split(","), customer(age=age).split(","), strict=True)) for age in ("20", "", "70")]
    _, inputs = alone(table, rows)
    names = HEADER.split(",")
    own = table.read({name: [row[name] for row in rows] for name in names})
    assert torch.equal(inputs, own.inputs)


FIELD = st.one_of(
    st.sampled_from(["", "NA", "?", "-", "true", "False", "0", "-0", "1", "1.0", "pro", "Pro", "N/A", "00111", "nan"]),
    st.integers(-(10**9), 10**9).map(str),
    st.floats(-1e9, 1e9).map(str),
    st.text(st.characters(categories=["L", "Nd", "P", "S"], exclude_characters=',";|\t'), max_size=6),
)
DATE = st.sampled_from(
    ["", "NA", "2020-05-06", "2020-5-6", "5/6/2020", "12/31/1999", "20200506", "2020-05", "1.2.2020", "2020-05-06 1:02",
     "2020-05-06T10:00:00Z", "2020-02-30", "May 5, 2020", "5 May 2020"]
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(("age", "income", "few", "zip"), FIELD)
            | {"since": DATE}
            | {
                "plan": st.sampled_from(["pro", "basic", "team", "gold", ""]),
                "ok": st.sampled_from(["true", "FALSE", "", "NA"]),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
@example([{"age": "1,5", "income": "abc"}])
@example([{"few": "true"}, {"few": "1E100"}])
def test_whatever_stands_in_a_field(table: Preprocessing, tmp_path: Path, rows: list[dict[str, str]]) -> None:
    """Both read it alike, or both refuse it; where words stand beside an infinite number, only the file alone does."""
    quoted = [customer(**{name: f'"{value}"' for name, value in row.items()}) for row in rows]
    path = write(tmp_path, [HEADER, *quoted])
    try:
        table.read(path)
    except DataError:
        require_refused(table, path)
        return
    try:
        alone(table, path)
    except ValueError as error:
        assert "infinite numbers" in str(error)  # noqa: PT017 (one of two right ends)
        assert any(number_of(value) > 3.4e38 for row in rows for value in row.values())
    else:
        require_same(table, path)


def number_of(text: str) -> float:
    try:
        return abs(float(text))
    except ValueError:
        return 0.0


# series


def steps(count: int = 300) -> list[str]:
    values = ["" if i % 17 == 3 else f"{i % 12 + 0.01 * i:.2f}" for i in range(count)]
    rows = [f"2020-{1 + i // 28:02}-{1 + i % 28:02},{values[i]},{i % 7},{'ab'[i % 2]}" for i in range(count)]
    return ["when,value,wind,kind", *rows]


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Preprocessing:
    path = write(tmp_path_factory.mktemp("series"), steps())
    return load(path, target="value", task="forecast", window=12, horizon=3).preprocessing


def test_a_series_with_gaps(series: Preprocessing, tmp_path: Path) -> None:
    lines = steps()
    require_same(series, write(tmp_path, lines))
    require_same(series, write(tmp_path, lines[:1] + lines[4:40], "leading gap.csv"))
    order = np.random.default_rng(0).permutation(60)
    require_same(series, write(tmp_path, [lines[0], *(lines[1 + place] for place in order)], "in no order.csv"))


def test_a_series_that_is_none(series: Preprocessing, tmp_path: Path) -> None:
    lines = steps(40)
    missing = [f"{line.split(',')[0]},,1,a" for line in lines[1:]]
    for wrong in (
        lines[:6],
        [*lines, lines[-1]],
        lines[1:],
        [line.partition(",")[2] for line in lines],
        [lines[0], *missing],
        [*lines, ",3,1,a"],
    ):
        require_refused(series, write(tmp_path, wrong))


def test_the_time_in_columns_of_its_own_or_none(tmp_path: Path) -> None:
    parts = [
        "year,month,day,hour,value",
        *(f"2020,1,{1 + i // 24},{i % 24},{i % 12 + 0.1 * (i % 5)}" for i in range(200)),
    ]
    path = write(tmp_path, parts)
    require_same(load(path, task="forecast", target="value").preprocessing, path)
    plain = write(tmp_path, ["value", *(f"{i % 12 + 0.1 * (i % 5):.1f}" for i in range(200))], "plain.csv")
    require_same(load(plain, task="forecast").preprocessing, plain)


# images


def picture(mode: str, size: tuple[int, int] = (13, 9)) -> Image.Image:
    random = np.random.default_rng(0)
    made = Image.fromarray(random.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8), "RGBA")
    return made if mode == "RGBA" else made.convert(mode)


def pictures(folder: Path) -> Iterator[Path]:
    random = np.random.default_rng(1)
    lying = Image.Exif()
    lying[0x0112] = 6
    saved: list[tuple[str, Image.Image, dict[str, Any]]] = [
        *((f"{mode}.png", picture(mode), {}) for mode in ("L", "RGB", "RGBA", "LA", "P", "1")),
        ("large.jpg", picture("RGB", (400, 300)), {"quality": 90}),
        ("cmyk.jpg", picture("CMYK"), {}),
        ("lying.jpg", picture("RGB", (40, 30)), {"exif": lying}),
        ("lying.png", picture("RGB", (40, 30)), {"exif": lying}),
        ("16 bits.png", Image.fromarray(random.integers(0, 65536, (9, 13), dtype=np.uint16)), {}),
        ("32 bits.tif", Image.fromarray(random.integers(0, 60000, (9, 13), dtype=np.int32)), {}),
        ("one colour clear.png", picture("P"), {"transparency": 5}),
        ("one grey clear.png", picture("L"), {"transparency": 7}),
        ("clear.gif", picture("P"), {"transparency": 3}),
        ("clear.webp", picture("RGBA"), {"lossless": True}),
        ("moving.gif", picture("P"), {"save_all": True, "append_images": [picture("P")]}),
        ("other.jp2", picture("RGB"), {}),
        ("other.tga", picture("RGB"), {}),
    ]
    for name, image, options in saved:
        image.save(folder / name, **options)
        yield folder / name


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def image(request: pytest.FixtureRequest) -> ImagePreprocessing:
    channels = request.param
    return ImagePreprocessing(11, 7, channels, (0.4, 0.5, 0.6)[:channels], (0.2, 0.25, 0.3)[:channels], ("a", "b"))


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
def test_images_of_every_make(image: ImagePreprocessing, tmp_path: Path) -> None:
    files = list(pictures(tmp_path))
    for file in files:
        require_same(image, file)
    require_same(image, files)
    (tmp_path / "below").mkdir()
    picture("L").save(tmp_path / "below" / "one.png")
    picture("L").save(tmp_path / "below-two.png")
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    (tmp_path / "note.txt").write_text("no image")
    require_same(image, tmp_path)


@pytest.mark.parametrize("shape", [(9, 13), (4, 9, 13), (9, 13, 3), (4, 9, 13, 3), (4, 9, 13, 4), (4, 9, 13, 1)])
@pytest.mark.parametrize("kind", ["bytes", "whole", "fractions"])
def test_arrays_of_pixels(image: ImagePreprocessing, shape: tuple[int, ...], kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape)
    require_same(image, {"bytes": pixels.astype(np.uint8), "whole": pixels, "fractions": pixels / 255}[kind])


def test_what_holds_no_pixels(image: ImagePreprocessing, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "empty.png").touch()
    Image.fromarray(np.random.default_rng(0).random((9, 13)).astype(np.float32)).save(tmp_path / "fractions.tif")
    Image.fromarray(np.full((9, 13), 10**6, np.int32)).save(tmp_path / "far.tif")
    (tmp_path / "nothing").mkdir()
    for name in ("broken.png", "empty.png", "fractions.tif", "far.tif", "absent.png", "nothing"):
        require_refused(image, tmp_path / name)
    for pixels in (np.full((9, 13), 300), np.full((9, 13), 1.5), np.full((9, 13), np.nan), np.zeros((2, 9, 13, 2))):
        require_refused(image, pixels)


# arrays


@pytest.mark.parametrize("shape", [(), (5,), (6, 2), (2, 6, 7), (6, 7, 4)], ids=str)
def test_arrays(shape: tuple[int, ...], tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(3, 2, (200, *shape))
    sums = x.reshape(200, -1).sum(1)
    preprocessing = load((x, (sums > sums.mean()).astype(int))).preprocessing
    for source in (x[:5], x[:1].astype(np.float32), *([x[0]] if shape else [])):
        require_same(preprocessing, source)
    np.save(tmp_path / "new.npy", x[:4])
    require_same(preprocessing, tmp_path / "new.npy")
    for key in ("x", "X", "inputs", "images"):
        np.savez(tmp_path / "new.npz", **{"y": np.zeros(4), key: x[:4]})  # type: ignore[arg-type]
        require_same(preprocessing, tmp_path / "new.npz")
    spoilt = x[:4].copy()
    spoilt.flat[3] = np.nan
    for wrong in (spoilt, x[:4] * 1e20, x[:4] * 1e60, x[:0], x[:4, None, None]):
        require_refused(preprocessing, wrong)


def test_arrays_beside_a_large_offset() -> None:
    x = 1e9 + np.random.default_rng(0).normal(0, 2, (200, 3))
    preprocessing = load((x, x.sum(1))).preprocessing
    require_same(preprocessing, x[:5])
    assert alone(preprocessing, x)[1].std() > 0.9


def test_grey_images_as_arrays() -> None:
    x = np.random.default_rng(0).integers(0, 256, (200, 6, 7), dtype=np.uint8)
    preprocessing = load((x, x[:, 0, 0] % 2)).preprocessing
    assert preprocessing.kind == "array"
    require_same(preprocessing, x[:4])
    require_same(preprocessing, x[0])


def test_targets_are_not_taken_for_inputs(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(3, 2, 200)
    preprocessing = load((x, (x > 3).astype(int))).preprocessing
    np.savez(tmp_path / "new.npz", y=np.zeros(4), other=x[:4])
    with pytest.raises(ValueError, match="no array called x, inputs"):
        alone(preprocessing, tmp_path / "new.npz")


# texts


@pytest.mark.parametrize("level", ["word", "character"])
def test_texts_by_class(level: str, tmp_path: Path) -> None:
    moods = tmp_path / "moods"
    moods.mkdir()
    (moods / "glad.txt").write_text("\n".join(f"what a fine day, {i} isn't it" for i in range(60)))
    (moods / "sad.txt").write_text("\n".join(f"this is bad news {i} (again)" for i in range(60)))
    preprocessing = load(moods, level=level, length=12).preprocessing
    long = "what a very long text, that goes on and on and on and on beyond all"
    for source in ("a fine day", long, ["bad news", "öäü ☃", long], moods):
        require_same(preprocessing, source)
    for name, content in (
        ("lines.txt", b"a fine day\n\n  bad  \r\nx\ry"),
        ("windows.txt", "a fine däy\nbad".encode("cp1252")),
        ("wide.txt", "a fine däy\nbad".encode("utf-16")),
        ("marked.txt", "a fine day".encode("utf-8-sig")),
    ):
        (tmp_path / name).write_bytes(content)
        require_same(preprocessing, tmp_path / name)
    (tmp_path / "empty.txt").touch()
    for nothing in ("", ["a fine day", ""], [], tmp_path / "empty.txt"):
        require_refused(preprocessing, nothing)


@pytest.mark.parametrize("level", ["word", "character"])
def test_a_text_to_go_on_with(level: str, tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("It was a bright cold day in April, and the clocks were striking thirteen.\nOh...\n" * 40)
    preprocessing = load(story, level=level, length=10).preprocessing
    for prompt in ("It was", "☃ cold", "It was a bright cold day in April, and the clocks\nwere striking"):
        require_same(preprocessing, prompt, names=False)
    require_refused(preprocessing, "")


# real data


@needs_real
@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("tabular/penguins.csv", {"target": "species"}),
        ("tabular/winequality-red.csv", {}),
        ("tabular/california-housing.csv", {}),
        ("timeseries/airline-passengers.csv", {}),
        ("timeseries/statsmodels-co2.csv", {"task": "forecast"}),
        ("timeseries/statsmodels-elnino.csv", {"task": "forecast"}),
        ("names", {}),
        ("tinyshakespeare/input.txt", {}),
    ],
)
def test_real_data(file: str, options: dict[str, Any]) -> None:
    source = Path(str(REAL)) / file
    preprocessing = load(source, **options).preprocessing
    is_text = preprocessing.kind == "text"
    require_same(preprocessing, source.read_text()[:5000] if is_text else source, names=not is_text)


@needs_real
@pytest.mark.slow
@pytest.mark.covers("C12")
def test_real_data_of_another_file() -> None:
    folder = Path(str(REAL)) / "tabular"
    require_same(load(folder / "adult-train.csv.gz").preprocessing, folder / "adult-test.csv.gz")
    beijing = Path(str(REAL)) / "timeseries" / "beijing-pm25.csv.gz"
    require_same(load(beijing, target="pm2.5", task="forecast").preprocessing, beijing)
