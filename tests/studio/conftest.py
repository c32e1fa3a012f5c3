"""One studio and one browser for all tests: `studio`, `browser`, and `studio_page`, which opens an exhibit."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from pellucid.studio.exhibit import Given
from pellucid.studio.serving import Studio

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# Chromium logs a failed socket as an error; a test that takes the server away expects it
LOST = "WebSocket connection to"


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A running studio, opened with nothing, not even the runs that happen to lie here."""
    with Studio(Given(runs=tmp_path_factory.mktemp("runs")), port=0) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped."""
    if not BROWSER:
        pytest.skip("needs Chromium (Debian's package `chromium`)")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        launched = playwright.chromium.launch(executable_path=BROWSER, args=flags)
        yield launched
        launched.close()


class StudioPages:
    """Opens exhibits, and holds against every page that it logs no error and asks no other host.

    Call it for a page; `check(page)` looks for violations of the accessibility rules and for what sticks out sideways.
    """

    def __init__(self, browser: Browser, studio: Studio) -> None:
        self.browser, self.studio = browser, studio
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def __call__(
        self, exhibit: str, *, language: str = "en", theme: str = "light", width: int = 1280, height: int = 900,
        more: str = "", studio: Studio | None = None,
    ) -> Page:  # fmt: skip
        """Open an exhibit and wait until it is drawn."""
        shown = studio or self.studio
        context = self.browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(10_000)
        self.pages.append(page)
        self.watch(page, f"http://127.0.0.1:{shown.port}/")
        address = f"http://127.0.0.1:{shown.port}/#token={shown.token}"
        page.goto(f"{address}&exhibit={exhibit}&lang={language}&theme={theme}{more}")
        page.wait_for_selector(".exhibit")
        return page

    def watch(self, page: Page, ours: str) -> None:
        """Note every error, and every request that is not for the studio."""

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and LOST not in message.text:
                self.faults.append(f"console: {message.text} ({message.location.get('url')})")

        def on_request(request: Request) -> None:
            if not request.url.startswith((ours, "data:", "blob:")):
                self.faults.append(f"request to {request.url}")

        page.on("console", on_console)
        page.on("request", on_request)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))

    def until(self, page: Page, condition: str, seconds: float = 10.0) -> None:
        """Wait until an expression holds in the page, whose policy forbids Playwright's own way of asking."""
        ends = time.monotonic() + seconds
        while not page.evaluate(condition):
            assert time.monotonic() < ends, f"never held: {condition}"
            page.wait_for_timeout(20)

    def check(self, page: Page) -> None:
        """Assert that axe finds nothing to object to, and that the page is no wider than its window."""
        # through the debugger, which the page's own policy does not bind
        page.evaluate(AXE)
        found: Any = page.evaluate("axe.run({resultTypes: ['violations']})")
        told = [
            f"{each['id']}: {each['help']}: {[n['html'][:200] for n in each['nodes'][:3]]}"
            for each in found["violations"]
        ]
        assert not told, "\n".join(told)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"the page is {wide} pixels wider than its window"


@pytest.fixture
def studio_page(browser: Browser, studio: Studio) -> Iterator[StudioPages]:
    """A function that opens an exhibit; at the end its pages must have logged no error and asked nobody else."""
    pages = StudioPages(browser, studio)
    yield pages
    for page in pages.pages:
        page.context.close()
    assert not pages.faults, "\n".join(pages.faults)
