"""Environment variables in the form of a launch: typed, refused by name, kept without secrets, and in the process."""

import re

import httpx
import psutil
import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.launch.conftest import body, end, estimated, part
from tests.e2e.ui.looks import SHOTS
from tests.e2e.ui.watched import unfit

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]


def test_variables_are_typed_and_reach_the_process(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch?name=smollm2")
    watch.excuse("400")
    estimated(page)
    further = part(page, "More settings")
    further.get_by_label("Uid").fill("varied")
    variables = further.get_by_role("group", name="Environment variables")
    variables.get_by_role("button", name="Add a variable").click()
    name, value = variables.get_by_label("Variable", exact=True), variables.get_by_label("Value", exact=True)
    name.fill("LD_PRELOAD")
    value.fill("/tmp/x.so")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(variables).to_contain_text("it can change which code runs")
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "launch-variables-en-US-light-1280.png", full_page=True)
    name.fill("GREETING")
    value.fill("a b")
    variables.get_by_role("button", name="Add a variable").click()
    name.nth(1).fill("GREETING")
    expect(variables).to_contain_text("GREETING is given twice")
    name.nth(1).fill("HF_TOKEN")
    value.nth(1).fill("hf_1")
    estimated(page)
    assert body(page)["envs"] == {"GREETING": "a b", "HF_TOKEN": "hf_1"}
    command = part(page, "The same as a command").locator("pre").first.inner_text()
    assert "--env GREETING 'a b' \\\n  --env HF_TOKEN hf_1" in command
    saved = part(page, "Saved for smollm2")
    saved.get_by_label("Save this form as").fill("varied")
    saved.get_by_role("button", name="Save").click()
    assert "hf_1" not in page.evaluate("JSON.stringify({...localStorage})")
    page.get_by_role("button", name="Launch", exact=True).click()
    launch = page.get_by_role("region", name="Launch of varied")
    launch.get_by_role("link", name="Chat with it").wait_for(timeout=90_000)
    [replica] = httpx.get(f"{served.url}/v1/models/varied/replicas").json()
    environment = psutil.Process(replica["pid"]).environ()
    assert (environment["GREETING"], environment["HF_TOKEN"]) == ("a b", "hf_1")
    end(served, "varied")

    saved.get_by_role("button", name="Fill in as varied").first.click()
    expect(value.nth(1)).to_have_value("******")
    expect(variables).to_contain_text(re.compile("HF_TOKEN.* was hidden .* give it again"))
    variables.get_by_role("button", name="Remove the variable HF_TOKEN").click()
    expect(variables.get_by_role("button", name="Add a variable")).to_be_focused()
    assert body(page)["envs"] == {"GREETING": "a b"}
