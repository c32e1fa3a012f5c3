"""What holds for any plan and any text."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from pellucid.errors import NotationError
from pellucid.networks import Named, Plan, build, fit_to, parse
from pellucid.shapes import Features, Image, Sequence, Tokens
from tests.networks.strategies import mutated_texts, plans, texts
from tests.networks.test_contract import agree_in_source, shapes, tensors

FREE_LENGTH = 60  # long enough for every window without padding that a random plan holds


def often(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=count,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def example(plan: Plan) -> torch.Tensor:
    sizes = [2, *(FREE_LENGTH if size is None else size for size in plan.input.dimensions)]
    if isinstance(plan.input, Tokens):
        return torch.randint(plan.input.vocabulary, sizes)
    return torch.randn(sizes)


def check_plan(plan: Plan) -> None:
    assert parse(str(plan)) == plan
    assert parse(plan.with_shapes()) == plan
    model = build(plan, seed=0).eval()
    assert plan.parameters == sum(p.numel() for p in model.parameters())
    assert plan.parameters == sum(row.parameters for row in plan.table().rows)
    with torch.no_grad():
        output = model(example(plan))
    for tensor, shape in zip(tensors(output), shapes(plan.output), strict=True):
        assert tensor.dim() == len(shape.dimensions) + 1
        for real, planned in zip(tensor.shape[1:], shape.dimensions, strict=True):
            assert planned in (None, real)


def check_text(text: str) -> None:
    read = read_or_refused(lambda: parse(text))
    if isinstance(read, Plan):
        assert parse(str(read)) == read
        str(read.table())
    else:
        assert "^" in str(read)


def read_or_refused(read: Callable[[], Plan]) -> Plan | NotationError:
    try:
        return read()
    except NotationError as error:
        return error


@given(plans())
@often(300)
def test_any_plan_round_trips_and_builds(plan: Plan) -> None:
    check_plan(plan)


@given(plans())
@often(100)
def test_any_plan_writes_its_source(plan: Plan) -> None:
    if None not in plan.input.dimensions:
        agree_in_source(plan)


@given(texts)
@often(400)
def test_any_text_is_read_or_refused(text: str) -> None:
    check_text(text)


@given(mutated_texts())
@often(400)
def test_any_change_of_a_text_is_read_or_refused(text: str) -> None:
    check_text(text)


@given(mutated_texts())
@often(100)
@pytest.mark.parametrize("shape", [Features(7), Image(9, 8, 2), Sequence(3), Tokens(11)], ids=str)
def test_any_text_fits_data_or_says_why_not(shape: Features | Image | Sequence | Tokens, text: str) -> None:
    read = read_or_refused(lambda: fit_to(text, shape, 3)[0])
    assert isinstance(read, Plan) or "^" in str(read)
    assert not isinstance(read, Plan) or not isinstance(read.output, Named)


def test_a_name_that_cannot_be_written_for_an_input_is_refused_at_its_place() -> None:
    check_text("T x 2 -> gan(code=3, width=5, layers=1)")
    check_text("8 -> gan(classes=3)")


@pytest.mark.slow
class TestMany:
    @given(plans())
    @often(10_000)
    def test_any_plan(self, plan: Plan) -> None:
        check_plan(plan)

    @given(texts)
    @often(10_000)
    def test_any_text(self, text: str) -> None:
        check_text(text)

    @given(mutated_texts())
    @often(10_000)
    def test_any_change_of_a_text(self, text: str) -> None:
        check_text(text)
