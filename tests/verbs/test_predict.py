"""What a trained network says of new inputs, from Python and the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

import pellucid
from pellucid.errors import DataError, RunError
from pellucid.verbs.run import Run


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("flowers")
    table = load_iris(as_frame=True)
    frame = table.frame.assign(species=[table.target_names[i] for i in table.frame.pop("target")])
    frame.to_csv(folder / "iris.csv", index=False)
    return pellucid.train(folder / "iris.csv", target="species", epochs=40, folder=str(folder / "runs"), quiet=True)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("digits", network="mlp", epochs=15, folder=str(tmp_path_factory.mktemp("digits")), quiet=True)


def pellucid_command(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pellucid", *arguments], input=stdin, capture_output=True, text=True, check=False
    )


def test_rows_of_a_table(flowers: Run, tmp_path: Path) -> None:
    header = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
    (tmp_path / "new.csv").write_text(header + "5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n")
    predictions = flowers.predict(tmp_path / "new.csv")
    assert [p.label for p in predictions] == ["setosa", "virginica"]
    for prediction in predictions:
        probabilities = list(prediction.probabilities.values())
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)
    from_stdin = pellucid_command(
        "predict", str(flowers.folder), "-", "--json", "-", stdin=header + "5.1,3.5,1.4,0.2\n"
    )
    assert from_stdin.returncode == 0, from_stdin.stderr
    assert json.loads(from_stdin.stdout)["predictions"][0]["class"] == "setosa"


def test_new_data_is_judged_as_the_network_learned_to_read_it(flowers: Run, tmp_path: Path) -> None:
    table = load_iris(as_frame=True)
    frame = table.frame.assign(species=[table.target_names[i] for i in table.frame.pop("target")])
    frame[::3].to_csv(tmp_path / "third.csv", index=False)
    judged = flowers.evaluate(tmp_path / "third.csv")
    right = [p.label == s for p, s in zip(flowers.predict(tmp_path / "third.csv"), frame["species"][::3], strict=True)]
    assert judged["accuracy"] == pytest.approx(sum(right) / len(right))
    with pytest.raises(DataError, match="prepared in another way"):
        flowers.evaluate(pellucid.load(tmp_path / "third.csv", target="species"))
    frame.drop(columns="species").to_csv(tmp_path / "inputs.csv", index=False)
    with pytest.raises(DataError, match="nothing to judge"):
        flowers.evaluate(tmp_path / "inputs.csv")


@pytest.mark.slow
def test_what_is_odd_in_an_input_is_said_beside_the_predictions(flowers: Run, tmp_path: Path) -> None:
    header = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
    rows = header + "".join(f"5.{row},3.5,1.4,0.2\n" for row in range(9)) + "many,3.3,6.0,2.5\n"
    done = pellucid_command("predict", str(flowers.folder), "-", "--json", str(tmp_path / "said.json"), stdin=rows)
    assert done.returncode == 0, done.stderr
    assert "('many')" in done.stderr
    assert "many" not in done.stdout
    assert "('many')" in json.loads((tmp_path / "said.json").read_text())["notes"][0]


def test_rows_without_names_come_in_the_order_of_training(flowers: Run) -> None:
    rows = load_iris().data[:3]
    by_name = load_iris(as_frame=True).data.head(3)
    assert flowers.predict(rows) == flowers.predict(rows.tolist()) == flowers.predict(by_name)
    assert flowers.predict(rows[0])[0].label == flowers.predict(rows)[0].label
    with pytest.raises(DataError, match="other columns"):
        flowers.predict(rows[:, :3])


def test_images_come_as_arrays_too(digits: Run) -> None:
    pixels_NHW = (load_digits().images[:4] * 255 / 16).round().astype("uint8")
    many = digits.predict(pixels_NHW)
    assert [p.label for p in many] == [digits.predict(one)[0].label for one in pixels_NHW]
    assert many == digits.predict(pixels_NHW[..., None])


def test_a_missing_column_is_named(flowers: Run, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("sepal length (cm),petal width (cm)\n5.1,0.2\n")
    with pytest.raises(DataError, match="sepal width"):
        flowers.predict(tmp_path / "new.csv")


def test_an_image_file_and_a_folder_of_them(digits: Run, tmp_path: Path) -> None:
    bunch = load_digits()
    rows = range(1700, 1720)
    for row in rows:
        Image.fromarray((bunch.images[row] * 255 / 16).astype("uint8")).save(tmp_path / f"{row}.png")
    one = digits.predict(tmp_path / "1700.png")
    assert [Path(p.name).name for p in one] == ["1700.png"]
    many = digits.predict(tmp_path)
    right = sum(p.label == str(bunch.target[int(Path(p.name).stem)]) for p in many)
    assert len(many) == 20
    assert right >= 17
    printed = pellucid_command("predict", str(digits.folder), str(tmp_path / "1700.png"), "--top", "2")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.count("%") == 2


@pytest.mark.slow
def test_refusals_have_status_two_and_no_traceback(digits: Run, tmp_path: Path) -> None:
    for arguments, words in [
        (["predict"], "RUN INPUT"),
        (["predict", str(tmp_path / "nothing"), "x"], "missing"),
        (["predict", str(digits.folder), str(tmp_path / "nothing.png")], "nothing.png"),
        (["predict", str(digits.folder), "x", "--tpo", "2"], "--top"),
        (["train", "digits", "--learning-rat", "1"], "--learning-rate"),
        (["trian"], "train"),
    ]:
        done = pellucid_command(*arguments)
        assert done.returncode == 2, (arguments, done)
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_a_text_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "abc.txt").write_text("abcdefgh " * 400)
    run = pellucid.train(tmp_path / "abc.txt", length=16, epochs=12, folder=str(tmp_path / "runs"), quiet=True)
    text = run.generate("abcd", length=20, temperature=0)
    assert text == "efgh abcdefgh abcdef"
    assert pellucid.predict(run, "abcd", length=20, temperature=0.0) == text
    with pytest.raises(RunError, match="generate"):
        run.predict("abcd")


def test_a_value_comes_in_its_own_unit(tmp_path: Path) -> None:
    lines = ["size,rooms,price"] + [
        f"{50 + i % 90},{1 + i % 5},{1000 * (50 + i % 90) + 5000 * (i % 5)}" for i in range(600)
    ]
    (tmp_path / "houses.csv").write_text("\n".join(lines) + "\n")
    run = pellucid.train(tmp_path / "houses.csv", epochs=40, folder=str(tmp_path / "runs"), quiet=True)
    (tmp_path / "new.csv").write_text("size,rooms\n100,3\n")
    assert run.predict(tmp_path / "new.csv")[0].values["price"] == pytest.approx(110_000, rel=0.05)
