"""Several models that answer one message side by side, and a reader who goes on with one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import answers, limited, say, settings
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def comparing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with the demo's smollm2, and with two that echo."""
    made = Stack(tmp_path_factory.mktemp("comparing") / "home", demo=True)
    try:
        made.start()
        made.launch_echo("echo", step_ms=20, max_tokens=400)
        made.launch_echo("org/parrot", step_ms=20, max_tokens=400)
        yield made
    finally:
        made.close()


def test_models_answer_side_by_side_and_one_is_gone_on_with(comparing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{comparing.url}/ui/chat?model=smollm2")
    limited(page, 16)
    page.get_by_role("button", name="Chat settings").click()
    page.get_by_role("button", name="Compare with another model").click()
    page.get_by_label("Model 2").select_option("org/parrot")
    page.get_by_role("button", name="Compare with another model").click()
    expect(page.get_by_label("Model 3")).to_have_value("echo")
    assert "org%2Fparrot" in page.url or "org/parrot" in page.url
    bodies = []
    page.on("request", lambda one: bodies.append(one.post_data_json) if "completions" in one.url else None)
    say(page, "Name a colour of the sky.")
    for model in ("smollm2", "org/parrot", "echo"):
        expect(answers(page, model)).to_contain_text("tokens/s")
    assert sorted(body["model"] for body in bodies) == ["echo", "org/parrot", "smollm2"]
    tops = [answers(page, model).bounding_box() for model in ("smollm2", "org/parrot", "echo")]
    assert len({box["y"] for box in tops if box}) == 1
    chosen = page.get_by_role("button", name="Continue with this one: org/parrot")
    chosen.click()
    expect(page.get_by_role("button", name="The conversation continues from here: org/parrot")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="The conversation continues from here: org/parrot")).to_be_visible()
    say(page, "And of the sea?")
    expect(answers(page, "smollm2")).to_contain_text("tokens/s")
    expect(answers(page, "org/parrot")).to_have_count(2)
    assert bodies[-1]["messages"][1]["content"].startswith("Name a colour")
    page.get_by_role("button", name="Remove echo").click()
    expect(answers(page, "echo")).to_have_count(0)


def test_all_are_stopped_at_once_and_one_is_asked_again(comparing: Stack, opened: Opener) -> None:
    page, _ = opened(f'{comparing.url}/ui/chat?model=echo&beside=["org/parrot"]')
    say(page, "on and on")
    for model in ("echo", "org/parrot"):
        expect(answers(page, model)).to_contain_text("on and on on")
    page.get_by_role("button", name="Stop").click()
    for model in ("echo", "org/parrot"):
        expect(answers(page, model)).to_contain_text("Stopped.")
    limited(page, 4)
    answers(page, "org/parrot").get_by_role("button", name="Regenerate").click()
    expect(answers(page, "org/parrot")).to_contain_text("4 written")
    expect(answers(page, "echo")).to_contain_text("Stopped.")


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(comparing: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f'{comparing.url}/ui/chat?model=smollm2&beside=["org/parrot","echo"]', locale=locale)
    settings(page)
    page.locator("input[inputmode=decimal]").nth(2).fill("16")
    page.locator("form textarea").fill("Name a colour of the sky.")
    page.locator("form textarea").press("Enter")
    for number in (1, 2, 3):
        expect(page.locator("article").nth(number).locator("button").first).to_be_visible()
    look(page, "chat-compare", locale)
