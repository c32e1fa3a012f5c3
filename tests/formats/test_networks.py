"""Every network the notation can write, in the forms programs read: ONNX on onnxruntime and pt2 say what torch says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from pellucid.blocks import HopfieldModern
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Classes, Itself, Labels, Preprocessing, Several, Target, Values
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.texts.text import TextPreprocessing
from pellucid.data.texts.tokens import UNKNOWN, Vocabulary
from pellucid.errors import RunError
from pellucid.formats import Exported, Trained, write_onnx, write_pt2
from pellucid.formats.traced import trace
from pellucid.networks import Named, build, main_output, parse
from pellucid.shapes import Features, Image, Tokens
from tests.networks.samples import EVERYTHING, RECALLING

CLASSES = Classes(("no", "yes"))
FREE = 9
"""Steps of a sequence whose length the network leaves open."""

ZOO = (
    "28x28x1 -> lenet5", "28x28x1 -> lenet5(form=paper)", "8x8x3 -> cnn(width=4)",
    "13 -> linear", "13 -> logistic", "13 -> softmax", "13 -> mlp(8)",
    "T=6 x 3 -> rnn(5)", "T=6 x 3 -> fromlast(gru(5) -> last -> fc(1))", "tokens(11) -> embed(4) -> lstm(3)",
    "tokens(11) -> embed(4) -> gru(3, layers=2, bidirectional=yes) -> fc(11)",
    "tokens(11) -> embed(4, padded=yes) -> gru(3, bidirectional=yes, padded=yes) -> ends(padded=yes) -> fc(2)",
    "tokens(11) -> embed(4, padded=yes) -> lstm(3, layers=2, padded=yes) -> last -> fc(2)",
    "4 -> repeatvector(5) -> gru(3) -> fc(1) -> flatten",
    "9x8x2 -> residual(conv(4, 3x3, stride=2, padding=1) -> batchnorm -> relu) -> relu",
    "7 -> heads(aux: fc(2) | main: fc(3) -> relu -> heads(aux2: fc(2) | main: fc(2)))",
)  # fmt: skip
ONE_OUTPUT = tuple(text for text in EVERYTHING if text not in RECALLING and not isinstance(parse(text).output, Named))


def trained(text: str, target: Target = CLASSES) -> Trained:
    """Return a network of random weights as a run would have left it, with preprocessing that fits its input."""
    plan = parse(text)
    network = build(plan, seed=1).eval()
    for module in network.modules():  # statistics as a training leaves them, not 0 and 1
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(generator=torch.Generator().manual_seed(2))
            module.running_var.uniform_(0.5, 2, generator=torch.Generator().manual_seed(3))
    sample = tuple(FREE if size is None else size for size in plan.input.dimensions)
    preprocessing: Preprocessing
    match plan.input:
        case Tokens(vocabulary):
            tokens = (UNKNOWN, *map(str, range(vocabulary - 1)))
            preprocessing = TextPreprocessing(Vocabulary("word", tokens), sample[0])
        case Image(height, width, channels) if channels in (1, 3):
            preprocessing = ImagePreprocessing(height, width, channels, (0.4,) * channels, (0.2,) * channels)
        case Image(channels=channels):
            preprocessing = ArrayPreprocessing("channels first", sample, (1.5,) * channels, (2.0,) * channels)
        case Features():
            preprocessing = ArrayPreprocessing("features", sample, (1.5,) * sample[-1], (2.0,) * sample[-1])
        case _:
            preprocessing = ArrayPreprocessing("sequences", sample, (1.5,) * sample[-1], (2.0,) * sample[-1])
    return Trained("made", network, plan, preprocessing, target, sample)


def inputs(made: Trained, samples: int) -> Tensor:
    """Return inputs as a user has them, drawn apart from those the export itself compares."""
    random = torch.Generator().manual_seed(samples)
    if isinstance(made.preprocessing, TextPreprocessing):
        steps = samples if made.open_length else made.sample[0]
        return torch.randint(0, len(made.preprocessing.vocabulary), (samples, steps), generator=random)
    if isinstance(made.preprocessing, ImagePreprocessing):
        return torch.randint(0, 256, (samples, *made.sample), dtype=torch.uint8, generator=random)
    return torch.randn(samples, *made.sample, generator=random) * 2 + 1.5


def probabilities(made: Trained, batch: Tensor) -> np.ndarray:
    with torch.no_grad():
        said: np.ndarray = main_output(made.network(made.preprocessing.prepare(batch))).softmax(-1).numpy()
    return said


def run_onnx(written: Exported) -> Callable[[Tensor], np.ndarray]:
    session = onnxruntime.InferenceSession(written.target)

    def run(batch: Tensor) -> np.ndarray:
        (said,) = session.run(None, {"input": batch.numpy()})
        return np.asarray(said)

    return run


def run_pt2(written: Exported) -> Callable[[Tensor], np.ndarray]:
    module = torch.export.load(written.target).module()

    def run(batch: Tensor) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(module(batch))

    return run


def require_same(made: Trained, run: Callable[[Tensor], np.ndarray]) -> None:
    for samples in (1, 2, 7):
        batch = inputs(made, samples)
        assert run(batch) == pytest.approx(probabilities(made, batch), abs=2e-5)


@pytest.mark.parametrize("text", [*ZOO[:4], *(pytest.param(text, marks=pytest.mark.slow) for text in ZOO[4:])])
def test_a_zoo_network_as_pt2(text: str, tmp_path: Path) -> None:
    made = trained(text)
    require_same(made, run_pt2(write_pt2(made, tmp_path / "made.pt2")))


@pytest.mark.parametrize("text", ZOO)
def test_a_zoo_network_as_onnx(text: str, tmp_path: Path) -> None:
    made = trained(text)
    require_same(made, run_onnx(write_onnx(made, tmp_path / "made.onnx")))


@pytest.mark.slow
@pytest.mark.parametrize("text", ONE_OUTPUT)
def test_every_word_of_the_notation(text: str, tmp_path: Path) -> None:
    made = trained(text)
    require_same(made, run_onnx(write_onnx(made, tmp_path / "made.onnx")))
    require_same(made, run_pt2(write_pt2(made, tmp_path / "made.pt2")))


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_recurrence_is_one_operator_for_any_length(kind: str, tmp_path: Path) -> None:
    made = trained(f"tokens(11) -> embed(4) -> {kind}(5, layers=2, bidirectional=yes) -> fc(11)")
    says = (
        run_onnx(write_onnx(made, tmp_path / "made.onnx")),
        run_pt2(write_pt2(made, tmp_path / "made.pt2")),
    )
    for shape in ((1, 1), (3, 400)):
        batch = torch.randint(0, 11, shape, generator=torch.Generator().manual_seed(4))
        for say in says:
            assert say(batch) == pytest.approx(probabilities(made, batch), abs=2e-5)


def test_the_file_says_what_goes_in_and_out(tmp_path: Path) -> None:
    made = trained("tokens(11) -> embed(4) -> gru(3) -> fc(11)")
    session = onnxruntime.InferenceSession(write_onnx(made, tmp_path / "made.onnx").target)
    (given,), (said,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("input", "tensor(int64)", ["batch", "length"])
    assert (said.name, said.type, said.shape) == ("probabilities", "tensor(float)", ["batch", "length", 11])
    assert session.get_modelmeta().custom_metadata_map["arrows"] == str(made.plan)


@pytest.mark.parametrize(("mean", "scale"), [(1e6, 1.0), (0.0, 1e-6)], ids=["far from zero", "tiny"])
def test_values_are_compared_in_what_they_vary_by(
    mean: float, scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trained("7 -> fc(1)", Values(("y",), (mean,), (scale,)))
    assert write_onnx(made, tmp_path / "right.onnx").difference is not None
    other = replace(made, network=build("7 -> fc(1)", seed=2).eval())
    monkeypatch.setattr("pellucid.formats.onnx.trace", lambda _, recurrence: trace(other, recurrence))
    with pytest.raises(RunError, match="does not compute what the network does"):
        write_onnx(made, tmp_path / "wrong.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["right.onnx"]


SEVERAL = Several({"c": Classes(("x", "y", "z")), "q": Values(("q",), (1e3,), (2.0,)), "l": Labels(("m", "n"))})


@pytest.mark.covers("C17")
@pytest.mark.parametrize("write", [write_onnx, write_pt2])
def test_several_targets_have_an_output_each(write: Callable[[Trained, Path], Exported], tmp_path: Path) -> None:
    made = trained("7 -> fc(5) -> relu -> heads(q: fc(1) | c: fc(3) | l: fc(2))", SEVERAL)
    written = write(made, tmp_path / f"made.{'onnx' if write is write_onnx else 'pt2'}")
    assert written.difference is not None
    assert written.difference < 1e-2
    assert "c, q, l" in written.usage
    x = made.example(5)
    own = made.network((x - 1.5) / 2)
    said = made.whole(x)
    assert isinstance(said, tuple)
    assert torch.allclose(said[0], own["c"].softmax(-1))
    assert torch.allclose(said[1], own["q"] * 2 + 1e3)
    assert torch.allclose(said[2], own["l"].sigmoid())
    if write is write_onnx:
        session = onnxruntime.InferenceSession(written.target)
        assert [output.name for output in session.get_outputs()] == ["c", "q", "l"]
        for theirs, ours in zip(session.run(None, {"input": x.numpy()}), said, strict=True):
            assert torch.allclose(torch.from_numpy(theirs), ours, atol=1e-5)


@pytest.mark.parametrize("write", [write_onnx, write_pt2])
def test_a_recall_until_nothing_changes_is_no_graph(
    write: Callable[..., Exported], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RunError, match=r"cannot be traced(.|\n)*until nothing changes"):
        write(trained("9x8x1 -> binarise -> hopfield"), tmp_path / "made")
    assert capsys.readouterr().out == ""


def test_what_was_learned_without_a_target_comes_out_as_it_is(tmp_path: Path) -> None:
    made = trained("9x8x1 -> modernhopfield(4)", Itself("recall"))
    memory = made.network.get_submodule("modernhopfield1")
    assert isinstance(memory, HopfieldModern)
    memory.store(torch.randn(4, 1, 9, 8, generator=torch.Generator().manual_seed(5)))
    batch = inputs(made, 3)
    expected = made.network(made.preprocessing.prepare(batch)).numpy()
    assert run_onnx(write_onnx(made, tmp_path / "made.onnx"))(batch) == pytest.approx(expected, abs=1e-5)
    assert run_pt2(write_pt2(made, tmp_path / "made.pt2"))(batch) == pytest.approx(expected, abs=1e-5)
