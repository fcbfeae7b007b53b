"""Answers in a given form, calls of tools, thoughts and the odds of tokens in the page of conversations.

With real weights (smollm2 on llama.cpp); with echo where a model that thinks is needed.
"""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import answers, limited, say, settings
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import unfit
from tests.engines import templates

pytestmark = pytest.mark.e2e

SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "warm": {"type": "boolean"}},
    "required": ["city", "warm"],
}
UNMEETABLE = {**SCHEMA, "not": {"required": ["warm"]}}
"""What no grammar expresses, and no answer of the form above meets."""


@pytest.fixture(scope="module")
def forming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with the demo's smollm2, and with echo."""
    made = Stack(tmp_path_factory.mktemp("forming") / "home", demo=True)
    try:
        made.start()
        made.launch_echo("echo", step_ms=0)
        made.client.launch({"model_uid": "thinker", "model_name": "smollm2", "chat_template": templates.THINKS_FIRST})
        made.client.wait_ready("thinker")
        yield made
    finally:
        made.close()


def shaped(page: Page, form: str, label: str = "", text: str = "") -> None:
    """Ask for answers of a form."""
    field = page.get_by_label("Output format")
    if not field.is_visible():
        settings(page)
        page.get_by_text("Output format and tools").click()
    field.select_option(form)
    if label:
        page.get_by_label(label, exact=True).fill(text)


def test_an_answer_is_held_against_its_schema(forming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=smollm2")
    limited(page, 200)
    shaped(page, "JSON schema", "JSON schema", json.dumps(SCHEMA))
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    say(page, "Is it warm in Rome?")
    answer = answers(page, "smollm2")
    expect(answer).to_contain_text("Valid: JSON schema")
    assert sent[0].post_data_json["response_format"]["json_schema"]["schema"] == SCHEMA
    page.reload()
    expect(answer).to_contain_text("Valid: JSON schema")
    shaped(page, "JSON schema", "JSON schema", json.dumps(UNMEETABLE))
    page.get_by_role("button", name="Regenerate").click()
    expect(answer).to_contain_text("Not valid: JSON schema")
    expect(answer.get_by_role("listitem")).to_contain_text("/")
    expect(answer).to_contain_text("Not supported by the engine:")
    assert unfit(page) == []


@pytest.mark.parametrize(
    ("form", "label", "typed", "verdict"),
    [
        ("Choices, a line each", "Choices, a line each", "yes\nno", "Valid: Choices"),
        ("Regular expression", "Regular expression", "[0-9]{4}-[0-9]{2}", "Valid: Regular expression"),
        ("Grammar (GBNF or Lark)", "Grammar (GBNF or Lark)", 'root ::= "red" | "blue"', "This page cannot check it"),
    ],
)
def test_an_answer_has_the_form_that_was_chosen(
    forming: Stack, opened: Opener, form: str, label: str, typed: str, verdict: str
) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=smollm2")
    shaped(page, form, label, typed)
    say(page, "Say something.")
    expect(answers(page, "smollm2")).to_contain_text(verdict)


def test_what_was_typed_wrong_is_said_and_not_sent(forming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=echo")
    shaped(page, "JSON schema", "JSON schema", "{")
    expect(page.get_by_text("This is no valid JSON.")).to_be_visible()
    assert unfit(page) == []
    page.get_by_label("JSON schema", exact=True).fill("")
    page.get_by_role("button", name="Use an example", exact=True).click()
    assert json.loads(page.get_by_label("JSON schema", exact=True).input_value())["type"] == "object"
    page.get_by_label("Tools, as a list in JSON").fill("[1]")
    expect(page.get_by_text("Tools are a list of objects")).to_be_visible()


def test_a_tool_is_called_answered_and_gone_on_from(forming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=smollm2")
    limited(page, 120)
    page.get_by_text("Output format and tools").click()
    page.get_by_role("button", name="Use an example of a tool").click()
    page.get_by_label("Tool choice").select_option("Exactly one")
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    say(page, "What is the weather in Rome?")
    calls = answers(page, "smollm2").first
    expect(calls).to_contain_text("Calls weather")
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    fields = calls.get_by_label("What weather answers")
    give = calls.get_by_role("button", name="Give to the model")
    expect(give).to_be_disabled()
    for number in range(fields.count()):
        fields.nth(number).fill(f"sunny, {20 + number} degrees")
    assert unfit(page) == []
    give.click()
    expect(answers(page, "Tools")).to_contain_text("sunny, 20 degrees")
    expect(answers(page, "smollm2").nth(1)).to_contain_text("written")
    body = sent[1].post_data_json
    assert [one["role"] for one in body["messages"]][:3] == ["user", "assistant", "tool"]
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == "weather"
    assert body["messages"][2]["tool_call_id"] == body["messages"][1]["tool_calls"][0]["id"]
    assert "tool_choice" not in body
    page.reload()
    expect(answers(page, "Tools")).to_contain_text("sunny, 20 degrees")
    expect(calls).to_contain_text("Calls weather")


def test_the_odds_of_tokens_are_told_on_hover_and_focus(forming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=smollm2")
    limited(page, 12)
    page.get_by_label("Log probabilities").check()
    say(page, "Name a colour.")
    answer = answers(page, "smollm2")
    answer.get_by_text("Tokens and their probabilities").click()
    tokens = answer.get_by_role("group", name="Tokens of the answer").get_by_role("button")
    expect(tokens.nth(2)).to_be_visible()
    assert tokens.count() <= 12
    told = answer.get_by_role("table")
    expect(told.get_by_role("row")).to_have_count(5)
    tokens.nth(2).hover()
    expect(told).to_contain_text(f"{tokens.nth(2).inner_text()} had")
    tokens.nth(2).focus()
    page.keyboard.press("ArrowLeft")
    expect(tokens.nth(1)).to_be_focused()
    expect(told).to_contain_text(f"{tokens.nth(1).inner_text()} had")
    assert unfit(page) == []


def test_thoughts_are_switched_and_folded_away(forming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=thinker")
    limited(page, 16)
    page.get_by_label("Temperature").fill("0")
    page.get_by_label("Thinking").select_option("On")
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    say(page, "Name a colour.")
    answer = answers(page, "thinker")
    thoughts = answer.get_by_role("group").filter(has_text="Thoughts")
    expect(answer).to_contain_text(re.compile(r"\d+ written"))
    assert sent[0].post_data_json["enable_thinking"] is True
    thought = thoughts.locator("p").first
    expect(thought).to_be_hidden()
    thoughts.get_by_text("Thoughts", exact=True).click()
    expect(thought).to_be_visible()
    assert thought.inner_text().strip()
    page.get_by_label("Thinking").select_option("Off")
    page.get_by_role("button", name="Regenerate").click()
    expect(answer).to_contain_text("2 of 2")
    assert sent[1].post_data_json["enable_thinking"] is False
    page.get_by_label("Model", exact=True).select_option("smollm2")
    expect(page.get_by_label("Thinking")).to_have_count(0)


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(forming: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{forming.url}/ui/chat?model=smollm2", locale=locale)
    settings(page)
    page.locator("input[type=checkbox]").check()
    page.locator("summary").nth(1).click()
    page.locator("details select").last.select_option("schema")
    page.locator("details textarea").nth(1).fill(json.dumps(SCHEMA))
    page.locator("form textarea").fill("Is it warm in Rome?")
    page.locator("form textarea").press("Enter")
    page.locator("article summary").click()
    page.locator("article table").wait_for()
    look(page, "chat-structure", locale)
