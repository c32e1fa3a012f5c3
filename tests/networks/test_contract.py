"""The contract every word and zoo member keeps: what a plan says is what the built network does."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.blocks import Gan
from pellucid.networks import COMBINATORS, WORDS, ZOO, Named, Plan, Word, build, fit_to, parse, to_source
from pellucid.networks.word import Output
from pellucid.networks.words.combinators import every
from pellucid.shapes import Features, Sequence, Shape, Tokens
from tests.networks.samples import CONTRACT, EVERYTHING, TOKENS

FREE_LENGTH = 12
BATCH = 3

RECURRENT_OR_WORDS = {"rnn", "gru", "lstm", "softmax"}
RECURRENT_ZOO = [
    fit_to(text, shape, outputs)[0]
    for text in ("rnn", "gru(16)", "lstm(8, layers=2, bidirectional=yes, dropout=0.1)")
    for shape, outputs in ((Sequence(3), 2), (Tokens(11, 5), Sequence(11)), (Tokens(11), Features(4)))
]
PLANS = [
    *map(parse, CONTRACT),
    *RECURRENT_ZOO,
    *(fit_to(name, Features(5), 3)[0] for name in ("softmax", "rbf(6, width=own)")),
]
IDS = [str(plan)[:80] for plan in PLANS]


def example(shape: Shape, seed: int = 0) -> Tensor:
    """Return a random batch of a shape; a free length becomes FREE_LENGTH."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [BATCH, *(FREE_LENGTH if size is None else size for size in shape.dimensions)]
    if isinstance(shape, Tokens):
        return torch.randint(shape.vocabulary, sizes, generator=generator)
    return torch.randn(sizes, generator=generator)


def tensors(output: Any) -> list[Tensor]:
    return list(output.values()) if isinstance(output, dict) else [output]


def shapes(output: Output) -> list[Shape]:
    return [shape for _, shape in output.shapes] if isinstance(output, Named) else [output]


@pytest.mark.parametrize("plan", PLANS, ids=IDS)
class TestContract:
    def test_shape(self, plan: Plan) -> None:
        output = build(plan, seed=0)(example(plan.input))
        if isinstance(plan.output, Named):
            assert list(output) == [name for name, _ in plan.output.shapes]
        for tensor, shape in zip(tensors(output), shapes(plan.output), strict=True):
            free = [size if size is not None else tensor.shape[1] for size in shape.dimensions]
            assert list(tensor.shape) == [BATCH, *free]

    def test_parameters(self, plan: Plan) -> None:
        model = build(plan)
        assert plan.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
        assert plan.parameters == sum(row.parameters for row in plan.table().rows)

    def test_gradient_flows(self, plan: Plan) -> None:
        model, x = build(plan, seed=0), example(plan.input)
        if not isinstance(plan.input, Tokens):
            x.requires_grad_()
        output = tensors(model(x))
        output += [gan.discriminator(gan.generator(x)) for gan in model.modules() if isinstance(gan, Gan)]
        torch.autograd.backward([tensor.square().sum() for tensor in output])
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        if x.requires_grad:
            assert x.grad is not None
            assert x.grad.abs().sum() > 0

    def test_state_dict(self, plan: Plan) -> None:
        one, other = build(plan, seed=0).eval(), build(plan, seed=1).eval()
        other.load_state_dict(copy.deepcopy(one.state_dict()))
        x = example(plan.input)
        for a, b in zip(tensors(one(x)), tensors(other(x)), strict=True):
            assert torch.equal(a, b)

    def test_text(self, plan: Plan) -> None:
        again = parse(str(plan))
        assert again == plan
        assert hash(again) == hash(plan)
        assert str(again) == str(plan)
        assert parse(plan.with_shapes()) == plan
        assert parse(str(plan).replace("->", "→").replace(" ", "  ")) == plan

    def test_source(self, plan: Plan) -> None:
        agree_in_source(plan)

    def test_table(self, plan: Plan) -> None:
        modules = dict(build(plan).named_modules())
        for row in plan.table().rows:
            assert row.name in modules
        assert str(plan.table()).count("\n") >= len(plan.table().rows) + 3

    def test_flops_are_those_of_the_rows(self, plan: Plan) -> None:
        flops = [row.flops for row in plan.table().rows]
        assert plan.flops == (None if None in flops else sum(count or 0 for count in flops))


def writer(name: str) -> Any:
    """Return the function that writes a zoo member; several members of one family may share it."""
    return getattr(ZOO[name].write, "func", ZOO[name].write)


def agree_in_source(plan: Plan) -> None:
    """Run the written source alone and compare it with the built network."""
    source = to_source(plan, "Net")
    assert "pellucid" not in source
    assert all(len(line) <= 120 for line in source.splitlines())
    namespace: dict[str, Any] = {"__name__": "network"}
    exec(source, namespace)
    ours, theirs = build(plan, seed=0).eval(), namespace["Net"]().eval()
    assert isinstance(theirs, nn.Module)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x = example(plan.input)
    for a, b in zip(tensors(ours(x)), tensors(theirs(x)), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("text", [text for text in EVERYTHING if text not in CONTRACT])
def test_words_without_gradient(text: str) -> None:
    plan = parse(text)
    assert parse(str(plan)) == plan
    agree_in_source(plan)


def test_every_word_and_zoo_member_is_in_the_contract() -> None:
    plans = [*PLANS, *(parse(text) for text in EVERYTHING)]
    used: set[type[Word]] = {type(word) for plan in plans for word in every(plan.steps)}
    assert {*WORDS.values(), *COMBINATORS.values()} <= used
    said = {re.split("[(.]", word.strip(), maxsplit=1)[0] for text in EVERYTHING for word in text.split("->")}
    assert {writer(name) for name in ZOO} == {writer(name) for name in said | RECURRENT_OR_WORDS if name in ZOO}


def test_tokens_are_whole_numbers() -> None:
    assert example(parse(TOKENS[0]).input).dtype == torch.int64
