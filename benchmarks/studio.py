"""The studio.

Each exhibit as it opens, in headless Chromium at 1280 px, painted in software on the cores that the engine has, too:
when its first frame is painted after the address is asked for (`first`; wanted: 1 s), and, while it plays for some
seconds, how many frames a second are painted (`frames`; wanted: 30) and how long each takes, by its median and 95th
percentile in milliseconds: the page's own part (`page`; wanted: under 8), and with the browser's style, layout and
painting until its main thread is free again (`painted`). The exhibits without the transport bar do not play; that of
back-propagation goes one stop in 1.2 seconds.

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
TAKEN = "name => performance.getEntriesByName(name).map(each => [each.startTime, each.duration])"


@dataclass(frozen=True)
class Painted:
    """What was measured of one exhibit."""

    first_seconds: float
    frames_a_second: float | None = None
    page: tuple[float, float] | None = None
    painted: tuple[float, float] | None = None

    @property
    def cells(self) -> list[str]:
        """As they stand in the table."""
        frames = "" if self.frames_a_second is None else f"{self.frames_a_second:.0f}"
        parts = ["" if each is None else "{:.1f}; {:.1f}".format(*each) for each in (self.page, self.painted)]
        return [f"{self.first_seconds:.2f} s", frames, *parts]


def compare(*exhibits: str) -> str:
    """Measure exhibits, every one unless some are named, and return the table."""
    with Studio(Given(), port=0) as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        rows = [[name, *measure(browser, studio, name).cells] for name in exhibits or studio.exhibits]
        browser.close()
    return table(["exhibit", "first", "frames", "page, ms", "painted, ms"], rows)


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
    page.evaluate("performance.clearMeasures()")
    page.click("#play")
    page.wait_for_timeout(SECONDS * 1e3)
    begun = [float(at) for at, _ in page.evaluate(TAKEN, "frame")]
    if len(begun) < 2:
        return Painted(first)
    frames = (len(begun) - 1) / (begun[-1] - begun[0]) * 1e3
    return Painted(first, frames, *(_spread(page.evaluate(TAKEN, name)) for name in ("frame", "painted")))


def _spread(taken: list[list[float]]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    took = [each for _, each in taken]
    return median(took), quantiles(took, n=20)[-1]


def _chromium() -> str:
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None) or sys.exit("Chromium is needed (Debian's package `chromium`)")


if __name__ == "__main__":
    print(compare(*sys.argv[1:]))
