"""The studio.

Each exhibit as it opens, in headless Chromium at 1280 px, painted in software on the cores that the engine has, too:
when its first frame is painted after the address is asked for (`first`; wanted: 1 s), and, while it plays for some
seconds, how many frames a second are painted (`frames`; wanted: 30) and how long each takes, the page's own part and
the browser's (`page`: median and 95th percentile in milliseconds; wanted: under 8). The exhibits without the transport
bar do not play.

    python -m benchmarks.studio [EXHIBIT ...]
"""

import shutil
import sys
from dataclasses import dataclass
from statistics import median, quantiles

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.measure import table
from pellucid.studio.exhibit import Given
from pellucid.studio.serving import Studio

SECONDS = 6.0
"""How long each exhibit plays."""
FLAGS = ["--no-sandbox", "--disable-gpu"]
FIRST = "performance.getEntriesByName('frame')[0]?.startTime"
PAINTED = "performance.getEntriesByName('frame').map(each => [each.startTime, each.duration])"


@dataclass(frozen=True)
class Painted:
    """What was measured of one exhibit."""

    first_seconds: float
    frames_a_second: float | None = None
    milliseconds: tuple[float, float] | None = None

    @property
    def cells(self) -> list[str]:
        """As they stand in the table."""
        frames = "" if self.frames_a_second is None else f"{self.frames_a_second:.0f}"
        page = "" if self.milliseconds is None else "{:.1f}; {:.1f}".format(*self.milliseconds)
        return [f"{self.first_seconds:.2f} s", frames, page]


def compare(*exhibits: str) -> str:
    """Measure exhibits, every one unless some are named, and return the table."""
    with Studio(Given(), port=0) as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        rows = [[name, *measure(browser, studio, name).cells] for name in exhibits or studio.exhibits]
        browser.close()
    return table(["exhibit", "first", "frames", "page, ms"], rows)


def measure(browser: Browser, studio: Studio, exhibit: str) -> Painted:
    """Open an exhibit in a browser that has nothing of it, and let it play."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{studio.port}/#token={studio.token}&exhibit={exhibit}&lang=en")
    page.wait_for_selector(".exhibit")
    first = float(page.evaluate(FIRST)) / 1e3
    try:
        return _played(page, first) if page.locator("#play").count() else Painted(first)
    finally:
        context.close()


def _played(page: Page, first: float) -> Painted:
    page.wait_for_timeout(500)  # what is drawn once
    page.evaluate("performance.clearMeasures('frame')")
    page.click("#play")
    page.wait_for_timeout(SECONDS * 1e3)
    painted = [(float(at), float(took)) for at, took in page.evaluate(PAINTED)]
    if len(painted) < 2:
        return Painted(first)
    took = [each for _, each in painted]
    seconds = (painted[-1][0] - painted[0][0]) / 1e3
    return Painted(first, (len(painted) - 1) / seconds, (median(took), quantiles(took, n=20)[-1]))


def _chromium() -> str:
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None) or sys.exit("Chromium is needed (Debian's package `chromium`)")


if __name__ == "__main__":
    print(compare(*sys.argv[1:]))
