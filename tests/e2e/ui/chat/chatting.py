"""How a test talks on the page of conversations."""

import re

from playwright.sync_api import Locator, Page

from tests.support.servers import wait_for

LOG = "document.querySelector('[role=log]')"
"""What was said, which scrolls by itself."""
DISTANCE = f"({LOG}.scrollHeight - {LOG}.clientHeight - {LOG}.scrollTop)"
"""How far from its end it is scrolled, in pixels."""


def say(page: Page, text: str) -> None:
    """Write a message, and send it."""
    field = page.get_by_label("Message", exact=True)
    field.fill(text)
    field.press("Enter")


def to_see(page: Page, condition: str) -> None:
    """Wait until this holds in the page, whose policy forbids what Playwright waits with."""
    wait_for(lambda: bool(page.evaluate(condition)), 30, lambda: page.evaluate(DISTANCE))


def settings(page: Page) -> None:
    """Open the panel with what a conversation is asked with."""
    button = page.get_by_role("button", name=re.compile("^(Chat settings|对话设置)$"))
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def limited(page: Page, tokens: int) -> None:
    """Let answers have so many tokens at most."""
    settings(page)
    page.get_by_label("Maximum tokens").fill(str(tokens))


def answers(page: Page, model: str) -> Locator:
    """The answers of a model that are shown."""
    return page.get_by_role("log").get_by_role("article", name=model)


LONG_TASKS = """(() => {
  const took = [];
  const observer = new PerformanceObserver((list) => took.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ type: "longtask" });
  window.longTasks = () => {
    took.push(...observer.takeRecords().map((one) => one.duration));
    observer.disconnect();
    return took;
  };
})()"""
"""From now on the tasks of the page's thread are watched that take longer than 50 ms, by the clock; ``longTasks()``
ends that, and gives what they took in ms."""
