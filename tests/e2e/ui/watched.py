"""A browser whose pages are watched: whatever a page does that it should not is found at the end of the test."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.e2e.web.browsers import MISSING, NAMES

AXE = Path(__file__).parents[3] / "api" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_REPORT = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`);
});
"""


class Watch:
    """What went wrong in the pages of a context, and what was asked of others than ``host``."""

    def __init__(self, context: BrowserContext, host: str) -> None:
        self._host = host
        self._faults: list[str] = []
        self._excused: list[re.Pattern[str]] = []
        context.add_init_script(_REPORT)
        context.on("console", self._said)
        context.on("weberror", lambda error: self._add(f"uncaught: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("request", self._asked)
        context.on("response", self._answered)

    def excuse(self, pattern: str) -> None:
        """Faults that match this are expected."""
        self._excused.append(re.compile(pattern))

    def faults(self, pages: list[Page]) -> list[str]:
        """What went wrong."""
        for page in pages:
            self._faults += [f"policy: {one}" for one in page.evaluate("window.violations ?? []")]
        return [fault for fault in self._faults if not any(one.search(fault) for one in self._excused)]

    def _add(self, fault: str) -> None:
        self._faults.append(fault)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._add(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.netloc != self._host:
            self._add(f"asked another server: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page has left, or let go of a stream
            self._add(f"failed: {request.method} {request.url} ({request.failure})")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._add(f"refused: {response.status} {response.request.method} {response.url}")


@contextmanager
def chromium(*further: str) -> Iterator[Browser]:
    """The machine's Chromium, without a window. Raises FileNotFoundError where there is none.

    ``further``: more options of its command line.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise FileNotFoundError(MISSING)
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", *further]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


def unfit(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA in this page."""
    page.evaluate(AXE.read_text())  # not a script element, which the page's own policy would refuse
    found = page.evaluate("(rules) => axe.run({ runOnly: rules })", RULES)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
