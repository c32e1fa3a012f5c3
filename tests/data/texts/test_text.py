"""Texts as windows to continue and as lines to classify; tokens, vocabularies, reading files.

Shape letters: N samples, T tokens.
"""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.dataset import Classes, Dataset, NextToken, Source
from pellucid.data.texts import text, tokens
from pellucid.data.texts.text import TextLinesPreprocessing, TextPreprocessing, from_text, load_text, load_texts
from pellucid.data.texts.tokens import PADDING, UNKNOWN, Level, Vocabulary
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Tokens

SOURCE = Source("test", "test", "")
ALPHABET = "the quick brown fox jumps over the lazy dog. " * 40


def of_text(content: str, **options: object) -> Dataset:
    return from_text("test", content, DataOptions(**options), SOURCE)  # type: ignore[arg-type]


def preprocessing_of(data: Dataset) -> TextPreprocessing:
    assert isinstance(data.preprocessing, TextPreprocessing)
    return data.preprocessing


# Tokens


@given(st.text(), st.text())
@settings(max_examples=200, deadline=None)
def test_known_characters_come_back_and_others_are_unknown(training: str, other: str) -> None:
    vocabulary = Vocabulary.fit([training], "character")
    assert vocabulary.decode(vocabulary.encode(training)) == training
    decoded = vocabulary.decode(vocabulary.encode(other))
    assert decoded == "".join(character if character in set(training) else "�" for character in other)


@given(st.text(alphabet="ab'-. ,(\n", max_size=60))
@settings(max_examples=200, deadline=None)
def test_words_lose_nothing_but_spaces(content: str) -> None:
    assert "".join(tokens.cut(content, "word")) == content.replace(" ", "")


@given(st.text(alphabet="ab. ,()\n", max_size=60))
@settings(max_examples=200, deadline=None)
def test_decoded_words_are_the_same_words(content: str) -> None:
    vocabulary = Vocabulary.fit([content, content], "word")
    again = vocabulary.decode(vocabulary.encode(content))
    assert list(tokens.cut(again, "word")) == list(tokens.cut(content, "word"))


def test_words_are_decoded_as_they_are_written() -> None:
    content = "Don't stop (now), he said: it's well-known!\nStop."
    vocabulary = Vocabulary.fit([content, content], "word")
    assert vocabulary.decode(vocabulary.encode(content)) == content


def test_words_are_numbered_by_frequency_and_rare_ones_are_unknown() -> None:
    vocabulary = Vocabulary.fit(["b b b a a c", "d"], "word")
    assert vocabulary.tokens == (UNKNOWN, "b", "a")
    assert vocabulary.encode("a b c zebra").tolist() == [2, 1, 0, 0]


def test_numbers_that_are_no_tokens_are_refused() -> None:
    vocabulary = Vocabulary.fit(["ab"], "character")
    for numbers in ([3], [-1], torch.tensor([0, 99])):
        with pytest.raises(DataError, match="no token"):
            vocabulary.decode(numbers)
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize(("count", "dtype"), [(200, torch.uint8), (300, torch.int16), (40_000, torch.int32)])
def test_the_smallest_type_holds_every_token(count: int, dtype: torch.dtype) -> None:
    vocabulary = Vocabulary("word", tuple(str(number) for number in range(count)))
    assert tokens.smallest_type(vocabulary) == dtype


@pytest.mark.parametrize(
    ("content", "expected", "noted"),
    [
        ("naïve\r\nline\rend".encode(), "naïve\nline\nend", False),
        (b"\xef\xbb\xbfhello", "hello", False),
        ("grüße".encode("utf-16"), "grüße", False),
        ("grüße".encode("cp1252"), "grüße", True),
    ],
)
def test_text_files_of_any_encoding_are_read(tmp_path: Path, content: bytes, expected: str, noted: bool) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    read, notes = tokens.read_text(tmp_path / "a.txt")
    assert read == expected
    assert bool(notes) == noted


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x00\x01\x02")
    for path in (tmp_path / "a.txt", tmp_path / "missing.txt", tmp_path):
        with pytest.raises(DataError):
            tokens.read_text(path)


# The next token


def test_targets_are_the_tokens_that_follow() -> None:
    data = of_text(ALPHABET, length=16)
    preprocessing = preprocessing_of(data)
    x_NT, y_NT = data.batch(torch.arange(len(data)))
    assert x_NT.shape == y_NT.shape == (len(data), 16)
    assert x_NT.dtype == y_NT.dtype == torch.int64
    for number in (0, 7, len(data) - 1):
        start = number * 16
        assert preprocessing.decode(x_NT[number]) == ALPHABET[start : start + 16]
        assert preprocessing.decode(y_NT[number]) == ALPHABET[start + 1 : start + 17]
    assert data.input_shape == Tokens(28 + 1)
    assert data.target == NextToken(preprocessing.vocabulary.tokens)


def test_inputs_and_targets_are_views_of_one_stream() -> None:
    data = of_text(ALPHABET, length=16)
    assert data.inputs.untyped_storage().data_ptr() == data.targets.untyped_storage().data_ptr()
    assert data.targets.data_ptr() - data.inputs.data_ptr() == 8


@given(st.integers(50, 3000), st.integers(1, 16), st.sampled_from([None, "60:20:20", "98:1:1", "70:30"]))
@settings(max_examples=60, deadline=None)
def test_splits_follow_each_other_in_the_text(count: int, length: int, split: str | None) -> None:
    data = of_text((ALPHABET * 2)[:count], length=length, split=split)
    joined = torch.cat([data.rows["train"], data.rows["validation"], data.rows["test"]])
    assert joined.tolist() == list(range((count - 1) // length))
    assert len(data.rows["train"])
    assert len(data.rows["validation"])


@pytest.mark.parametrize(("count", "shares"), [(10_000, (60, 20, 20)), (50_000, (80, 10, 10)), (200_000, (90, 5, 5))])
def test_the_default_ratio_goes_by_tokens(count: int, shares: tuple[int, int, int]) -> None:
    data = of_text("ab" * (count // 2), length=10)
    for name, share in zip(("train", "validation", "test"), shares, strict=True):
        assert abs(100 * len(data.rows[name]) / len(data) - share) < 1  # type: ignore[index]


def test_only_the_training_part_says_which_tokens_there_are() -> None:
    data = of_text("abab" * 100 + "xyz" * 50, length=5)
    vocabulary = preprocessing_of(data).vocabulary
    assert vocabulary.tokens == (UNKNOWN, "a", "b")
    assert bool((data.targets[data.rows["test"]] == 0).all())


@pytest.mark.parametrize("level", ["character", "word"])
def test_levels(level: Level) -> None:
    data = of_text(ALPHABET, length=8, level=level)
    x, _ = data.batch(data.rows["train"][:1])
    decoded = preprocessing_of(data).decode(x[0])
    assert decoded == ("the quick brown fox jumps over the lazy" if level == "word" else "the quic")


def test_rare_words_are_counted_in_a_note() -> None:
    content = " ".join(f"word{number} and" for number in range(100))
    assert any("vocabulary" in note and "%" in note for note in of_text(content, length=5, level="word").notes)


def test_a_text_too_short_is_refused_with_advice() -> None:
    with pytest.raises(DataError, match="too short") as refusal:
        of_text("too short")
    assert "--length" in str(refusal.value)


def test_a_text_file_and_its_test_file(tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(ALPHABET)
    (tmp_path / "test.txt").write_text("the dog jumps over the fox. " * 5)
    data = load_text(tmp_path / "story.txt", DataOptions(length=10))
    assert data.name == "story"
    whole = load_text(tmp_path / "story.txt", DataOptions(length=10, test=str(tmp_path / "test.txt")))
    assert len(whole) == len(data) + 13
    assert whole.rows["test"].tolist() == list(range(len(data), len(data) + 13))
    x, y = whole.batch(whole.rows["test"][:1])
    assert preprocessing_of(whole).decode(x[0]) == "the dog ju"
    assert preprocessing_of(whole).decode(y[0]) == "he dog jum"
    last = len(data) - 1
    assert torch.equal(whole.targets[last], data.targets[last])
    (tmp_path / "test.txt").write_text("short")
    with pytest.raises(DataError, match="too short"):
        load_text(tmp_path / "story.txt", DataOptions(length=10, test=str(tmp_path / "test.txt")))


def test_prompts_and_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    preprocessing = preprocessing_of(of_text(ALPHABET, length=16))
    prompt = preprocessing.read("the fox")
    assert prompt.inputs.shape == (1, 7)
    assert prompt.targets is None
    assert preprocessing.decode(preprocessing.prepare(prompt.inputs)[0]) == "the fox"
    (tmp_path / "new.txt").write_text("the fox jumps over the dog. " * 3)
    for source in ("new.txt", tmp_path / "new.txt"):
        samples = preprocessing.read(source)
        assert samples.inputs.shape == (5, 16)
        assert samples.targets is not None
        assert torch.equal(samples.targets[:, :-1], samples.inputs[:, 1:])
    (tmp_path / "new.txt").write_text("fox")
    assert preprocessing.read(tmp_path / "new.txt").inputs.shape == (1, 2)
    (tmp_path / "new.txt").write_text("f")
    for wrong in ("", 3, tmp_path / "new.txt", tmp_path / "missing.txt", tmp_path):
        with pytest.raises(DataError):
            preprocessing.read(wrong)


def test_text_preprocessing_survives_json() -> None:
    preprocessing = preprocessing_of(of_text(ALPHABET))
    assert TextPreprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


# Lines by class


@pytest.fixture
def languages(tmp_path: Path) -> Path:
    folder = tmp_path / "languages"
    folder.mkdir()
    for name, ending in {"Dutch": "sen", "Italian": "ini", "Greek": "ópoulos"}.items():
        (folder / f"{name}.txt").write_text("".join(f"{chr(97 + number)}{ending}\n" for number in range(20)) + "\n")
    (folder / "LICENSE").write_text("not a class")
    return folder


def lines_of(data: Dataset) -> TextLinesPreprocessing:
    assert isinstance(data.preprocessing, TextLinesPreprocessing)
    return data.preprocessing


def test_a_line_is_a_sample_of_its_files_class(languages: Path) -> None:
    data = load_texts(languages, DataOptions())
    assert data.name == "languages"
    assert data.target == Classes(("Dutch", "Greek", "Italian"))
    assert torch.bincount(data.targets).tolist() == [20, 20, 20]
    assert data.inputs.dtype == torch.uint8
    assert data.inputs.shape == (60, 8)
    vocabulary = lines_of(data).vocabulary
    assert vocabulary.tokens[:2] == (PADDING, UNKNOWN)
    assert data.input_shape == Tokens(len(vocabulary))
    x, y = data.split("train")
    assert x.dtype == y.dtype == torch.int64
    assert all(text.endswith(("sen", "ini", "ópoulos")) for text in map(vocabulary.decode, x))


def test_lines_are_padded_on_the_left(languages: Path) -> None:
    data = load_texts(languages, DataOptions())
    vocabulary = lines_of(data).vocabulary
    for row, line in zip(data.inputs, ["asen", "bsen"], strict=False):
        assert row[:4].tolist() == [0, 0, 0, 0]
        assert all(row[4:] > 0)
        assert vocabulary.decode(row)[1:] == line[1:]


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=9), min_size=1, max_size=8), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_padding_agrees_with_a_line_at_a_time(lines: list[str], length: int) -> None:
    preprocessing = TextLinesPreprocessing(Vocabulary("character", (PADDING, UNKNOWN, "a", "b")), length, ("x", "y"))
    number = {"a": 2, "b": 3, "c": 1}
    expected = [[0] * (length - len(line)) + [number[character] for character in line[:length]] for line in lines]
    assert preprocessing.read(lines).inputs.tolist() == expected


def test_equal_lines_stay_in_one_split_and_are_noted(languages: Path) -> None:
    with (languages / "Dutch.txt").open("a") as file:
        file.write("asen\naini\n")
    data = load_texts(languages, DataOptions())
    (note,) = [note for note in data.notes if "duplicates" in note]
    assert "2 of 62 lines repeat another" in note
    assert "2 lines stand under several classes" in note
    texts = [lines_of(data).vocabulary.decode(row) for row in data.inputs]
    split_of = {int(row): name for name, rows in data.rows.items() for row in rows}
    for line in ("asen", "aini"):
        assert len({split_of[row] for row, other in enumerate(texts) if other == line}) == 1


def test_equal_lines_are_drawn_like_any_other_where_that_is_asked_for(languages: Path) -> None:
    with (languages / "Dutch.txt").open("a") as file:
        file.write("asen\n" * 200)
    data = load_texts(languages, DataOptions(duplicates="apart"))
    texts = [lines_of(data).vocabulary.decode(row) for row in data.inputs]
    splits = [name for name, rows in data.rows.items() if any(texts[row] == "asen" for row in rows.tolist())]
    assert splits == ["train", "validation", "test"]
    assert any("may be trained on, as asked" in note for note in data.notes)


def test_long_lines_are_cut_and_counted(languages: Path) -> None:
    data = load_texts(languages, DataOptions(length=5))
    assert data.inputs.shape == (60, 5)
    assert any("20 lines are longer than 5 characters" in note for note in data.notes)


def test_words_of_lines(tmp_path: Path) -> None:
    for name, word in (("good", "fine"), ("bad", "poor")):
        (tmp_path / f"{name}.txt").write_text("".join(f"a {word} film {name}{number}\n" for number in range(30)))
    data = load_texts(tmp_path, DataOptions(level="word"))
    assert lines_of(data).vocabulary.tokens == (PADDING, UNKNOWN, "a", "film", "fine", "poor")
    assert data.inputs[0].tolist() == [2, 5, 3, 1]


def test_fewer_than_two_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 text files"):
        load_texts(tmp_path, DataOptions())
    (tmp_path / "a.txt").write_text("x\ny\nz\n")
    (tmp_path / "b.txt").write_text("\n \n")
    with pytest.raises(DataError, match="1 text files"):
        load_texts(tmp_path, DataOptions())
    with pytest.raises(DataError, match="not a folder"):
        load_texts(tmp_path / "a.txt", DataOptions())


def test_new_lines_are_read(languages: Path, tmp_path: Path) -> None:
    data = load_texts(languages, DataOptions())
    preprocessing = lines_of(data)
    one = preprocessing.read("Müller")
    assert one.names == ["Müller"]
    assert one.inputs.shape == (1, 8)
    assert preprocessing.read(["asen", "bini"]).inputs.shape == (2, 8)
    (tmp_path / "new.txt").write_text("asen\n\nbini\n")
    for source in (tmp_path / "new.txt", str(tmp_path / "new.txt")):
        samples = preprocessing.read(source)
        assert samples.names == ["asen", "bini"]
        assert samples.targets is None
    whole = preprocessing.read(languages)
    assert whole.targets is not None
    assert torch.equal(whole.targets, data.targets)
    assert torch.equal(preprocessing.prepare(whole.inputs), data.inputs.long())
    (languages / "Latin.txt").write_text("aus\n")
    for wrong in ("", [], ["a", ""], 3, languages, tmp_path / "missing.txt"):
        with pytest.raises(DataError):
            preprocessing.read(wrong)


def test_a_text_that_happens_to_name_a_folder_stays_a_text(
    languages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = lines_of(load_texts(languages, DataOptions()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Rossini").mkdir()
    assert preprocessing.read("Rossini").names == ["Rossini"]
    assert len(preprocessing.read("languages").names) == 60
    assert preprocessing.read("a\0b").names == ["a\0b"]
    assert preprocessing.read("x" * 5000).inputs.shape == (1, 8)


def test_text_lines_preprocessing_survives_json(languages: Path) -> None:
    preprocessing = lines_of(load_texts(languages, DataOptions()))
    assert TextLinesPreprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


def test_the_names_agreed_on_are_there() -> None:
    assert {text.load_text, text.load_texts} == {load_text, load_texts}
    assert {TextPreprocessing.kind, TextLinesPreprocessing.kind} == {"text", "text-lines"}
