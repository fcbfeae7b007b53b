"""How soon the web interface shows something: ``python -m bench.page [--visits N]``.

The overview is opened in Chromium, each time in a browser that has nothing of it in its cache, and then again with what
that browser has kept. The figures are the medians of the first contentful paint (https://www.w3.org/TR/paint-timing/),
in milliseconds after the navigation began, and their ratios to that of a page of one word which the same server sends.
The machine must be quiet otherwise.
"""

import argparse
import asyncio
import json
import shutil
from statistics import median
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bench.platform import Platform
from tests.e2e.web.browsers import NAMES

PAINTED = """new Promise((told) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") told(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""
TARGETS = {"one word": "/healthz", "overview": "/ui/"}


async def painted(page: Page, url: str) -> float:
    """Milliseconds from the navigation to the first paint with something in it."""
    await page.goto(url)
    found: float = await page.evaluate(PAINTED)
    return found


async def visits(browser: Browser, url: str, count: int) -> tuple[float, float]:
    """The medians of first visits, and of those with a cache."""
    first, again = [], []
    for _ in range(count):
        context = await browser.new_context()
        page = await context.new_page()
        first.append(await painted(page, url))
        again.append(await painted(page, url))
        await context.close()
    return median(first), median(again)


async def main(count: int) -> None:
    """Measure and print, a line of JSON a page."""
    program = next(filter(None, map(shutil.which, NAMES)))
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with Platform() as there, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        bare: float | None = None
        for name, path in TARGETS.items():
            first, again = await visits(browser, there.url + path, count)
            bare = bare or first
            row: dict[str, Any] = {"what": name, "visits": count, "first ms": round(first), "again ms": round(again)}
            print(json.dumps(row | {"ratio of the first": round(first / bare, 1)}), flush=True)
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--visits", type=int, default=15)
    asyncio.run(main(parser.parse_args().visits))
