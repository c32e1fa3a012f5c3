"""Fitting to data: zoo names adapt and say so, arrows do not."""

import pytest

from pellucid.errors import NotationError
from pellucid.networks import build, fit_to, parse
from pellucid.shapes import Features, Image, Sequence, Tokens
from tests.networks.test_contract import example


def test_lenet_adapts_to_mnist() -> None:
    plan, notes = fit_to("lenet5", Image(28, 28, 1), 10)
    assert plan == parse("28x28x1 -> lenet5")
    assert plan.parameters == 61_706
    assert notes == (
        "lenet5: input 28x28x1 in place of 32x32x1",
        "lenet5: the first convolution pads 28x28 by 2 to the paper's 32x32",
    )


def test_lenet_adapts_to_other_images_and_classes() -> None:
    plan, notes = fit_to("lenet5(classes=10)", Image(8, 9, 3), 4)
    assert str(plan).startswith("8x9x3 -> upsample(to=32x32, mode=bilinear) -> conv(6, 5x5) -> tanh")
    assert str(plan.output) == "4"
    assert notes[1:] == (
        "lenet5: images are resized from 8x9 to the paper's 32x32",
        "lenet5: 4 outputs in place of 10",
    )


@pytest.mark.parametrize("side", [8, 9, 16, 28, 32, 33, 64, 65, 96, 128, 224])
def test_cnn_fits_every_image(side: int) -> None:
    plan, _ = fit_to("cnn(width=4)", Image(side, side + 3, 2), 5)
    assert build(plan).eval()(example(plan.input)).shape == (3, 5)


@pytest.mark.parametrize("side", [1, 2, 3, 7])
def test_cnn_fits_tiny_images(side: int) -> None:
    plan, _ = fit_to("cnn", Image(side, side, 1), 2)
    assert build(plan).eval()(example(plan.input)).shape == (3, 2)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_recurrent_networks_answer_once_or_at_every_step(name: str) -> None:
    once, _ = fit_to(name, Tokens(65, 64), 3)
    assert once.output == Features(3)
    always, notes = fit_to(name, Tokens(65, 64), Sequence(65))
    assert always.output == Sequence(65, 64)
    assert notes == (f"{name}: an output at every step",)
    asked, _ = fit_to(f"{name}(32, layers=2, every_step=yes)", Tokens(65), 65)
    assert str(asked) == f"tokens(65) -> embed(64) -> {name}(32, layers=2) -> fc(65)"
    forecast, _ = fit_to(f"{name}(units=16)", Sequence(3, 24), 1)
    assert str(forecast) == f"T=24 x 3 -> {name}(16) -> last -> fc(1)"


@pytest.mark.parametrize("name", ["linear", "logistic", "softmax"])
@pytest.mark.parametrize("shape", [Features(13), Image(8, 8, 1), Sequence(3, 5)])
def test_networks_without_hidden_layer(name: str, shape: Features | Image | Sequence) -> None:
    plan, notes = fit_to(name, shape, 4)
    assert plan.output == Features(4)
    assert notes == ()


def test_heads_for_several_outputs() -> None:
    plan, notes = fit_to("mlp(8)", Features(13), {"digit": 10, "parity": 2})
    assert str(plan) == "13 -> fc(8) -> relu -> heads(digit: fc(10) | parity: fc(2))"
    assert notes == ("mlp: a head for each of digit, parity",)
    assert fit_to(str(plan), Features(13), {"parity": 2, "digit": 10})[0] == plan


def test_auxiliary_heads_beside_a_main_one_are_one_output() -> None:
    text = "9x9x1 -> conv(2, 3x3) -> heads(aux: fc(4) | main: conv(2, 3x3) -> heads(aux2: fc(4) | main: fc(4)))"
    assert fit_to(text, Image(9, 9, 1), 4) == (parse(text), ())
    assert fit_to(text, Image(9, 9, 1), Features(4)) == (parse(text), ())
    assert str(parse(text).output) == "aux: 4, aux2: 4, main: 4"
    for wrong in (text.replace("aux: fc(4)", "aux: fc(3)"), text.replace("main: fc(4)", "last: fc(4)")):
        with pytest.raises(NotationError, match="the network's output is not what the data asks for"):
            fit_to(wrong, Image(9, 9, 1), 4)
    with pytest.raises(NotationError, match="two outputs have one name"):
        parse(text.replace("aux2", "aux"))


def test_rbf_has_fewer_centres_for_few_rows_unless_a_number_is_given() -> None:
    plan, notes = fit_to("rbf", Features(4), 3, rows=90)
    assert str(plan) == "4 -> rbf(22) -> fc(3)"
    assert notes == ("rbf: 22 centres, as suits 90 training rows",)
    for text, rows, centres in (("rbf", 800, 200), ("rbf", None, 200), ("rbf", 1, 1), ("rbf(150)", 90, 150)):
        assert str(fit_to(text, Features(4), 3, rows)[0]) == f"4 -> rbf({centres}) -> fc(3)"
    named, notes = fit_to("rbf(centres=30, width=own)", Features(4), 3, rows=90)
    assert str(named) == "4 -> rbf(30, width=own) -> fc(3)"
    assert notes == ()
    shared, _ = fit_to("rbf(width=own)", Features(4), 3, rows=90)
    assert str(shared) == "4 -> rbf(22, width=own) -> fc(3)"
    part, _ = fit_to("rbf.features -> fc(3)", Features(4), 3, rows=90)
    assert str(part) == "4 -> rbf(22) -> fc(3)"


def test_parts_of_a_zoo_network() -> None:
    plan, _ = fit_to("lenet5.features -> fc(7)", Image(28, 28, 1), 7)
    assert str(plan).endswith("avgpool(2x2) -> fc(7)")
    with pytest.raises(NotationError, match="the network's output is not what the data asks for"):
        fit_to("lenet5.features -> fc(7)", Image(28, 28, 1), 8)


def test_arrows_stay_as_they_are() -> None:
    text = "T x 8 -> lstm(4) -> last -> fc(2)"
    for network in (text, parse(text)):
        assert fit_to(network, Sequence(8, 24), 2) == (parse(text), ())
    with pytest.raises(NotationError, match="the network's input is not the data's"):
        fit_to("T=24 x 8 -> lstm(4) -> last -> fc(2)", Sequence(8), 2)
    assert fit_to("8x8x1 -> conv(3, 1x1)", Image(8, 8, 1), Image(8, 8, 3))[1] == ()


def test_a_zoo_name_refuses_data_of_another_sort() -> None:
    with pytest.raises(NotationError, match="lenet5 works on an image"):
        fit_to("lenet5", Features(13), 2)
    with pytest.raises(NotationError, match="the network's input is not the data's"):
        fit_to("32x32x1 -> lenet5", Image(28, 28, 1), 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lenet5(10)", "lenet5 has no such argument"),
        ("lenet5(clases=10)", "lenet5 has no such argument"),
        ("lenet5(classes=0)", "classes is out of range"),
        ("lenet5(classes=2, classes=2)", "classes is given twice"),
        ("13 -> mlp(0)", "hidden is out of range"),
        ("13 -> mlp(dropout=2)", "mlp does not fit 13: rate cannot be 2"),
        ("13 -> mlp(activation=reul)", "activation cannot be reul"),
        ("tokens(9) -> mlp", "mlp works on"),
    ],
)
def test_wrong_arguments_of_a_zoo_name(text: str, message: str) -> None:
    with pytest.raises(NotationError, match="\\^") as refused:
        parse(text)
    assert refused.value.message.startswith(message)


@pytest.mark.covers("B6")
def test_one_row_becomes_a_sequence_of_as_many_steps_as_there_are_answers() -> None:
    plan, _ = fit_to("seq2seq(5)", Features(32), Features(24))
    assert str(plan) == "32 -> fc(5) -> tanh -> repeatvector(24) -> gru(5) -> fc(1) -> flatten"
    text = "32 -> fc(5) -> repeatvector(24) -> gru(5) -> fc(1)"
    with pytest.raises(NotationError) as refusal:
        fit_to(text, Features(32), Features(24))
    assert f"write {text} -> flatten" in str(refusal.value)
    fit_to(f"{text} -> flatten", Features(32), Features(24))
    with pytest.raises(NotationError, match=r"-> last -> fc\(3\)"):
        fit_to("T=9 x 2 -> gru(5)", Sequence(2, 9), Features(3))
