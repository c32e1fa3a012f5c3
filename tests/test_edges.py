"""Numerical edges, as a user meets them: each works and is right, or is refused with what to do.

What is right is told by the same data in ordinary units, by scikit-learn's linear model, or by counting.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

import pellucid
from pellucid import PellucidClassifier, PellucidRegressor
from pellucid.errors import DataError, OptionError, PellucidError
from pellucid.verbs.run import Run

Array = NDArray[Any]

N = 120
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(N, 2))
SIDE = (X[:, 0] > 0).astype(int)
LINE = X[:, 0] + 0.1 * X[:, 1]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(data: object, **options: Any) -> Run:
    usual = {"epochs": 30, "quiet": True, "no_report": True, "no_diagnosis": True}
    return pellucid.train(data, **{**usual, **options})


def metrics_of(run: Run) -> Mapping[str, float]:
    assert run.record.result is not None
    metrics = run.record.result.metrics
    assert np.isfinite(list(metrics.values())).all(), metrics
    return metrics


def table(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(columns, strict=False)


def folder_of_one_colour() -> str:
    for number in range(24):
        place = Path("images") / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 7).save(place / f"{number}.png")
    return "images"


def written(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


REFUSED: dict[str, tuple[Callable[[], object], dict[str, Any], str]] = {
    "all-zero columns": (lambda: table(a=np.zeros(N), b=np.zeros(N), y=SIDE), {}, "no column is left to learn from"),
    "all-zero everything": (lambda: table(a=np.zeros(N), y=np.zeros(N)), {}, "one class only"),
    "all-zero arrays": (lambda: (np.zeros((N, 3)), np.zeros(N)), {}, "one class only"),
    "a constant quantity": (lambda: table(a=X[:, 0], y=np.full(N, 3.5)), {"task": "regression"}, "is the same in all"),
    "one class": (lambda: table(a=X[:, 0], y=["no"] * N), {}, "one class only"),
    "one row": (lambda: table(a=[1.0], y=["p"]), {}, "one class only"),
    "two rows": (lambda: table(a=[1.0, 2.0], y=["p", "q"]), {}, "too few to split"),
    "no rows": (lambda: table(a=[], y=[]), {}, "no rows with values"),
    "each row a class": (lambda: table(a=X[:, 0], y=[f"c{n}" for n in range(N)]), {}, "too many different values"),
    "distinct words alone": (lambda: table(a=[f"w{n}" for n in range(N)], y=SIDE), {}, "an identifier"),
    "beyond float32": (lambda: table(a=X[:, 0] * 1e300, y=SIDE), {}, "infinite values cannot be computed with"),
    "beyond float32 in arrays": (lambda: (X * 1e300, SIDE), {}, r"received: 1\.257.*e\+299 first at \[0, 0\]"),
    "infinite": (lambda: table(a=np.where(X[:, 0] > 1, np.inf, X[:, 0]), y=SIDE), {}, "the first inf in row"),
    "infinite in arrays": (lambda: (np.where(X > 1, -np.inf, X), SIDE), {}, "received: -inf first at"),
    "not a number in arrays": (lambda: (np.where(X > 1, np.nan, X), SIDE), {}, "received: nan first at"),
    "infinite targets": (lambda: (X, np.where(X[:, 0] > 1, np.inf, LINE)), {}, "numbers in the targets are not finite"),
    "targets beyond float32": (lambda: table(a=X[:, 0], y=LINE * 1e300), {}, "infinite values cannot be computed with"),
    "targets without a square": (lambda: table(a=X[:, 0], y=LINE * 1e-300), {}, "varies too little"),
    "complex": (lambda: (X.astype(complex), SIDE), {}, "received: ndarray of complex128"),
    "dates in arrays": (lambda: (np.arange(N).astype("datetime64[D]")[:, None], SIDE), {}, "datetime64"),
    "a text of one character": (lambda: written("one.txt", "a"), {}, "too short for windows"),
    "a series shorter than its window": (
        lambda: table(date=[f"2020-{n:02}-01" for n in range(1, 13)], v=X[:12, 0]), {"window": 24}, "window",
    ),
    "batches of one with batch normalisation": (
        lambda: (X, SIDE), {"network": "2 -> fc(4) -> batchnorm -> relu -> fc(2)", "batch_size": 1}, "no variance",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_to_do(name: str) -> None:
    make, options, said = REFUSED[name]
    with pytest.raises((DataError, OptionError), match=said) as refusal:
        trained(make(), **options)
    assert refusal.value.expected
    assert refusal.value.received
    assert not list(Path().glob("runs/*/checkpoint"))


OF_THE_SAME_NUMBERS: dict[str, Callable[[Array], Array]] = {
    "tiny": lambda x: x * 2.0**-1000,
    "subnormal in float32": lambda x: (x * 2.0**-133).astype(np.float32),
    "huge": lambda x: x * 2.0**100,
    "beside a large offset": lambda x: 2.0**40 + x,
    "whole numbers beyond 2^53": lambda x: (2**56 + np.round(x * 2**20)).astype(np.int64),
    "float16": lambda x: x.astype(np.float16),
    "int8": lambda x: np.round(x * 30).astype(np.int8),
    "uint8": lambda x: np.round(x * 30 + 128).astype(np.uint8),
    "minus zero": lambda x: np.where(np.arange(N)[:, None] < 3, -0.0, x),
}
"""Each holds the numbers of X to within 2 %, so that what is learned of them must be as good."""


@pytest.mark.parametrize("name", OF_THE_SAME_NUMBERS)
def test_what_holds_the_same_numbers_teaches_the_same(name: str) -> None:
    plain = trained((X, LINE), epochs=10)
    again = trained((OF_THE_SAME_NUMBERS[name](X), LINE), epochs=10)
    assert metrics_of(plain)["r2"] > 0.9
    assert metrics_of(again)["r2"] == pytest.approx(metrics_of(plain)["r2"], abs=0.02)


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-133, 2.0**100])
def test_a_table_in_other_units_is_the_same_table(factor: float) -> None:
    plain, scaled = (trained(table(a=X[:, 0] * f, b=X[:, 1] * f, y=LINE), epochs=3) for f in (1.0, factor))
    assert dict(metrics_of(plain)) == dict(metrics_of(scaled))  # a power of two changes no digit


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-30, 30), st.integers(-30, 30))
def test_predictions_follow_the_units(of_inputs: int, of_targets: int) -> None:
    inputs, targets = 10.0**of_inputs, 10.0**of_targets
    options: dict[str, Any] = {"epochs": 10, "network": "mlp(8)"}
    plain, scaled = trained((X, LINE), **options), trained((X * inputs, LINE * targets), **options)
    said, said_scaled = (
        [p.values["y"] for p in run.predict(X[:20] * f)] for run, f in ((plain, 1.0), (scaled, inputs))
    )
    np.testing.assert_allclose(np.array(said_scaled) / targets, said, rtol=1e-3, atol=1e-3)
    assert metrics_of(scaled)["r2"] == pytest.approx(metrics_of(plain)["r2"], abs=1e-4)
    assert metrics_of(scaled)["rmse"] == pytest.approx(metrics_of(plain)["rmse"] * targets, rel=1e-3)


def test_a_line_is_learned_as_well_as_by_least_squares() -> None:
    noisy = LINE + 0.3 * np.random.default_rng(1).normal(size=N)
    data = pellucid.load((X, noisy * 1e30))
    train, test = (data.rows[split].numpy() for split in ("train", "test"))
    reference = r2_score(noisy[test], LinearRegression().fit(X[train], noisy[train]).predict(X[test]))
    assert metrics_of(trained(data, network="2 -> fc(1)", epochs=200, learning_rate=0.05))["r2"] == pytest.approx(
        reference, abs=0.03
    )


def test_inputs_that_are_all_zero_say_what_is_usual() -> None:
    data = pellucid.load((np.zeros((N, 3)), LINE))
    run = trained(data, epochs=60)
    said = np.array([each.values["y"] for each in run.predict(np.zeros((2, 3)))])
    assert said == pytest.approx(LINE[data.rows["train"].numpy()].mean(), abs=0.1)


def test_a_last_batch_of_one_is_left_out_beside_batch_normalisation() -> None:
    run = trained((X, SIDE), network="2 -> fc(4) -> batchnorm -> relu -> fc(2)", batch_size=71)
    assert metrics_of(run)["accuracy"] > 0.5
    assert [step.step for step in run.record.steps] == list(range(1, 31))  # 72 train: 71 in each epoch


def test_a_class_of_one_sample_trains_and_is_said() -> None:
    data = pellucid.load(table(a=X[:, 0], y=["rare", "u"] + ["u", "v"] * 59), target="y")
    assert sum(int((data.targets[rows] == 0).sum()) for rows in data.rows.values()) == 1
    assert int((data.targets[data.rows["train"]] == 0).sum()) == 1
    assert any("rare classes: rare" in note for note in data.notes)
    assert len(trained(data).predict(table(a=[0.0]))[0].probabilities) == 3


@pytest.mark.parametrize("kept_out", ["validation", "test"])
def test_a_class_that_is_in_no_held_out_row_is_measured_without_nan(kept_out: str) -> None:
    # ten classes in order of time: the last split holds only the last of them
    rows = table(t=np.arange(N), a=X[:, 0], y=[f"c{n // 12}" for n in range(N)])
    data = pellucid.load(rows, target="y", time="t", split="60:20:20" if kept_out == "test" else "80:20")
    assert any("rare classes" in note for note in data.notes)
    metrics_of(trained(data, epochs=3)) if kept_out == "test" else trained(data, epochs=3)


def test_thousands_of_classes_are_told_apart() -> None:
    number = np.arange(6000)
    one_hot = np.stack([(number >> bit) % 2 for bit in range(11)], 1)
    data = pellucid.load((one_hot, number % 2048), task="classification")
    metrics = metrics_of(trained(data, epochs=2))
    assert metrics["loss"] < np.log(2048) + 0.1  # no worse than to say nothing


def test_words_that_are_nearly_all_different_share_a_feature() -> None:
    words = [f"w{n}" for n in range(4000)] + ["usual"] * 6000
    data = pellucid.load(table(word=words, a=np.tile(X[:, 0], 84)[:10000], y=np.arange(10000) % 2), target="y")
    assert data.inputs.shape[1] < 64
    assert data.inputs.isfinite().all()


def test_pixels_without_a_neighbour_and_without_a_difference() -> None:
    one = trained((RANDOM.integers(0, 255, (N, 1, 1, 1), dtype=np.uint8), SIDE), epochs=2)
    grey = trained(folder_of_one_colour(), epochs=2)
    for run in (one, grey):
        metrics_of(run)


def test_infinite_among_words_of_new_data_is_refused() -> None:
    run = trained(table(a=X[:, 0], b=X[:, 1], y=SIDE), epochs=1)
    new = written("new.csv", "a,b\n1,2\ninf,3\nlots,4\n")
    with pytest.raises(DataError, match="1 in column 'a', the first inf in row 2"):
        run.predict(new)
    scored = written("scored.csv", "a,b,y\n1,2,0\n2,3,inf\n")
    with pytest.raises(DataError, match="1 in column 'y', the first inf in row 2"):
        run.evaluate(scored)


def test_the_targets_of_an_archive_are_not_taken_for_its_inputs() -> None:
    run = trained((X, LINE), epochs=1)
    np.savez("both.npz", y=LINE, X_test=X[:7])
    assert len(run.predict("both.npz")) == 7
    np.savez("none.npz", y=LINE, other=X)
    with pytest.raises(DataError, match="no key that means inputs"):
        run.predict("none.npz")


def test_a_header_longer_than_what_is_looked_at_is_one() -> None:
    names = [f"{n}_" + "long" * 100 for n in range(400)]
    rows = [",".join([*map(str, RANDOM.integers(0, 9, 400)), "pq"[n % 2]]) for n in range(6)]
    data = pellucid.load(written("wide.csv", "\n".join([",".join([*names, "y"]), *rows])), target="y")
    assert len(Path("wide.csv").read_text().partition("\n")[0]) > 1 << 17
    assert not any("no header" in note for note in data.notes)


def test_standardisation_is_read_again_to_the_bit() -> None:
    run = trained((2.0**40 + X, LINE), epochs=1)
    again = pellucid.open_run(run.folder)
    assert [p.values for p in again.predict(2.0**40 + X[:5])] == [p.values for p in run.predict(2.0**40 + X[:5])]
    assert json.loads((run.folder / "preprocessing.json").read_text())["input"]["mean"][0] > 2.0**39


ESTIMATED: dict[str, Callable[[Array], Array]] = {
    "float16": lambda x: x.astype(np.float16),
    "huge": lambda x: x * 1e30,
    "small": lambda x: x * 1e-30,
    "beside a large offset": lambda x: 1e10 + x,
}


@pytest.mark.parametrize("name", ESTIMATED)
@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
def test_estimators_learn_in_any_unit(name: str, factor: float) -> None:
    inputs = ESTIMATED[name](X)
    assert PellucidRegressor(epochs=30).fit(inputs, LINE * factor).score(inputs, LINE * factor) > 0.95
    assert PellucidClassifier(epochs=30).fit(inputs, SIDE).score(inputs, SIDE) > 0.9


@pytest.mark.parametrize(
    ("inputs", "targets", "said"),
    [
        pytest.param(X * 1e-300, LINE, "too large or too small", id="inputs without a square"),
        pytest.param(X * 1e300, LINE, "too large or too small", id="inputs beyond a square"),
        pytest.param(X, LINE * 1e-300, "vary too little", id="targets without a square"),
        pytest.param(X, LINE * 1e300, "too large to be squared", id="targets beyond a square"),
    ],
)
def test_estimators_refuse_what_has_no_square(inputs: Array, targets: Array, said: str) -> None:
    with pytest.raises(PellucidError, match=said):
        PellucidRegressor(epochs=1).fit(inputs, targets)


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(X[:1], id="one row"),
        pytest.param(X.astype(complex), id="complex"),
        pytest.param(np.where(X > 1, np.nan, X), id="missing"),
    ],
)
def test_estimators_refuse_in_the_words_of_scikit_learn(inputs: Array) -> None:
    with pytest.raises(ValueError, match=r"minimum of 2|Complex data not supported|contains NaN"):
        PellucidClassifier(epochs=1).fit(inputs, SIDE[: len(inputs)])
