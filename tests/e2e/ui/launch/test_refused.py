"""What the server would refuse is told once, before anybody presses the button; and where each replica goes."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.launch.conftest import body, end, estimated, part
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import unfit

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]


def refused(page: Page, why: str) -> None:
    """Wait until Launch cannot be pressed, and says this, which stands nowhere else."""
    button = page.get_by_role("button", name="Launch", exact=True)
    expect(button).to_have_accessible_description(re.compile(why))
    expect(button).to_be_disabled()
    expect(page.get_by_text(re.compile(why))).to_have_count(1)
    button.click(force=True)


def test_a_uid_that_is_in_use_is_known_before_and_a_free_one_offered(served: Stack, opened: Opener) -> None:
    served.launch_echo("taken")
    served.launch_echo("taken-2")
    page, _ = opened(f"{served.url}/ui/launch?name=smollm2")
    estimated(page)
    part(page, "More settings").get_by_label("Uid").fill("taken")
    refused(page, "The uid taken is in use")
    expect(page.get_by_text("headrace terminate")).to_have_count(0)
    estimated(page)
    assert unfit(page) == []
    page.get_by_role("button", name="Use the uid taken-3").click()
    expect(page.get_by_label("Uid")).to_have_value("taken-3")
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled()
    assert body(page)["model_uid"] == "taken-3"
    for uid in ("taken", "taken-2"):
        end(served, uid)


def test_what_is_wrong_with_a_field_stands_there_alone(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch?name=smollm2")
    watch.excuse("400")
    estimated(page)
    part(page, "Options of llama_cpp").get_by_label("n_ctx", exact=True).fill("many")
    refused(page, "Check this field: n_ctx")
    expect(page.get_by_text("valid integer")).to_have_count(1)
    page.get_by_label("n_ctx", exact=True).fill("512")
    estimated(page)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled()
    part(page, "Paste a command or JSON").get_by_role("textbox").fill("headrace launch -n smollm2 --n-gpu 3")
    page.get_by_role("button", name="Fill the form").click()
    refused(page, "None of the devices here can run it")
    expect(page.get_by_text("no node has so many GPUs: 3")).to_have_count(1)
    expect(page.get_by_text("--n-gpu None")).to_have_count(0)


def test_an_estimate_that_cannot_be_made_is_in_nobodys_way(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch")
    watch.excuse("503")
    error = {"message": "the database does not answer", "code": "database_unavailable", "param": None}
    answer = json.dumps({"error": error})
    page.route("**/v1/models/estimate", lambda route: route.fulfill(status=503, body=answer))
    page.get_by_label("Name", exact=True).fill("smollm2")
    expect(page.get_by_text("could not be estimated")).to_be_visible()
    expect(page.get_by_text("the database does not answer")).to_have_count(1)
    button = page.get_by_role("button", name="Launch", exact=True)
    expect(button).to_be_enabled()
    part(page, "More settings").get_by_label("Uid").fill("unestimated")
    part(page, "More settings").get_by_label(re.compile("^Load it when")).check()
    button.click()
    page.get_by_role("region", name="Launch of unestimated").wait_for()
    end(served, "unestimated")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_form_with_a_place_for_each_replica(served: Stack, opened: Opener, locale: str) -> None:
    [device] = served.client.devices()
    node = device["node"]
    page, _ = opened(f"{served.url}/ui/launch", locale=locale)
    place = {"devices": [{"worker_ip": node, "n_gpu": "None"}]}
    launch = {"model_name": "smollm2", "model_uid": f"placed-{locale}", "replica": 2, "n_ctx": 512, "node": None}
    page.locator("summary").last.click()
    page.get_by_role("textbox").last.fill(json.dumps(launch | {"replica_config": [place, {}]}))
    page.locator("details").last.get_by_role("button").click()
    page.locator("form summary").first.click()
    page.locator("form select").nth(1).wait_for()
    page.locator("[aria-busy=false]").wait_for()
    look(page, "launch-places", locale)
    if locale != "en-US":
        return
    assert body(page)["replica_config"] == [place, {}]
    further = part(page, "More settings")
    expect(further.get_by_label("Replica 1")).to_have_value(re.compile(re.escape(node)))
    further.get_by_label("Replica 2").select_option(device["id"])
    further.get_by_label("Replicas", exact=True).fill("3")
    expect(further.get_by_label("Replica 3")).to_have_value("")
    further.get_by_label("Replicas", exact=True).fill("2")
    estimated(page)
    assert body(page)["replica_config"] == [place, place]
    page.get_by_role("button", name="Launch", exact=True).click()
    page.get_by_role("region", name="Launch of placed").get_by_role("link", name="Chat with it").wait_for(
        timeout=90_000
    )
    assert [one["devices"] for one in served.client.replicas("placed-en-US")] == [[device["id"]]] * 2
    end(served, "placed-en-US")
    further.get_by_role("radio", name="Automatic").click()
    expect(further.get_by_label("Replica 1")).to_have_count(0)
    assert "replica_config" not in body(page)
