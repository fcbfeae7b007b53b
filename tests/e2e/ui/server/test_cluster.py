"""The page of the cluster: machines, their releases and engines; amid an upgrade, and where one is lost."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from models.process.processes import kill_group
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.server.far import Worker, start_worker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ADMIN, USER = "root-key", "user-key"
OLD = "0.0.9"
RERANKER = Path(__file__).parents[3] / "reranker" / "model"


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("cluster") / "home"
    stack = Stack(home, HEADRACE_LOST_S="60", HEADRACE_ADMIN_KEY=ADMIN, HEADRACE_API_KEY=USER)
    try:
        yield stack.start()
    finally:
        stack.close()


@pytest.fixture
def far(near: Stack, tmp_path: Path) -> Iterator[Worker]:
    """The worker of another machine, whose release is older."""
    about = tmp_path / "older" / f"headrace-{OLD}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: headrace\nVersion: {OLD}\n")
    path = os.pathsep.join(one for one in (str(about.parent), os.environ.get("PYTHONPATH", "")) if one)
    worker = start_worker(near, tmp_path / "far", "cpu:1=100MiB", PYTHONPATH=path)
    yield worker
    if worker.poll() is None:
        kill_group(worker.pid)
    worker.wait(30)


def card(page: Page, name: str) -> Locator:
    """The part of the page under this heading."""
    return page.get_by_role("region", name=re.compile(name))


def sign_in(page: Page, key: str) -> None:
    page.locator("input[type=password]").fill(key)
    page.keyboard.press("Enter")


def test_a_machine_shows_what_it_is_and_its_engines(near: Stack, opened: Opener) -> None:
    page, watch = opened(f"{near.url}/ui/cluster")
    watch.excuse("401")
    sign_in(page, ADMIN)
    here = version("headrace")
    expect(page.get_by_text(f"All of it runs Headrace {here}.")).to_be_visible()
    node = page.get_by_role("region").filter(has=page.get_by_role("group", name="Engines on"))
    expect(node).to_contain_text(re.compile(r"\d+ processors? · load \d"))
    expect(node).to_contain_text(re.compile(r"Disk of the cache\s*[\d.,]+ [GT]iB of [\d.,]+ [GT]iB free"))
    engines = node.get_by_role("group", name="Engines on").get_by_role("row")
    llama = engines.filter(has=page.get_by_role("cell", name="llama_cpp", exact=True))
    expect(llama).to_contain_text(re.compile(f"works.*{re.escape(version('xllamacpp'))}"))
    llama.locator("summary").click()
    expect(llama).to_contain_text(f"llguidance {version('llguidance')}")
    for row in engines.filter(has_text="does not work").all():
        assert len(row.get_by_role("cell").last.inner_text()) > 20, "it says why not"
    expect(card(page, "This gateway")).to_contain_text(str(near.home))


def test_amid_an_upgrade_both_releases_are_told_and_a_lost_machine(near: Stack, far: Worker, opened: Opener) -> None:
    page, watch = opened(f"{near.url}/ui/cluster")
    watch.excuse("401")
    sign_in(page, ADMIN)
    said = page.get_by_text("Different releases of Headrace run side by side")
    expect(said).to_contain_text(OLD)
    expect(page.get_by_role("listitem").filter(has_text=re.compile(f"^{OLD}"))).to_have_text(f"{OLD} far")
    device = card(page, "^far$").get_by_role("group", name="Devices of far").get_by_role("row").nth(1)
    expect(device).to_contain_text(re.compile(rf"far\.cpu:1.*reports.*{re.escape(OLD)}"))
    for locale in LOCALES:
        shown, other = opened(f"{near.url}/ui/cluster", locale=locale)
        other.excuse("401")
        sign_in(shown, ADMIN)
        shown.get_by_role("heading", name="far", exact=True).wait_for()
        look(shown, "cluster", locale)
        shown.close()
    os.kill(far.pid, signal.SIGKILL)
    expect(card(page, "^far$")).to_contain_text(re.compile(r"lost, last seen \d+ sec ago"))
    expect(said).to_have_count(0)
    expect(card(page, "^far$").get_by_role("group", name="Engines on")).to_have_count(0)


def test_who_may_not_see_machines_is_told_so_and_a_refusal_keeps_what_was_there(near: Stack, opened: Opener) -> None:
    page, watch = opened(f"{near.url}/ui/cluster")
    watch.excuse("401")
    sign_in(page, USER)
    expect(page.get_by_text("Only an administrator's key may see the machines.")).to_be_visible()
    page, watch = opened(f"{near.url}/ui/cluster")
    watch.excuse("401")
    watch.excuse("503")
    sign_in(page, ADMIN)
    gateway = card(page, "This gateway")
    gateway.wait_for()
    error = {"error": {"message": "the database is away", "code": "database_unavailable", "type": "server_error"}}
    page.route("**/v1/cluster/nodes", lambda route: route.fulfill(status=503, json=error))
    expect(page.get_by_role("alert")).to_contain_text("the database is away")
    expect(gateway).to_be_visible()
    page.unroute("**/v1/cluster/nodes")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_events_of_all_models_are_shown_and_chosen(near: Stack, opened: Opener, tmp_path: Path) -> None:
    near.launch_echo("here")
    near.launch_echo("gone")
    near.client.terminate("gone")
    shutil.copytree(RERANKER, tmp_path / "broken")
    (tmp_path / "broken" / "tokenizer.json").write_text("{")
    body = {"model_name": "broken", "model_path": str(tmp_path / "broken"), "model_type": "rerank", "max_retries": 0}
    answer = httpx.post(f"{near.url}/v1/models", json=body, headers={"authorization": f"Bearer {ADMIN}"}, timeout=120)
    assert answer.status_code >= 400, answer.text
    page, watch = opened(f"{near.url}/ui/events")
    watch.excuse("401")
    sign_in(page, ADMIN)
    rows = page.get_by_role("group", name="Events").get_by_role("row")
    expect(rows.filter(has_text="failed").first).to_contain_text("broken")
    expect(rows.filter(has_text="terminated")).to_contain_text("gone")
    assert rows.filter(has_text="gone").get_by_role("link").count() == 0, "it has no page"
    page.get_by_label("Severity").select_option("Errors only")
    expect(page).to_have_url(re.compile(r"level=errors"))
    expect(rows.filter(has_text="launched")).to_have_count(0)
    expect(rows.filter(has_text="failed")).not_to_have_count(0)
    page.get_by_label("Model").select_option("gone")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
    page.get_by_label("Severity").select_option("All")
    expect(rows.nth(1)).to_contain_text(re.compile("gone.*(unloaded|terminated)"))
    expect(rows.filter(has_text="here")).to_have_count(0)
    near.launch_echo("gone")
    expect(rows.nth(1)).to_contain_text(re.compile("gone.*(ready|loading|placed)"))
    rows.nth(1).get_by_role("link", name="gone").click()
    expect(page).to_have_url(f"{near.url}/ui/models/gone?tab=events")
    for locale in LOCALES:
        shown, other = opened(f"{near.url}/ui/events", locale=locale)
        other.excuse("401")
        sign_in(shown, ADMIN)
        shown.get_by_role("table").wait_for()
        look(shown, "events", locale)
        shown.close()
