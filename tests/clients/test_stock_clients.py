"""Clients that others wrote, as they come, each in the environment that it wants, against a live server.

What each does is in ``NAME_calls.py`` or ``NAME.mjs`` of ``calls``.
"""

import os

import pytest

from tests.clients.conftest import KEY, SMOLLM2
from tests.clients.programs import HERE, MODULES, node, python, ran
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(400)]


@pytest.mark.parametrize("name", ["xinference", "cohere", "langchain", "llama_index", "litellm", "instructor"])
def test_a_python_client_is_served(live: Stack, name: str) -> None:
    about = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it looks for prices on the web
    ran(live, [python(), str(HERE / "calls" / f"{name}_calls.py"), live.url, KEY], **about)


def test_langchains_own_suites_pass(live: Stack) -> None:
    live.client.launch(SMOLLM2 | {"model_uid": "another"})
    live.client.wait_ready("another")
    command = [python(), "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "--noconftest", "-c", os.devnull]
    command += ["--import-mode=importlib", "--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=session"]
    command += ["-o", "asyncio_default_test_loop_scope=session", str(HERE / "calls" / "langchain_standard.py")]
    about = {"OPENAI_BASE_URL": f"{live.url}/v1", "OPENAI_API_KEY": KEY, "LANGSMITH_TRACING": "false"}
    printed = ran(live, command, **about)
    assert "passed" in printed
    live.client.terminate("another")


@pytest.mark.parametrize("name", ["npm_sdks", "ai_sdk"])
def test_a_javascript_client_is_served(live: Stack, name: str) -> None:
    about = {"AI_SDK_LOG_WARNINGS": "false"}
    ran(live, [node(), str(HERE / "calls" / f"{name}.mjs"), live.url, KEY, str(MODULES)], **about)
