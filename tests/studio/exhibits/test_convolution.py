"""The convolution calculator: its numbers against SciPy's, its page by keyboard alone."""

import numpy as np
import pytest
import torch
from playwright.sync_api import Page
from scipy.signal import correlate2d

from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.convolution.engine import (
    KERNELS,
    PICTURES,
    Convolution,
    ConvolutionSettings,
    Look,
    SetCell,
)  # fmt: skip
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E4")


def engine(**settings: object) -> Convolution:
    return Convolution(ConvolutionSettings.model_validate(settings), Given())


@pytest.mark.parametrize("kernel", [each for each in KERNELS if each != "own"])
@pytest.mark.parametrize("picture", [each for each in PICTURES if each != "own"])
def test_the_output_is_scipys(picture: str, kernel: str) -> None:
    made = engine(picture=picture, kernel=kernel, padding=1, stride=2)
    expected = correlate2d(made.matrix.numpy(), made.kernel.numpy(), mode="full")
    # the full correlation begins with two rows of padding; ours has one
    np.testing.assert_allclose(made.frame().arrays["result"], expected[1:-1:2, 1:-1:2], atol=1e-6)


@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_the_products_at_every_position_add_up(dilation: int) -> None:
    made = engine(picture="noise", kernel="gauss", dilation=dilation, size=9, stride=2, padding=1)
    for position in range(made.output.numel()):
        made.act(Look(kind="look", position=position))
        frame = made.frame()
        assert frame.values["position"] == position
        assert frame.arrays["products"].sum() == pytest.approx(frame.values["sum"])


def test_the_kernel_spread_by_hand_is_the_dilated_one() -> None:
    dilated = engine(picture="noise", kernel="sharpen", dilation=2, size=9)
    spread = np.zeros((5, 5))
    spread[::2, ::2] = dilated.kernel
    expected = correlate2d(dilated.matrix.numpy(), spread, mode="valid")
    np.testing.assert_allclose(dilated.frame().arrays["result"], expected, atol=1e-6)


def test_a_cell_of_ones_own() -> None:
    made = engine(picture="edge")
    made.act(SetCell(kind="set_cell", of="matrix", row=0, column=0, value=5.0))
    assert made.settings.picture == "own"
    assert made.settings.matrix is not None
    assert made.settings.matrix[0][0] == 5.0
    again = Convolution(ConvolutionSettings.model_validate_json(made.settings.model_dump_json()), Given())
    np.testing.assert_array_equal(again.frame().arrays["result"], made.frame().arrays["result"])


def test_a_kernel_larger_than_its_input_is_refused() -> None:
    with pytest.raises(RefusedError, match="too_large") as caught:
        engine(size=3, dilation=2)
    assert caught.value.values == {"reach": 5, "room": 3}


def test_the_program_gives_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    made = engine(picture="noise", kernel="scharr", angle=30.0, stride=2, padding=1)
    namespace: dict[str, torch.Tensor] = {}
    exec(made.sources()["pytorch"], namespace)
    np.testing.assert_allclose(namespace["output"], made.output, rtol=1e-4, atol=1e-4)
    assert "stride=2" in made.sources()["arrows"]


def cell(page: Page, name: str, place: str) -> str:
    return str(
        page.evaluate(
            f"(x => x.value ?? x.textContent)(document.querySelector('#matrix-{name} [data-cell=\"{place}\"]'))"
        )
    )


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    status = page.locator(".status")
    page.keyboard.press("s")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('position 3 of 25')")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('#play').textContent.includes('Pause')")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('position 5')")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('#play').textContent.includes('Play')")
    page.focus("#control-stride")
    page.keyboard.press("ArrowRight")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('of 9')")
    assert "1 of 9" in (status.text_content() or "")
    # into the kernel's first cell, one to the right, and another number there
    page.focus("#matrix-weights [data-cell='0,0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('#control-kernel').value === 'own'")
    assert cell(page, "weights", "0,1") == "7"


@pytest.mark.slow
def test_a_refusal_stands_beside_its_control_and_goes_away(studio_page: StudioPages) -> None:
    page = studio_page("convolution", language="zh")
    page.focus("#control-size")
    page.keyboard.press("Home")
    studio_page.until(page, "document.querySelector('#matrix-matrix').rows.length === 3")
    page.focus("#control-dilation")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".control .refused")
    assert "卷积核跨越 5 格" in (page.locator(".control .refused").text_content() or "")
    studio_page.until(page, "document.querySelector('#control-dilation').value === '1'")
    page.focus("#control-padding")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".refused", state="detached")


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark"), ("en", "dark"), ("zh", "light")])
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    page = studio_page("convolution", language=language, theme=theme, width=width)
    studio_page.check(page)
