"""fal's and Replicate's own SDKs, of Python and JavaScript: they submit, follow, cancel and fetch the same jobs."""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from tests.clients.conftest import KEY
from tests.clients.programs import HERE, MODULES, node, python, ran
from tests.clients.tls import Tls
from tests.e2e.stack import Stack
from tests.support.weights import large

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.weights,
    pytest.mark.timeout(400),
    pytest.mark.skipif(large("glyph-diffusion") is None, reason="the weights that draw are not here"),
]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    found = Tls(tmp_path_factory.mktemp("tls"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def hoster(tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[Stack]:
    """A server behind TLS, since fal's Python client speaks nothing else."""
    home = tmp_path_factory.mktemp("hosters") / "home"
    stack = Stack(home, HEADRACE_API_KEY=KEY, HEADRACE_PUBLIC_URL=f"https://localhost:{tls.port}")
    tls.backend = httpx.URL(stack.url).port or 0
    try:
        stack.start()
        stack.launch_echo()
        stack.launch_echo("slow", step_ms=100)
        for name in ("glyphs", "hibari"):
            stack.client.launch({"model_name": name})
        for name in ("glyphs", "hibari"):
            stack.client.wait_ready(name)
        yield stack
    finally:
        stack.close()


def check_everywhere(hoster: Stack, job: str) -> None:
    """A job is the same by our own API, Replicate's and fal's."""
    with httpx.Client(base_url=hoster.url, headers={"authorization": f"Key {KEY}"}) as http:
        assert http.get(f"/v1/jobs/{job}").json()["state"] == "succeeded"
        assert http.get(f"/v1/predictions/{job}").json()["status"] == "succeeded"
        assert http.get(f"/fal/queue/headrace/glyphs/requests/{job}/status").json()["status"] == "COMPLETED"
        assert http.get(f"/fal/queue/headrace/glyphs/requests/{job}").json()["images"]
    assert httpx.get(f"{hoster.url}/v1/predictions/{job}").json()["status"] == 401


def job_of(printed: str) -> str:
    """The id of a job, which a program printed last."""
    return printed.split()[-1]


def test_replicates_python_client(hoster: Stack, tls: Tls) -> None:
    command = [python(), str(HERE / "calls" / "replicate_calls.py"), hoster.url, KEY]
    check_everywhere(hoster, job_of(ran(hoster, command, SSL_CERT_FILE=str(tls.certificate))))


def test_fals_python_client(hoster: Stack, tls: Tls) -> None:
    host = f"localhost:{tls.port}/fal"
    about = {"FAL_KEY": KEY, "FAL_RUN_HOST": f"{host}/run", "FAL_QUEUE_RUN_HOST": f"{host}/queue"}
    command = [python(), str(HERE / "calls" / "fal_calls.py")]
    check_everywhere(hoster, job_of(ran(hoster, command, SSL_CERT_FILE=str(tls.certificate), **about)))


def test_their_javascript_clients(hoster: Stack, tls: Tls) -> None:
    command = [node(), str(HERE / "calls" / "hosters.mjs"), hoster.url, KEY, str(MODULES)]
    check_everywhere(hoster, job_of(ran(hoster, command, NODE_EXTRA_CA_CERTS=str(tls.certificate))))
