"""Registering a model in the page: guessed from real weights, in the form and as JSON, launched, and forgotten."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, SHOTS, look
from tests.e2e.ui.watched import unfit
from tests.support.weights import minilm_directory, smollm2_directory

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]


def described(page: Page) -> dict[str, Any]:
    """The description as the page shows it as JSON."""
    found: dict[str, Any] = json.loads(page.get_by_label("The same as JSON", exact=True).input_value())
    return found


def guessed(page: Page, folder: Path) -> None:
    page.get_by_label("Folder, file or repository").fill(str(folder))
    page.get_by_role("button", name="Guess").click()
    page.get_by_text("The description below was filled in.").wait_for()


@pytest.fixture
def minilm() -> Path:
    found = minilm_directory()
    assert found is not None
    return found


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, opened: Opener, minilm: Path, locale: str) -> None:
    spec = {"model_format": "pytorch", "quantizations": ["none"], "model_uri": f"file://{minilm}"}
    own = {"model_name": f"look-{locale}", "dimensions": 384, "max_tokens": 128, "model_specs": [spec]}
    url = f"{stack.url}/v1/model_registrations/embedding"
    assert httpx.post(url, json={"model": own}).status_code == 200
    page, watch = opened(f"{stack.url}/ui/register", locale=locale)
    page.get_by_role("row").filter(has_text=f"look-{locale}").wait_for()
    page.get_by_role("status").wait_for(state="detached")
    watch.excuse("400|409")
    page.get_by_role("textbox").nth(1).fill("qwen3")
    page.get_by_text("say where the weights are").first.wait_for()
    look(page, "register", locale)
    assert httpx.delete(f"{url}/look-{locale}").status_code == 200


def test_weights_are_guessed_registered_launched_and_forgotten(
    stack: Stack, opened: Opener, minilm: Path, tmp_path: Path
) -> None:
    page, watch = opened(f"{stack.url}/ui/register")
    watch.excuse("400")
    page.get_by_label("Folder, file or repository").fill(str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Guess").click()
    expect(page.get_by_label("Folder, file or repository")).to_have_attribute("aria-invalid", "true")
    guessed(page, minilm)
    expect(page.get_by_label("Type")).to_have_value("embedding")
    expect(page.get_by_label("Dimensions")).to_have_value("384")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_text("It can be registered.").wait_for()
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "register-guessed-en-US-light-1280.png", full_page=True)
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("mine is registered").locator("..")).to_be_focused()
    row = page.get_by_role("row").filter(has_text="mine")
    row.get_by_role("button", name="Launch: mine").click()
    expect(page).to_have_url(f"{stack.url}/ui/models/mine")
    stack.client.wait_ready("mine")
    body = {"model": "mine", "input": "a b"}
    assert len(httpx.post(f"{stack.url}/v1/embeddings", json=body, timeout=60).json()["data"][0]["embedding"]) == 384

    page.goto(f"{stack.url}/ui/register")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    row.get_by_role("button", name="Edit as new: mine").click()
    assert described(page)["model_name"] == "mine-2"
    page.get_by_text("It can be registered.").wait_for()
    row.get_by_role("button", name="Unregister: mine").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Unregister").click()
    expect(page.get_by_text("mine is no longer registered.").locator("..")).to_be_focused()
    expect(row).to_have_count(0)
    assert httpx.get(f"{stack.url}/v1/model_registrations/embedding/mine").status_code == 404
    httpx.delete(f"{stack.url}/v1/models/mine", timeout=90)


def test_the_form_and_the_json_are_one(stack: Stack, opened: Opener) -> None:
    page, watch = opened(f"{stack.url}/ui/register")
    watch.excuse("400|409")
    text = page.get_by_label("The same as JSON", exact=True)
    page.get_by_label("Name", exact=True).fill("both")
    page.get_by_label("Folder or file").fill("file:///models/both")
    page.get_by_label("Size (billions of parameters)").press_sequentially("0.5")
    page.get_by_label("Languages").press_sequentially("en, zh")
    page.get_by_label("tool calling").check()
    page.get_by_text("It can be registered.").wait_for()
    [spec] = described(page)["model_specs"]
    assert (spec["model_uri"], spec["model_size_in_billions"]) == ("file:///models/both", 0.5)
    assert (described(page)["model_lang"], described(page)["model_ability"]) == (["en", "zh"], ["chat", "tools"])

    text.fill(json.dumps(described(page) | {"context_length": 4096, "featured": True, "tool_parser": "x"}))
    expect(page.get_by_label("Context length")).to_have_value("4096")
    page.get_by_text("Without effect here:").wait_for()
    page.get_by_label("Context length").fill("lots")
    expect(page.get_by_label("Context length")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Register", exact=True)).to_be_disabled()
    assert described(page)["featured"] is True, "what the form does not know stays"
    page.get_by_label("Context length").fill("")
    page.get_by_role("button", name="Add weights").click()
    expect(page.get_by_text(re.compile(r"model_specs(\[1\])?"), exact=False).first).to_be_visible()
    page.get_by_role("button", name="Remove: weights 2").click()
    page.get_by_text("It can be registered.").wait_for()

    text.fill("{")
    page.get_by_text("The form comes back").wait_for()
    page.get_by_text("neither JSON nor YAML").first.wait_for()
    text.fill("model_name: yaml\nmodel_specs:\n- model_uri: file:///x\n  model_format: pytorch\n  quantization: none")
    page.get_by_text("It can be registered.").wait_for()
    page.reload()
    assert text.input_value().startswith("model_name: yaml")
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


def test_others_than_administrators_are_told(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_API_KEY="user", HEADRACE_ADMIN_KEY="root")
    page, watch = opened(f"{stack.url}/ui/register")
    watch.excuse("401")
    page.get_by_label("API key").fill("user")
    page.keyboard.press("Enter")
    page.get_by_text("Only an administrator's key").wait_for()
    assert page.get_by_role("button", name="Guess").count() == 0


class TestTemplate:
    """The chat template of a description, tried out."""

    def describe(self, page: Page, **fields: Any) -> None:
        """Put this into the description."""
        page.get_by_label("The same as JSON", exact=True).fill(json.dumps(described(page) | fields))

    @pytest.mark.parametrize("locale", LOCALES)
    def test_it_can_be_read_by_all(self, stack: Stack, opened: Opener, locale: str) -> None:
        page, watch = opened(f"{stack.url}/ui/register", locale=locale)
        watch.excuse("400|409")
        page.get_by_label(re.compile("Chat template|对话模板")).first.fill(
            "{% for m in messages %}\n{{ m.content }}\n{{ oops("
        )
        page.get_by_role("checkbox").last.check()
        page.get_by_role("button", name=re.compile("^(Render|渲染)$")).click()
        page.get_by_role("alert").get_by_role("listitem").first.wait_for()
        look(page, "register-template", locale)

    def test_the_weights_own_is_tried_with_tools_and_thinking(self, stack: Stack, opened: Opener) -> None:
        folder = smollm2_directory()
        page, watch = opened(f"{stack.url}/ui/register")
        watch.excuse("400|409")
        card = page.get_by_role("region", name="Try the chat template")
        expect(card.get_by_role("button", name="Render")).to_be_disabled()
        page.get_by_label("Folder or file").fill(f"file://{folder}")
        card.get_by_text(f"the one of {folder} is tried").wait_for()
        card.get_by_role("button", name="Render").click()
        text = card.get_by_role("region", name="What the model reads").or_(card.locator("pre").first)
        expect(text.first).to_contain_text("<|im_start|>system\nYou are a helpful assistant.<|im_end|>")
        card.get_by_label("With a tool").check()
        expect(card.get_by_label("Conversation")).to_have_value(re.compile("weather"))
        card.get_by_label("off", exact=True).check()
        card.get_by_role("button", name="Render").click()
        card.get_by_text("This template does not tell the model of tools.").wait_for()
        card.get_by_text("This template does not heed whether thinking is on or off.").wait_for()
        expect(card.locator("pre").first).to_contain_text("How is the weather in Basel?")

    def test_a_template_that_is_written_is_tried_and_its_fault_shown(self, stack: Stack, opened: Opener) -> None:
        page, watch = opened(f"{stack.url}/ui/register")
        watch.excuse("400|409")
        card = page.get_by_role("region", name="Try the chat template")
        self.describe(
            page, chat_template="one\ntwo {{ messages[0].content }}\n{{ raise_exception('no: ' ~ messages|length) }}"
        )
        card.get_by_role("button", name="Render").click()
        expect(card.get_by_role("alert")).to_contain_text("Line 3: no: 4")
        expect(card.get_by_role("alert").get_by_role("listitem").last).to_contain_text("raise_exception")
        card.get_by_label("Conversation").fill("nothing")
        card.get_by_text("This must be a list of messages, as JSON.").wait_for()
        expect(card.get_by_role("button", name="Render")).to_be_disabled()
        card.get_by_label("Conversation").fill('[{"role": "user", "content": "mine"}]')
        card.get_by_label("With a tool").check()
        expect(card.get_by_label("Conversation")).to_have_value('[{"role": "user", "content": "mine"}]')
        self.describe(
            page, chat_template="{{ messages[0].content }} {{ tools[0].function.name }} {{ enable_thinking }}"
        )
        card.get_by_label("on", exact=True).check()
        card.get_by_role("button", name="Render").click()
        expect(card.locator("pre").first).to_have_text("mine weather True")

    def test_weights_that_are_not_there_are_said(self, stack: Stack, opened: Opener) -> None:
        page, watch = opened(f"{stack.url}/ui/register")
        watch.excuse("400|409")
        page.get_by_label("Folder or file").fill("file:///nowhere/at/all")
        card = page.get_by_role("region", name="Try the chat template")
        card.get_by_role("button", name="Render").click()
        expect(card.get_by_role("alert")).to_contain_text("/nowhere/at/all")
