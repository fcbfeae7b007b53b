"""Work that nobody awaits: its errors are logged, and what is needed ends its owner."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import migrations
from api.local.embedded import free_port
from models.process.background import PART_DEAD, Background
from tests.support.servers import Valkey

END = tuple[str, BaseException | None]


async def fail() -> None:
    raise KeyError("a fault")


async def test_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()
    background.once(fail(), "an errand")
    while "an errand failed" not in caplog.text:
        await asyncio.sleep(0.01)
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("error", [None, KeyError])
async def test_an_owner_hears_of_the_end_of_what_it_needs(error: type[Exception] | None) -> None:
    heard: list[END] = []
    background = Background(lambda name, error: heard.append((name, error)))
    background.for_ever(asyncio.sleep(0) if error is None else fail(), "a part")
    while not heard:
        await asyncio.sleep(0.01)
    [(name, found)] = heard
    assert name == "a part"
    assert found is None if error is None else isinstance(found, error)


async def test_an_end_that_was_asked_for_is_no_news() -> None:
    heard: list[END] = []
    background = Background(lambda name, error: heard.append((name, error)))
    background.for_ever(asyncio.sleep(60), "a part")
    await asyncio.sleep(0)
    background.close()
    await asyncio.sleep(0.05)
    assert not heard


@pytest.mark.parametrize("part", ["replies.Replies", "response_writer.ResponseWriter"])
def test_a_gateway_that_lost_a_part_of_itself_ends(part: str, valkey: Valkey, tmp_path: Path) -> None:
    """In order, and with a code: whoever started it starts it anew."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    migrations.upgrade(url)
    module, name = part.split(".")
    faulty = f"""
import api.app, api.gateway.{module}

async def run(self):
    raise KeyError("a fault")

api.gateway.{module}.{name}.run = run
api.app.main()
"""
    mine = {"HEADRACE_REDIS_URL": valkey.url, "HEADRACE_DATABASE_URL": url, "HEADRACE_HOME": str(tmp_path)}
    mine |= {"HEADRACE_PORT": str(free_port()), "HEADRACE_SECRET_KEY": "0" * 32}
    command = [sys.executable, "-c", faulty]
    done = subprocess.run(command, env=os.environ | mine, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == PART_DEAD, done.stderr
    assert "this gateway ends, to be started anew" in done.stderr
    assert "KeyError" in done.stderr
    assert "Finished server process" in done.stderr or "shutdown complete" in done.stderr
