"""What goes wrong in a conversation: a model dies, a gateway starts again, a session ends, the network is gone."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import answers, limited, say
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.watched import unfit
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

KEY = "the-key"
FULL = "() => { IDBObjectStore.prototype.put = function () { this.transaction.abort(); }; }"
"""From now on there is no room for what a page keeps."""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace that asks for a key, with an echo that takes its time."""
    made = Stack(tmp_path_factory.mktemp("failing") / "home", HEADRACE_API_KEY=KEY)
    try:
        made.start()
        made.launch_echo("slow", step_ms=50, max_tokens=4000)
        yield made
    finally:
        made.close()


@pytest.fixture
def signed_in(failing: Stack, opened: Opener) -> Opener:
    """Opens a page of it, signed in."""

    def open_page(path: str, model: str = "slow") -> object:
        page, watch = opened(f"{failing.url}/ui/{path}?model={model}")
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("API key").press("Enter")
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
        return page, watch

    return open_page  # type: ignore[return-value]


def test_an_answer_of_a_model_that_died_is_gone_on_with(failing: Stack, signed_in: Opener) -> None:
    before = set(failing.pids()["runner"])
    failing.launch_echo("mortal", step_ms=50, max_tokens=4000)
    [runner] = set(failing.pids()["runner"]) - before
    page, watch = signed_in("chat", "mortal")
    limited(page, 400)
    say(page, "to be or not")
    answer = answers(page, "mortal")
    expect(answer).to_contain_text("to be or not to be")
    os.kill(runner, signal.SIGKILL)
    fault = answer.get_by_role("alert")
    expect(fault).to_contain_text("The answer broke off")
    expect(answer).to_contain_text("to be or not to be")
    assert unfit(page) == []
    said = answer.locator("p").first.inner_text()
    failing.client.wait_ready("mortal")
    page.get_by_label("Maximum tokens").fill("3")
    watch.excuse(r"503")
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    answer.get_by_role("button", name="Continue").click()
    expect(answer).to_contain_text("3 written")
    expect(fault).to_have_count(0)
    now = answer.locator("p").first.inner_text()
    assert now.startswith(said)
    assert len(now) > len(said)
    assert sent[0].post_data_json["continue_final_message"] is True
    assert sent[0].post_data_json["messages"][-1]["role"] == "assistant"


def test_an_answer_survives_a_gateway_that_starts_again(failing: Stack, signed_in: Opener) -> None:
    page, watch = signed_in("chat")
    watch.excuse(r"refused: 50\d|failed: |ERR_|50\d")
    say(page, "on and on")
    answer = answers(page, "slow")
    expect(answer).to_contain_text("on and on on and on")
    failing.kill("gateway")
    expect(answer.get_by_role("alert")).to_contain_text("The connection to the server was lost.")
    expect(answer).to_contain_text("on and on on and on")
    page.get_by_label("Message", exact=True).fill("typed in between")
    limited(page, 3)
    expect(answer.get_by_role("button", name="Continue")).to_be_visible()
    wait_for(failing.is_ready, 60, failing.logs)  # the supervisor has it serve again
    expect(page.get_by_text("The server does not answer.")).to_have_count(0)
    answer.get_by_role("button", name="Regenerate").click()
    expect(answers(page, "slow")).to_contain_text("3 written")
    expect(page.get_by_label("Message", exact=True)).to_have_value("typed in between")


def test_a_session_that_ends_loses_nothing_that_was_typed(failing: Stack, signed_in: Opener) -> None:
    page, watch = signed_in("chat")
    watch.excuse(r"401")
    limited(page, 3)
    say(page, "first words")
    expect(answers(page, "slow")).to_contain_text("3 written")
    page.get_by_label("Message", exact=True).fill("half a thought")
    page.context.clear_cookies()
    key = page.get_by_label("API key")
    expect(key).to_be_visible()
    assert unfit(page) == []
    key.fill(KEY)
    key.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_have_value("half a thought")
    expect(answers(page, "slow")).to_contain_text("3 written")
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value("half a thought")
    page.get_by_label("Message", exact=True).press("Enter")
    expect(answers(page, "slow")).to_have_count(2)
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_without_a_network_it_is_said_and_the_page_comes_back(failing: Stack, signed_in: Opener) -> None:
    page, watch = signed_in("chat")
    watch.excuse(r"ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("You are offline")
    assert unfit(page) == []
    say(page, "is anybody there")
    answer = answers(page, "slow")
    expect(answer).to_contain_text("There is no answer")
    expect(answer).to_contain_text("The connection to the server was lost.")
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline")).to_have_count(0)
    limited(page, 3)
    answer.get_by_role("button", name="Regenerate").click()
    expect(answer).to_contain_text("3 written")


def test_what_the_browser_cannot_keep_is_exported(failing: Stack, signed_in: Opener, tmp_path: Path) -> None:
    def exported() -> str:
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").click()
        download.value.save_as(tmp_path / "talks.json")
        return (tmp_path / "talks.json").read_text()

    page, watch = signed_in("chat")
    watch.excuse(r"401")
    limited(page, 3)
    say(page, "while there is room")
    expect(answers(page, "slow")).to_contain_text("3 written")
    page.evaluate(FULL)
    say(page, "when it is full")
    expect(answers(page, "slow").nth(1)).to_contain_text("3 written")
    expect(page.get_by_text("This conversation is not kept")).to_be_visible()
    [full] = json.loads(exported())["conversations"]
    said = [(turn["role"], bool(turn["text"]), turn["end"]) for turn in full["turns"]]
    assert said == [("user", True, "stop"), ("assistant", True, "length")] * 2
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no'); } })")
    page.goto(f"{failing.url}/ui/chat?model=slow")
    limited(page, 3)
    say(page, "where nothing is kept")
    expect(answers(page, "slow")).to_contain_text("3 written")
    assert "where nothing is kept" in exported()
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("link", name="where nothing is kept", exact=True).click()
    expect(answers(page, "slow")).to_contain_text("3 written")


def test_signing_out_leaves_nothing_to_the_next(signed_in: Opener) -> None:
    page, watch = signed_in("chat")
    watch.excuse(r"401")
    page.evaluate(FULL)
    limited(page, 3)
    say(page, "for me alone")
    expect(answers(page, "slow")).to_contain_text("3 written")
    page.get_by_label("Message", exact=True).fill("half a thought")
    page.get_by_role("link", name="Transcription", exact=True).click()
    page.get_by_label("Choose a file").first.set_input_files(
        {"name": "mine.mp3", "mimeType": "audio/mpeg", "buffer": b"a"}
    )
    page.get_by_text("mine.mp3", exact=True).wait_for()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("API key").press("Enter")
    page.get_by_role("link", name="Transcription", exact=True).click()
    page.get_by_label("Choose a file").first.wait_for(state="attached")
    assert page.get_by_text("mine.mp3").count() == 0
    page.get_by_role("link", name="Chat", exact=True).click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("")
    expect(page.get_by_role("region", name="Conversations")).not_to_contain_text("for me alone")
    assert page.get_by_text("for me alone").count() == 0
    assert page.evaluate("sessionStorage.length") == 0


def test_the_request_is_told_as_code(signed_in: Opener) -> None:
    page, _ = signed_in("chat")
    limited(page, 3)
    page.get_by_label("Log probabilities").check()
    say(page, "as code please")
    expect(answers(page, "slow")).to_contain_text("3 written")
    page.locator("summary", has_text="As code").click()
    code = page.get_by_role("group").filter(has_text="As code")
    expect(code).to_contain_text("as code please")
    expect(code).to_contain_text("logprobs=True")
    expect(code).to_contain_text("HEADRACE_API_KEY")
    assert KEY not in code.inner_text()
    assert unfit(page) == []
