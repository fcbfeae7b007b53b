"""Web pages in a real browser: those that may use the API, and those of strangers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.talk import chat
from tests.e2e.web.browsers import Browser, browser
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

OPENAI = Path(__file__).parents[3] / ".venv-clients" / "node_modules" / "openai"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, and a server of our pages and of the package ``openai``."""
    if not OPENAI.exists():
        pytest.skip("the package openai of npm is not installed: make .venv-clients/.installed-npm")
    try:
        with browser({"pages": Path(__file__).parent / "pages", "openai": OPENAI}) as found:
            yield found
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def running_job(stack: Stack) -> Iterator[str]:
    """A job that runs for minutes; its id."""
    slow = {"model_uid": "acted-on", "model_name": "echo", "step_ms": 2000}
    order = {"kind": "chat.completions", "model": "acted-on"}
    order |= {"input": {"messages": chat()["messages"], "max_tokens": 600}}  # type: ignore[dict-item]
    with httpx.Client(base_url=stack.url, timeout=60) as http:
        assert http.post("/v1/models", json=slow).status_code == 200
        job = http.post("/v1/jobs", json=order).json()["id"]
        yield job
        http.post(f"/v1/jobs/{job}/cancel")
        assert http.delete("/v1/models/acted-on").status_code == 200


def uploads(stack: Stack) -> dict[str, str]:
    """The name of each uploaded file, by its id."""
    return {file["id"]: file["filename"] for file in httpx.get(f"{stack.url}/v1/files").json()["data"]}


def state(stack: Stack, job: str) -> Any:
    return httpx.get(f"{stack.url}/v1/jobs/{job}").json()["state"]


def models(stack: Stack) -> set[str]:
    return {model["id"] for model in httpx.get(f"{stack.url}/v1/models").json()["data"]}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_this_machine_talks_by_the_openai_package(chromium: Browser, stack: Stack, host: str) -> None:
    report = chromium.visit(host, "pages/talks.html", api=stack.url)
    assert report.pop("requestId").startswith("req_")
    assert "".join(report.pop("pieces")) == "alpha beta gamma"
    assert report == {"origin": f"http://{host}:{chromium.port}", "deleted": True, "missing": "model_not_found"}


def test_a_page_with_a_key_talks_where_its_origin_is_allowed(chromium: Browser, new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_API_KEY="key", HEADRACE_CORS_ORIGINS="http://app.test:*")
    stack.launch_echo("echo")
    report = chromium.visit("app.test", "pages/talks.html", api=stack.url, key="key")
    assert "".join(report["pieces"]) == "alpha beta gamma"
    assert (report["missing"], report["wrongKey"]) == ("model_not_found", 401)
    report = chromium.visit("other.test", "pages/talks.html", api=stack.url, key="key")
    assert "pieces" not in report
    assert "Failed to fetch" in report["error"]


def test_a_strangers_page_changes_nothing(chromium: Browser, stack: Stack, running_job: str) -> None:
    wait_for(lambda: state(stack, running_job) == "running", 60)
    before = models(stack), uploads(stack)
    report = chromium.visit("evil.test", "pages/acts.html", api=stack.url, job=running_job)
    assert report == {
        "origin": f"http://evil.test:{chromium.port}",
        **dict.fromkeys(("form", "interrupt", "cancel"), "sent"),
        "beacon": True,
        **dict.fromkeys(("launch", "read"), "kept back"),
    }
    assert state(stack, running_job) == "running"
    assert (models(stack), uploads(stack)) == before


def test_a_page_of_this_machine_changes_what_it_wants(chromium: Browser, stack: Stack, running_job: str) -> None:
    """What shows that the page above tries it as browsers do: only what it does in a sandbox is a stranger's."""
    wait_for(lambda: state(stack, running_job) == "running", 60)
    before = uploads(stack)

    def sent() -> dict[str, str]:
        return {file: name for file, name in uploads(stack).items() if file not in before}

    report = chromium.visit("localhost", "pages/acts.html", api=stack.url, job=running_job)
    try:
        assert (report["launch"], report["read"]) == (200, 200)
        expected = ["beacon.jsonl", "fetched.jsonl", "form.jsonl"]
        wait_for(lambda: sorted(sent().values()) == expected, 60, lambda: str(sent()))
        wait_for(lambda: state(stack, running_job) == "cancelled", 60)
    finally:
        with httpx.Client(base_url=stack.url) as http:
            http.delete("/v1/models/intruder")
            for file in sent():
                http.delete(f"/v1/files/{file}")


def test_a_strangers_name_for_this_machine_shows_nothing(chromium: Browser, stack: Stack) -> None:
    """As when a name, after its page was loaded, is made one of 127.0.0.1 (DNS rebinding)."""
    shown = chromium.dump(f"http://evil.test:{stack.port}/v1/models")
    assert "host_not_allowed" in shown
    assert "echo" not in shown
    assert "echo" in chromium.dump(f"http://localhost:{stack.port}/v1/models")


def test_the_documentation_shows_itself_without_internet(chromium: Browser, stack: Stack) -> None:
    shown = chromium.dump(f"http://localhost:{stack.port}/docs", seconds=30)
    assert "Chat completion" in shown
    assert "Launch a model" in shown
