"""Clients that others wrote make videos, each as it comes, on the engine without weights.

What each does is in ``NAME_videos_calls.py`` or ``videos.mjs`` of ``calls``.
"""

from collections.abc import Iterator

import pytest

from tests.clients.conftest import KEY
from tests.clients.programs import HERE, MODULES, node, python, ran
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server whose key is ``KEY``, with the model ``film``."""
    stack = Stack(tmp_path_factory.mktemp("cinema") / "home", HEADRACE_API_KEY=KEY)
    try:
        stack.start()
        stack.client.launch({"model_uid": "film", "model_name": "echo", "model_type": "video", "step_ms": 20})
        stack.client.wait_ready("film")
        yield stack
    finally:
        stack.close()


@pytest.mark.parametrize("name", ["openai", "xinference", "litellm"])
def test_a_python_client_makes_videos(cinema: Stack, name: str) -> None:
    about = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it looks for prices on the web
    ran(cinema, [python(), str(HERE / "calls" / f"{name}_videos_calls.py"), cinema.url, KEY], **about)


def test_a_javascript_client_makes_videos(cinema: Stack) -> None:
    ran(cinema, [node(), str(HERE / "calls" / "videos.mjs"), cinema.url, KEY, str(MODULES)])
