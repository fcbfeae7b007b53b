"""The pages of models: what they show, and everything that can be done there."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy import ui
from models.redis import logs
from models.redis.logs import MOST_LINES, Line
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment
from tests.e2e.ui.conftest import ROOT, Opener
from tests.e2e.ui.looks import LOCALES, SHOTS, look
from tests.e2e.ui.watched import unfit
from tests.support.servers import wait_for
from tests.support.weights import RERANKER

pytestmark = pytest.mark.e2e

TABS = ["replicas", "events", "log", "settings", "code"]
UID = "org/echo"
"""A uid with a slash, which addresses must keep."""


@pytest.fixture
def model(stack: Stack) -> Iterator[str]:
    """A model of the test's own."""
    yield stack.launch_echo(UID)
    httpx.delete(f"{stack.url}/v1/models/{UID}", timeout=90)


def address(stack: Stack, uid: str = UID, tab: str = "") -> str:
    """The page of a model."""
    return f"{stack.url}/ui/models/{quote(uid, safe='')}{f'?tab={tab}' if tab else ''}"


def write(stack: Stack, uid: str, texts: list[str]) -> None:
    """Write lines into the log of a model as its device's process does for its runner."""
    replica = httpx.get(f"{stack.url}/v1/models/{uid}/replicas").json()[0]["replica_id"]
    with stack.redis() as client, client.pipeline() as pipeline:
        for text in texts:
            logs.append(pipeline, uid, Line(replica, time.time_ns() // 1_000_000, text))
        pipeline.execute()


def state(stack: Stack, uid: str = UID) -> dict[str, Any]:
    """What the API says of a model."""
    found: dict[str, Any] = httpx.get(f"{stack.url}/v1/models/{uid}").json()
    return found


@pytest.mark.parametrize("path", ["models", *(f"models/echo?tab={tab}" for tab in TABS)])
@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, opened: Opener, path: str, locale: str) -> None:
    if path.endswith("log"):
        write(stack, "echo", [f"line {number} of some words that may be long" for number in range(50)])
    page, _ = opened(f"{stack.url}/ui/{path}", locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("status").wait_for(state="detached")
    if path.endswith("log"):
        page.get_by_text("line 49 of").last.wait_for()
    look(page, re.sub(r"\W+", "-", path), locale)


class TestTheList:
    """The list of models, and the ways to and from it."""

    def test_its_filters_are_in_the_address(self, stack: Stack, opened: Opener) -> None:
        page, _ = opened(f"{stack.url}/ui/models?type=image&state=nonsense")
        page.get_by_text("No model is like that.").wait_for()
        page.get_by_label("Type").select_option("Language")
        expect(page.get_by_role("row").filter(has_text="echo")).to_be_visible()
        page.get_by_label("State").select_option("ready")
        expect(page).to_have_url(f"{stack.url}/ui/models?type=LLM&state=ready")
        page.reload()
        expect(page.get_by_label("State")).to_have_value("ready")
        page.get_by_label("Type").select_option("All")
        expect(page).to_have_url(f"{stack.url}/ui/models?state=ready")

    def test_a_name_leads_to_its_page(self, stack: Stack, model: str, opened: Opener) -> None:
        page, _ = opened(f"{stack.url}/ui/")
        page.get_by_role("link", name=model, exact=True).click()
        expect(page).to_have_url(address(stack))
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(model)
        page.get_by_role("link", name="Models", exact=True).click()
        page.get_by_role("link", name=model, exact=True).click()
        page.get_by_role("tab", name="Events").click()
        expect(page).to_have_url(address(stack, tab="events"))
        expect(page.get_by_role("row").filter(has_text="launched")).to_be_visible()

    def test_a_model_that_is_not_there(self, stack: Stack, opened: Opener) -> None:
        page, watch = opened(address(stack, "nobody"))
        watch.excuse("404")
        page.get_by_text("There is no model nobody.").wait_for()
        page.get_by_role("link", name="All models").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Models")

    def test_what_a_model_does_is_counted(self, stack: Stack, opened: Opener) -> None:
        uid = stack.launch_echo("busy", step_ms=20)
        page, _ = opened(f"{stack.url}/ui/models")
        row = page.get_by_role("row").filter(has_text=uid)
        body = {"model": uid, "stream": True, "max_tokens": 2000, "messages": [{"role": "user", "content": "a b c"}]}
        with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            expect(row.get_by_role("cell").nth(7)).to_have_text("1")
            expect(row.get_by_role("cell").nth(8)).to_have_text(re.compile(r"^[1-9][\d.]*$"))
        httpx.delete(f"{stack.url}/v1/models/{uid}", timeout=90)


def test_replicas_are_added_and_removed(stack: Stack, model: str, opened: Opener) -> None:
    page, _ = opened(address(stack))
    rows = page.get_by_role("row").filter(has_text=f"{UID}-")
    expect(rows).to_have_count(1)
    assert page.get_by_role("button", name="Remove").count() == 0, "one must be left"
    page.get_by_role("button", name="Add a replica").click()
    expect(rows.filter(has_text="ready")).to_have_count(2)
    page.get_by_role("button", name=re.compile("Remove")).last.click()
    expect(rows).to_have_count(1)
    assert state(stack)["replica"] == 1


def test_settings_are_changed_and_refused(stack: Stack, model: str, opened: Opener) -> None:
    page, watch = opened(address(stack, tab="settings"))
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    page.get_by_label("Pinned").check()
    page.get_by_label("Bring it back").uncheck()
    page.get_by_label("Stays loaded without requests").fill("5m")
    page.get_by_label("Replicas at most").fill("3")
    save.click()
    page.get_by_role("status").get_by_text("Saved").wait_for()
    expect(page.get_by_label("Stays loaded without requests")).to_have_value("300")
    now = state(stack)
    assert (now["autostart"], now["pinned"], now["keep_alive"], now["min_replicas"], now["max_replicas"]) == (
        False,
        True,
        300,
        None,
        3,
    )
    watch.excuse("400|422")
    page.get_by_label("Replicas at least").fill("7")
    save.click()
    expect(page.get_by_label("Replicas at least")).to_have_attribute("aria-invalid", "true")
    assert unfit(page) == []
    page.get_by_label("Replicas at least").fill("")
    page.get_by_label("Replicas at most").fill("")
    save.click()
    wait_for(lambda: state(stack)["max_replicas"] is None, 10)


class TestTheLog:
    """What a model's processes write, followed in the page."""

    def test_it_follows_only_a_reader_at_the_end(self, stack: Stack, model: str, opened: Opener) -> None:
        write(stack, UID, [f"line {number}" for number in range(300)])
        page, _ = opened(address(stack, tab="log"))
        box = page.get_by_role("group", name="Log")
        box.scroll_into_view_if_needed()
        expect(box.get_by_text(re.compile(" line 299$"))).to_be_in_viewport()
        write(stack, UID, ["line 300"])
        expect(box.get_by_text(re.compile(" line 300$"))).to_be_in_viewport()
        box.focus()
        page.keyboard.press("Home")
        expect(box.get_by_text(re.compile(" line 0$"))).to_be_in_viewport()
        write(stack, UID, ["line 301"])
        to_end = page.get_by_role("button", name="Go to the end (1 new lines)")
        to_end.wait_for()
        expect(box.get_by_text(re.compile(" line 0$"))).to_be_in_viewport()
        to_end.click()
        expect(box.get_by_text(re.compile(" line 301$"))).to_be_in_viewport()

    def test_it_is_searched(self, stack: Stack, model: str, opened: Opener) -> None:
        write(stack, UID, ["loading Weights", "<b>warm</b>", "weights are loaded"])
        page, _ = opened(address(stack, tab="log"))
        page.get_by_text("3 of 3 lines").wait_for()
        page.get_by_label("Search in the log").fill("WEIGHTS")
        page.get_by_text("2 of 3 lines").wait_for()
        expect(page.get_by_text("<b>warm</b>")).to_have_count(0)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy: Log").click()
        page.get_by_role("button", name="Copied: Log").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "loading Weights\nweights are loaded"

    def test_however_much_is_written_the_page_answers(self, stack: Stack, model: str, opened: Opener) -> None:
        page, _ = opened(address(stack, tab="log"))
        page.get_by_text("This model has written nothing yet.").wait_for()
        lines = page.get_by_role("group", name="Log").locator("> *")
        for piece in range(10):
            write(stack, UID, [f"{piece} {number} " + "x" * 500 for number in range(1000)])
            began = time.monotonic()
            assert page.evaluate("1 + 1") == 2
            assert time.monotonic() - began < 2
        expect(lines.filter(has_text="9 999 x")).to_be_in_viewport()
        assert lines.count() == MOST_LINES

    def test_it_goes_on_when_the_server_is_back(self, new_stack: StackFactory, opened: Opener) -> None:
        stack = new_stack()
        stack.launch_echo(UID)
        write(stack, UID, ["before"])
        page, watch = opened(address(stack, tab="log"))
        page.get_by_text("before").wait_for()
        watch.excuse("ERR_|failed|refused: 50")
        stack.kill("gateway")
        page.get_by_text("The connection is broken.").wait_for()
        wait_for(stack.is_ready, 60)
        write(stack, UID, ["after"])
        page.get_by_text("after").wait_for()
        expect(page.get_by_text("before")).to_have_count(1)


class TestTheEnd:
    """Models are ended after a question, which the keyboard alone can answer."""

    def test_the_keyboard_alone_ends_a_model(self, stack: Stack, model: str, opened: Opener) -> None:
        page, watch = opened(address(stack))
        watch.excuse("404")  # of a poll that was under way
        button = page.get_by_role("button", name="Terminate")
        button.wait_for()
        for _ in range(30):
            if button.evaluate("one => one === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("alertdialog", name=f"Terminate {UID}?")
        expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        assert unfit(page) == []
        page.screenshot(path=SHOTS / "terminate-en-US-light-1280.png")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        dialog.wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text(f"{UID} has ended").wait_for()
        assert UID not in {one["id"] for one in stack.client.models()}
        expect(page.get_by_role("link", name=UID, exact=True)).to_have_count(0)
        assert unfit(page) == []
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_text("has ended")).to_have_count(0)

    def test_a_failure_stays_until_it_is_dismissed(self, stack: Stack, tmp_path: Path, opened: Opener) -> None:
        for file in RERANKER.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        whole = (tmp_path / "tokenizer.json").read_bytes()
        (tmp_path / "tokenizer.json").write_text("{")
        launch = {"model_uid": "broken", "model_name": "broken", "model_type": "rerank", "model_path": str(tmp_path)}
        refused = httpx.post(f"{stack.url}/v1/models", json=launch, timeout=120).json()["error"]["message"]
        page, watch = opened(f"{stack.url}/ui/")
        watch.excuse("404")
        page.get_by_role("link", name="broken", exact=True).first.click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("This model could not be loaded")
        expect(alert).to_contain_text(refused)
        assert unfit(page) == []
        page.screenshot(path=SHOTS / "failed-en-US-light-1280.png", full_page=True)
        alert.get_by_role("link", name="Show the log").click()
        expect(page.get_by_role("group", name="Log").locator("> *").first).to_be_visible()
        alert.get_by_role("button", name="Launch again").click()
        expect(alert).to_be_hidden()
        expect(alert).to_contain_text(refused)  # it has failed once more
        (tmp_path / "tokenizer.json").write_bytes(whole)
        alert.get_by_role("button", name="Launch again").click()
        page.get_by_text("ready", exact=True).first.wait_for(timeout=90_000)
        (tmp_path / "tokenizer.json").write_text("{")
        httpx.delete(f"{stack.url}/v1/models/broken", timeout=90)
        httpx.post(f"{stack.url}/v1/models", json=launch, timeout=120)
        page.goto(address(stack, "broken"))
        page.get_by_role("button", name="Dismiss").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Dismiss").click()
        page.get_by_text("broken has ended").wait_for()
        assert "broken" not in {one["id"] for one in stack.client.models()}


def test_what_only_administrators_may_do_is_not_offered(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_API_KEY="user", HEADRACE_ADMIN_KEY="root")
    stack.launch_echo("echo")
    page, watch = opened(address(stack, "echo", tab="settings"))
    watch.excuse("401")

    def sign_in(key: str) -> None:
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        page.get_by_role("tab", name="Replicas").wait_for()

    sign_in("user")
    assert page.get_by_role("tab").all_inner_texts() == ["Replicas", "Events", "As code"]
    page.get_by_role("row").filter(has_text="echo-").wait_for()
    assert page.get_by_role("button", name=re.compile("Terminate|Add|Remove")).count() == 0
    page.get_by_role("tab", name="As code").click()
    assert "HEADRACE_API_KEY" in page.locator("pre").first.inner_text()
    page.context.clear_cookies()
    page.goto(address(stack, "echo", tab="settings"))
    sign_in("root")
    assert page.get_by_role("tab").all_inner_texts() == ["Replicas", "Events", "Log", "Settings", "As code"]
    page.get_by_role("button", name="Terminate").wait_for()


def node() -> str:
    """Node as the interface is built with it."""
    return ui.tools(ROOT / "api" / "ui", Path(sys.prefix))[0]


RUNS: list[tuple[str, Callable[[str], list[str]]]] = [
    ("curl", lambda text: ["sh", "-c", f"{text} --fail-with-body --silent --show-error"]),
    ("Python", lambda text: [sys.executable, "-c", text]),
    ("JavaScript", lambda text: [node(), "--input-type=module", "--eval", text]),
]


def run_code(page: Page, folder: Path) -> dict[str, str]:
    """Run each program that the page of a model shows; what they said."""
    said = {}
    for name, command in RUNS:
        text = page.locator("pre").nth([one for one, _ in RUNS].index(name)).inner_text()
        env = clean_environment()
        done = subprocess.run(
            command(text), cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{name}:\n{text}\n{done.stdout}\n{done.stderr}"
        said[name] = done.stdout
    return said


def test_its_code_runs(stack: Stack, model: str, tmp_path: Path, opened: Opener) -> None:
    page, _ = opened(address(stack, tab="code"))
    page.locator("pre").first.wait_for()
    for name, said in run_code(page, tmp_path).items():
        assert "Hello" in said, name
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: curl").click()
    page.get_by_role("button", name="Copied: curl").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre").first.inner_text()


@pytest.mark.weights
def test_models_with_weights_are_shown_and_asked(new_stack: StackFactory, tmp_path: Path, opened: Opener) -> None:
    stack = new_stack(demo=True)
    wait_for(lambda: state(stack, "smollm2")["state"] == "ready", 90)
    page, _ = opened(f"{stack.url}/ui/models")
    row = page.get_by_role("row").filter(has_text="smollm2")
    expect(row.get_by_role("cell").nth(6)).to_have_text(re.compile("[MG]iB"))
    expect(page.get_by_role("row").filter(has_text="asleep")).to_have_count(4)
    page.screenshot(path=SHOTS / "models-demo-en-US-light-1280.png", full_page=True)
    short = {"model_uid": "short", "model_name": "smollm2", "n_ctx": 256}  # nothing else ends what it says
    assert httpx.post(f"{stack.url}/v1/models", json=short, timeout=120).status_code == 200
    for uid in ("short", "minilm", "glyphs", "hibari", "whisper"):  # hibari says what whisper hears
        page.goto(address(stack, uid, "code"))
        page.locator("pre").first.wait_for()
        said = run_code(page, tmp_path)
        if uid == "hibari":
            assert (tmp_path / "speech.mp3").stat().st_size > 5_000
        else:
            assert all(said.values()), said
