"""The page in a real browser: drawn offline, in light and dark, on a phone and on paper."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not BROWSER, reason="needs Chromium (Debian's package `chromium`)")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    return pellucid.train("digits", network="mlp", epochs=8, folder=str(folder / "runs"), quiet=True).report()


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page without any network."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    return subprocess.run(
        [BROWSER, *flags, profile, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )


def picture(page: Path, tmp_path: Path, width: int, *options: str) -> np.ndarray:
    target = tmp_path / "page.png"
    browse(page, f"--screenshot={target}", f"--window-size={width},1600", *options)
    return np.asarray(Image.open(target).convert("L"), dtype=np.float64)


def test_light_and_dark_follow_the_reader(page: Path, tmp_path: Path) -> None:
    light = picture(page, tmp_path, 1200, "--blink-settings=preferredColorScheme=1")
    dark = picture(page, tmp_path, 1200, "--blink-settings=preferredColorScheme=0")
    assert np.median(light) > 200
    assert np.median(dark) < 60
    for shown in (light, dark):  # something is drawn, and it can be told from the ground
        assert (abs(shown - np.median(shown)) > 100).mean() > 0.005


def test_nothing_sticks_out_on_a_phone(page: Path) -> None:
    probe = page.with_name("probe.html")
    script = "<script>document.title = 'width ' + document.documentElement.scrollWidth</script>"
    probe.write_text(page.read_text().replace("</body>", f"{script}</body>"))
    drawn = browse(probe, "--dump-dom", "--window-size=500,1600").stdout
    assert "<title>width 500</title>" in drawn


def test_it_prints(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") + content.count(b"/Type /Page/") <= 15
