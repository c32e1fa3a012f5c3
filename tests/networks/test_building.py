"""Building: seeds, names, plain torch."""

import ast

import pytest
import torch
from torch import nn

import pellucid.networks
from pellucid import blocks
from pellucid.errors import NotationError
from pellucid.networks import build, parse, to_source
from pellucid.networks.words import Conv, Fc
from tests.networks.samples import EVERYTHING

IMPORTS = (ast.Import, ast.ImportFrom)


def test_a_seed_fixes_the_weights_and_leaves_the_global_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = build("lenet5", seed=0), build("lenet5", seed=0), build("lenet5", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.state_dict()["conv1.weight"], same.state_dict()["conv1.weight"])
    assert not torch.equal(one.state_dict()["conv1.weight"], other.state_dict()["conv1.weight"])


def test_without_a_seed_the_weights_come_from_the_global_state() -> None:
    torch.manual_seed(5)
    one = build("13 -> fc(2)")
    torch.manual_seed(5)
    assert torch.equal(one.state_dict()["fc1.weight"], build("13 -> fc(2)").state_dict()["fc1.weight"])


def test_names_are_the_words_with_numbers() -> None:
    model = build("8x8x1 -> 2 * (conv(2, 3x3) -> batchnorm -> relu) -> residual(conv(3, 1x1)) -> fc(5)")
    assert [name for name, _ in model.named_children()] == [
        *("conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "residual1", "flatten1", "fc1")
    ]
    inside = [key for key in model.state_dict() if key.startswith("residual1")]
    assert inside == [f"residual1.{part}.conv1.{kind}" for part in ("body", "shortcut") for kind in ("weight", "bias")]


@pytest.mark.parametrize("text", EVERYTHING)
def test_modules_are_torchs_or_blocks(text: str) -> None:
    known = {getattr(blocks, name) for name in blocks.__all__}
    for module in build(text).modules():
        assert type(module) in known or type(module).__module__.startswith("torch.nn")


def test_projection_has_batch_norm_where_the_chain_has() -> None:
    plain = build("8x8x2 -> residual(conv(4, 3x3, stride=2, padding=1) -> relu)").state_dict()
    normed = build("8x8x2 -> residual(conv(4, 3x3, stride=2, padding=1) -> batchnorm)").state_dict()
    assert "residual1.shortcut.conv1.bias" in plain
    assert "residual1.shortcut.conv1.bias" not in normed
    assert "residual1.shortcut.bn1.weight" in normed


def test_lower_case_letters_of_lecture_notes_are_understood() -> None:
    assert parse("9x9x3 -> conv(n=8, f=3, s=2, p=1)") == parse("9x9x3 -> conv(8, kernel=3, stride=2, padding=1)")
    assert parse("9x9x3 -> maxpool(f=2, s=2)") == parse("9x9x3 -> maxpool(kernel=2, stride=2)")


def test_comments_lines_and_other_signs_are_understood() -> None:
    text = "9×9×3 → conv(8, 3×3) # C1\n\n → relu →\n  3 × (fc(4)) # the end"
    assert parse(text) == parse("9x9x3 -> conv(8, 3x3) -> relu -> 3 * (fc(4))")
    assert parse("Tx8 -> fc(2)") == parse("T x 8 -> fc(2)") == parse("T×8→fc(2)")
    assert parse("T=24x8 -> fc(2)") == parse("T = 24 x 8 -> fc(2)")


def test_words_made_in_python_are_checked_too() -> None:
    assert str(Conv(6, (5, 5), padding="valid")) == "conv(6, 5x5)"
    with pytest.raises(NotationError, match="units is out of range"):
        Fc(0)


@pytest.mark.parametrize("name", ["class", "two words", "nn", "1x", "", "Add"])
def test_a_source_needs_a_free_name(name: str) -> None:
    with pytest.raises(NotationError, match="another name"):
        to_source(parse("7 -> add(fc(7) | identity)"), name)


def test_a_head_cannot_have_a_name_of_torchs() -> None:
    with pytest.raises(NotationError, match="a head cannot have this name"):
        parse("7 -> heads(train: fc(2) | b: fc(1))")


@pytest.mark.parametrize("head", ["x", "F", "self_", "head1", "dim"])
def test_other_head_names_work(head: str) -> None:
    output = build(f"7 -> heads({head}: fc(2))")(torch.zeros(1, 7))
    assert list(output) == [head]


def test_public_names_are_exported() -> None:
    for name in pellucid.networks.__all__:
        assert hasattr(pellucid.networks, name)
    assert isinstance(build("13 -> fc(1)"), nn.Sequential)


@pytest.mark.parametrize("text", EVERYTHING)
def test_a_source_imports_what_it_uses_and_no_more(text: str) -> None:
    source = to_source(parse(text))
    names = [
        node.asname or node.name for item in ast.parse(source).body if isinstance(item, IMPORTS) for node in item.names
    ]
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert set(names) <= used
