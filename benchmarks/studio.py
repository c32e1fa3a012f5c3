"""The studio.

Each exhibit as it opens, in headless Chromium at 1280 px, painted in software on the cores that the engine has, too:
when its first frame is painted after the address is asked for (`first`; wanted: 1 s), and, while it plays for some
seconds, how many frames a second are painted (`frames`; wanted: 30) and how long each takes, by its median and 95th
percentile in milliseconds (wanted: under 8): the page's own part (`page`), and with the browser's style, layout and
painting until its main thread is free again (`painted`). The latter on the clock includes that the thread waits for a
core, with the engine, the server and the browser's other threads on the same two; what it computes itself is traced in
a second playing (`computed`). The exhibits without the transport bar do not play; that of back-propagation goes one
stop in 1.2 seconds.

    python -m benchmarks.studio [EXHIBIT ...]
"""

import json
import shutil
import sys
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from statistics import median, quantiles

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.measure import table
from pellucid.studio.exhibit import Given
from pellucid.studio.serving import Studio

SECONDS = 6.0
"""How long each exhibit plays at least."""
FEWEST = 25
"""Frames that are waited for, where they come slowly."""
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
    computed: tuple[float, float] | None = None

    @property
    def cells(self) -> list[str]:
        """As they stand in the table."""
        frames = "" if self.frames_a_second is None else f"{self.frames_a_second:.0f}"
        taken = (self.page, self.painted, self.computed)
        parts = ["" if each is None else "{:.1f}; {:.1f}".format(*each) for each in taken]
        return [f"{self.first_seconds:.2f} s", frames, *parts]


def compare(*exhibits: str) -> str:
    """Measure exhibits, every one unless some are named, and return the table."""
    with Studio(Given(), port=0) as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        rows = [[name, *measure(browser, studio, name).cells] for name in exhibits or studio.exhibits]
        browser.close()
    return table(["exhibit", "first", "frames", "page, ms", "painted, ms", "computed, ms"], rows)


def measure(browser: Browser, studio: Studio, exhibit: str) -> Painted:
    """Open an exhibit in a browser that has nothing of it, and let it play."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{studio.port}/#token={studio.token}&exhibit={exhibit}&lang=en")
    page.wait_for_selector(".exhibit")
    first = float(page.evaluate(FIRST)) / 1e3
    try:
        return _played(browser, page, first) if page.locator("#play").count() else Painted(first)
    finally:
        context.close()


def _played(browser: Browser, page: Page, first: float) -> Painted:
    page.wait_for_timeout(500)  # what is drawn once
    begun = [at for at, _ in _play(page)]
    if len(begun) < FEWEST:
        return Painted(first)
    frames = (len(begun) - 1) / (begun[-1] - begun[0]) * 1e3
    own, whole = (_spread([took for _, took in page.evaluate(TAKEN, name)]) for name in ("frame", "painted"))
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    _play(page)
    computed = _computed(browser.stop_tracing())
    return Painted(first, frames, own, whole, _spread(computed) if len(computed) >= FEWEST else None)


def _play(page: Page) -> list[tuple[float, float]]:
    """Let it play from its beginning, and return when each frame began and how long the page took for it."""
    page.click("#reset")
    page.wait_for_timeout(500)
    page.click("#play")
    page.evaluate("performance.clearMeasures()")
    taken: list[tuple[float, float]] = []
    for _ in range(10):
        page.wait_for_timeout(SECONDS * 1e3)
        taken = page.evaluate(TAKEN, "frame")
        if len(taken) >= FEWEST:
            break
    return taken


def _computed(trace: bytes) -> list[float]:
    """Return for how many milliseconds the page's main thread computed in each task that painted."""
    events = [each for each in json.loads(trace)["traceEvents"] if each.get("ph") == "X"]
    layouts = Counter((each["pid"], each["tid"]) for each in events if each["name"] == "Layout")
    main = layouts.most_common(1)[0][0] if layouts else None
    own = [each for each in events if (each["pid"], each["tid"]) == main]
    painted = sorted(each["ts"] for each in own if each["name"] == "Paint")
    tasks = [each for each in own if each["name"] == "ThreadControllerImpl::RunTask"]
    spans = ((each["ts"], each["ts"] + each["dur"], each.get("tdur", 0) / 1e3) for each in tasks)
    return [took for begin, end, took in spans if bisect_left(painted, begin) < bisect_left(painted, end)]


def _spread(took: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    return median(took), quantiles(took, n=20)[-1]


def _chromium() -> str:
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None) or sys.exit("Chromium is needed (Debian's package `chromium`)")


if __name__ == "__main__":
    print(compare(*sys.argv[1:]))
