"""Clients that others wrote, as they come, each in the environment that it wants, against a live server.

What each does is in ``NAME_calls.py`` beside this file.
"""

import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import KEY
from tests.e2e.stack import Stack, clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
PYTHON = HERE.parent.parent / ".venv-clients" / "bin" / "python"


@pytest.mark.parametrize("name", ["xinference", "cohere", "langchain", "llama_index"])
def test_a_stock_client_is_served(live: Stack, name: str) -> None:
    if not PYTHON.exists():
        pytest.skip("the clients' environment is not installed: make .venv-clients/.installed")
    command = [str(PYTHON), str(HERE / f"{name}_calls.py"), live.url, KEY]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=clean_environment(), cwd=HERE, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{live.log('gateway')[-3000:]}"
