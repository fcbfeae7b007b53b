"""What a launch says beside its model, the same launch as a command, and forms that are filled again."""

import json
import re
import shlex
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack, headrace
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.launch.conftest import body, end, estimated, part
from tests.e2e.ui.watched import unfit
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]


def last_launch(stack: Stack, name: str) -> dict[str, Any]:
    """What the newest launch of a model asked for."""
    found = httpx.get(f"{stack.url}/v1/launch_history", params={"model_name": name}).json()
    asked: dict[str, Any] = found[0]["data"]
    return asked


def test_options_are_checked_as_they_are_written_and_the_command_says_the_same(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch?name=smollm2")
    estimated(page)
    options = part(page, "Options of llama_cpp")
    options.get_by_label("Search in the options").fill("context of each")
    expect(options.get_by_role("textbox")).to_have_count(1)
    context = options.get_by_label("n_ctx")
    watch.excuse("400")
    context.fill("many")
    expect(context).to_have_attribute("aria-invalid", "true")
    expect(options).to_contain_text("valid integer")
    assert unfit(page) == []
    context.fill("1024")
    expect(page.get_by_text("a context of 1,024 tokens")).to_be_visible()
    further = part(page, "More settings")
    further.get_by_label("Uid").fill("as a command")
    expect(further.get_by_label("Uid")).to_have_attribute("aria-invalid", "true")
    further.get_by_label("Uid").fill("commanded")
    further.get_by_label("Unload when idle after").fill("5m")
    further.get_by_label("Load it when it is first asked").check()
    estimated(page)
    asked = body(page)
    assert (asked["model_uid"], asked["n_ctx"], asked["load_on_request"]) == ("commanded", 1024, True)
    command = part(page, "The same as a command").locator("pre").first.inner_text()
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:2] == ["headrace", "launch"]
    done = headrace(served, *words[1:], "--no-wait")
    assert done.returncode == 0, done.stdout + done.stderr
    said = last_launch(served, "smollm2")
    assert {name: said[name] for name in asked} == {**asked, "keep_alive": 300, "model_size_in_billions": "0.135"}
    end(served, "commanded")


def test_a_pasted_command_fills_the_form(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch?name=qwen3")
    watch.excuse("40|50")
    paste = part(page, "Paste a command or JSON")
    paste.get_by_role("textbox").fill("make me a launch")
    paste.get_by_role("button", name="Fill the form").click()
    expect(paste.get_by_role("alert")).to_contain_text("The form is as it was")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value("qwen3")
    text = "xinference launch -n smollm2 -u mine -en llama.cpp -s 0_135 --n_ctx 2048 --pinned -ev A b --n-worker 2"
    paste.get_by_role("textbox").fill(text)
    paste.get_by_role("button", name="Fill the form").click()
    expect(name).to_have_value("smollm2")
    workers = page.get_by_role("textbox", name="n_worker")
    expect(workers).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("a replica is on one machine").first).to_be_visible()
    page.get_by_role("button", name="Remove n_worker").click()
    estimated(page)
    asked = body(page)
    assert asked["model_uid"] == "mine"
    assert asked["model_engine"] == "llama_cpp"
    assert (asked["pinned"], asked["n_ctx"], asked["envs"]) == (True, 2048, {"A": "b"})
    curl = part(page, "The same as a command").locator("pre").last.inner_text()
    page.goto(f"{served.url}/ui/launch")
    paste = part(page, "Paste a command or JSON")
    paste.get_by_role("textbox").fill(curl)
    paste.get_by_role("button", name="Fill the form").click()
    estimated(page)
    assert body(page) == asked
    page.get_by_role("button", name="Launch", exact=True).click()
    page.get_by_role("region", name="Launch of mine").get_by_role("link", name="Chat with it").wait_for(timeout=90_000)
    assert next(one for one in served.client.models() if one["id"] == "mine")["pinned"]
    end(served, "mine")


def test_forms_are_saved_for_a_model_and_filled_again(served: Stack, opened: Opener) -> None:
    page, _ = opened(f"{served.url}/ui/launch?name=smollm2")
    estimated(page)
    part(page, "Options of llama_cpp").get_by_label("n_ctx").fill("512")
    saved = part(page, "Saved for smollm2")
    saved.get_by_label("Save this form as").fill("short")
    page.keyboard.press("Enter")
    expect(saved.get_by_text("short", exact=True)).to_be_visible()
    page.goto(f"{served.url}/ui/launch?name=smollm2")
    estimated(page)
    assert "n_ctx" not in body(page)
    part(page, "Saved for smollm2").get_by_role("button", name="Fill in as short").click()
    expect(page.get_by_text("a context of 512 tokens")).to_be_visible()
    assert body(page)["n_ctx"] == 512
    saved.get_by_role("button", name="Delete short").click()
    expect(saved.get_by_text("short", exact=True)).to_have_count(0)
    expect(saved.get_by_label("Save this form as")).to_be_focused()
    lazily = {"model_uid": "before", "model_name": "smollm2", "n_ctx": 256, "load_on_request": True}
    assert httpx.post(f"{served.url}/v1/models", json=lazily, timeout=60).status_code == 200
    page.reload()
    part(page, "Saved for smollm2").get_by_role("button", name="Fill in as before").first.click()
    expect(page.get_by_text("a context of 256 tokens")).to_be_visible()
    assert body(page)["load_on_request"] is True
    end(served, "before")


def test_memory_is_compared_by_context(served: Stack, opened: Opener) -> None:
    page, _ = opened(f"{served.url}/ui/launch?name=smollm2")
    estimated(page)
    chart = part(page, "Memory by context")
    rows = chart.get_by_role("row")
    expect(rows).to_have_count(7)
    sizes = [rows.nth(at).get_by_role("cell").first.inner_text() for at in range(1, 7)]
    assert sizes[0].endswith("MiB")
    assert sizes[-1].endswith("GiB")
    assert unfit(page) == []
    chart.get_by_role("button", name="Use a context of 8,192").click()
    expect(page.get_by_text(re.compile("a context of 8,192 tokens"))).to_be_visible()
    assert body(page)["n_ctx"] == 8192


def test_why_a_registered_model_loads_with_less_context_is_said(served: Stack, opened: Opener) -> None:
    spec = {
        "model_format": "ggufv2",
        "model_size_in_billions": 0.135,
        "quantization": "Q4_1",
        "model_uri": f"file://{smollm2_gguf()}",
    }
    model = {"model_name": "long-one", "context_length": 8192, "model_ability": ["chat"], "model_specs": [spec]}
    registered = httpx.post(
        f"{served.url}/v1/model_registrations/LLM", json={"model": json.dumps(model), "persist": True}, timeout=60
    )
    assert registered.status_code == 200, registered.text
    page, _ = opened(f"{served.url}/ui/launch?name=long-one")
    estimated(page)
    usual = page.get_by_text("4,096 tokens is the engine's default")
    expect(usual).to_contain_text("The model can read 8,192: set n_ctx for more")
    part(page, "Options of llama_cpp").get_by_label("n_ctx", exact=True).fill("2048")
    expect(page.get_by_text("a context of 2,048 tokens")).to_be_visible()
    expect(page.get_by_text("is the engine's default")).to_have_count(0)
