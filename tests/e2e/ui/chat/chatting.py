"""How a test talks on the page of conversations."""

from playwright.sync_api import Locator, Page

from tests.support.servers import wait_for

DISTANCE = "document.documentElement.scrollHeight - innerHeight - scrollY"
"""How far from its end the page is scrolled, in pixels."""


def say(page: Page, text: str) -> None:
    """Write a message, and send it."""
    field = page.get_by_label("Message", exact=True)
    field.fill(text)
    field.press("Enter")


def to_see(page: Page, condition: str) -> None:
    """Wait until this holds in the page, whose policy forbids what Playwright waits with."""
    wait_for(lambda: bool(page.evaluate(condition)), 30, lambda: page.evaluate(DISTANCE))


def limited(page: Page, tokens: int) -> None:
    """Let answers have so many tokens at most."""
    page.get_by_text("System prompt and parameters").click()
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
