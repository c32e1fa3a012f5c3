"""The shell in a real browser: languages, themes, sharing, keys, a server that goes away, a page without its key."""

import base64
import json
from pathlib import Path

import pytest

from pellucid.studio.exhibit import Given
from pellucid.studio.serving import Studio
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.slow
STATUS = "document.querySelector('.status').textContent"


def test_first_paint_shows_a_working_exhibit_at_once(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    assert page.evaluate("performance.getEntriesByName('frame').length") >= 1
    assert page.locator("#matrix-result td").count() > 20


def test_what_was_refused_stays_to_be_mended(studio_page: StudioPages) -> None:
    page = studio_page("playground")
    page.fill("#control-learning_rate", "-3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#control-learning_rate ~ .refused, .control:has(#control-learning_rate) .refused")
    page.wait_for_timeout(200)
    assert page.input_value("#control-learning_rate") == "-3"
    page.fill("#control-learning_rate", "0.05")
    page.keyboard.press("Enter")
    studio_page.until(page, "!document.querySelector('.refused')")
    assert page.input_value("#control-learning_rate") == "0.05"


def test_a_refused_setting_of_an_address_leaves_no_empty_field(studio_page: StudioPages) -> None:
    state = base64.urlsafe_b64encode(json.dumps({"settings": {"learning_rate": 1e6}}).encode()).decode().rstrip("=")
    page = studio_page("playground", more=f"&state={state}")
    page.wait_for_selector(".control:has(#control-learning_rate) .refused")
    assert page.input_value("#control-learning_rate") == "0.01"


def test_the_token_leaves_the_address_and_a_reload_keeps_the_settings(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.focus("#control-size")
    page.keyboard.press("End")
    studio_page.until(
        page, "location.hash.includes('state=') && document.querySelector('#matrix-matrix').rows.length === 12"
    )
    page.wait_for_timeout(400)
    assert "token" not in page.url
    page.reload()
    page.wait_for_selector("#matrix-matrix")
    studio_page.until(page, "document.querySelector('#matrix-matrix').rows.length === 12")


def test_a_shared_address_shows_the_same_in_another_studio(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.focus("#control-stride")
    page.keyboard.press("End")
    page.wait_for_timeout(500)
    state = page.url.split("#")[1]
    other = studio_page("convolution", more=f"&{state}", language="zh")
    assert other.input_value("#control-stride") == "4"


def test_a_shared_file_can_be_saved_and_opened(studio_page: StudioPages, tmp_path: Path) -> None:
    page = studio_page("convolution")
    page.focus("#control-padding")
    page.keyboard.press("End")
    studio_page.until(page, "document.querySelector('#matrix-matrix').rows.length === 15")
    page.click(".sharing button:last-child")
    with page.expect_download() as saved:
        page.click("#share-dialog .row button:nth-child(2)")
    file = tmp_path / "shared.json"
    saved.value.save_as(file)
    assert json.loads(file.read_text())["state"]["settings"]["padding"] == 4
    other = studio_page("convolution")
    other.click(".sharing button:last-child")
    other.set_input_files("#share-dialog input[type=file]", file)
    studio_page.until(other, "document.querySelector('#matrix-matrix')?.rows.length === 15")
    other.click(".sharing button:last-child")
    other.fill("#share-link", "nonsense")
    other.keyboard.press("Enter")
    assert "no exhibit" in (other.text_content("#share-told") or "")


def test_language_and_theme_change_at_once(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.select_option("#language", "zh")
    studio_page.until(page, "document.documentElement.lang === 'zh-Hans'")
    assert page.text_content("h1") == "逐个数字看卷积"
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.select_option("#theme", "dark")
    studio_page.until(page, f"getComputedStyle(document.body).backgroundColor !== '{light}'")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_dialogs_are_readable_by_all(studio_page: StudioPages, language: str) -> None:
    page = studio_page("convolution", language=language, theme="dark", width=360)
    for opener, dialog in (("#help", "help"), (".sharing button:last-child", "share"), (".sharing button", "sources")):
        page.click(opener)
        page.wait_for_selector(f"#{dialog}-dialog[open]")
        page.wait_for_timeout(200)
        studio_page.check(page)
        page.keyboard.press("Escape")


def test_a_teacher_hides_controls(studio_page: StudioPages) -> None:
    page = studio_page("convolution", more="&hide=stride,dilation,reset")
    assert page.locator("#control-stride, #control-dilation, #reset").count() == 0
    assert page.locator("#control-padding").count() == 1


def test_marks_answer_hover_and_focus(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.hover("#matrix-weights td")
    assert page.text_content("#tip") == "Weight, row 1, column 1−1"
    studio_page.check(page)  # with the tip, which stands within a landmark
    page.focus("#matrix-result [data-cell='0,1']")
    page.keyboard.press("ArrowDown")
    studio_page.until(page, f"{STATUS}.includes('position 7')")


def test_figures_are_saved(studio_page: StudioPages, tmp_path: Path) -> None:
    page = studio_page("convolution")
    for button, kind in ((1, b"<svg"), (2, b"\x89PNG")):
        with page.expect_download() as saved:
            page.click(f"figure[data-name=output] .saving button:nth-child({button})")
        target = tmp_path / str(button)
        saved.value.save_as(target)
        assert target.read_bytes().startswith(kind)


def test_a_server_that_comes_back_finds_the_page_as_it_was(studio_page: StudioPages) -> None:
    first = Studio(Given(), port=0)
    page = studio_page("convolution", studio=first)
    page.focus("#control-stride")
    page.keyboard.press("End")
    studio_page.until(page, f"{STATUS}.includes('of 4')")
    page.wait_for_load_state("networkidle")  # the fonts of formulas come when they are first needed
    first.close()
    page.wait_for_selector(".dot.waiting")
    assert "does not answer" in (page.text_content("main .notice") or "")
    with Studio(Given(), port=first.port, token=first.token):
        page.wait_for_selector(".dot.connected", timeout=20_000)
        page.wait_for_selector("main .notice", state="detached")
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("s")
        studio_page.until(page, f"{STATUS}.includes('position 2 of 4')")
    page.wait_for_timeout(50)


def test_a_page_without_its_key_says_what_to_do(studio_page: StudioPages, studio: Studio) -> None:
    page = studio_page("convolution")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_selector("#stranger-link")
    studio_page.check(page)
    page.fill("#stranger-link", studio.url)
    page.keyboard.press("Enter")
    page.wait_for_selector(".exhibit")


def test_two_tabs_are_two_visitors(studio_page: StudioPages) -> None:
    one, other = studio_page("convolution"), studio_page("convolution")
    one.keyboard.press("s")
    studio_page.until(one, f"{STATUS}.includes('position 3')")
    assert "position 2" in (other.text_content(".status") or "")


def test_axe_would_find_a_fault(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.evaluate("document.querySelector('#help').textContent = ''")
    with pytest.raises(AssertionError, match="button-name"):
        studio_page.check(page)


def test_a_slow_page_misses_frames_and_is_shown_the_newest(studio_page: StudioPages) -> None:
    page = studio_page("playground")
    epoch = "Number(document.querySelector('.status').textContent.match(/\\d+/)[0])"
    page.keyboard.press("Space")
    studio_page.until(page, f"{epoch} > 3")
    before = page.evaluate(f"({{epoch: {epoch}, frames: performance.getEntriesByName('frame').length}})")
    # as a page that another tab hides, or a computer that is busy: nothing is painted for a while
    page.evaluate("(() => { const begun = performance.now(); while (performance.now() - begun < 1500); })()")
    page.wait_for_timeout(50)
    after = page.evaluate(f"({{epoch: {epoch}, frames: performance.getEntriesByName('frame').length}})")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('#play').textContent.includes('Play')")
    assert after["epoch"] - before["epoch"] > 3 * (after["frames"] - before["frames"])
