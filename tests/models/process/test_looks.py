"""Looks at what may never answer (``models.process.looks``)."""

import asyncio
import subprocess
import sys
import threading

import pytest

from models.errors import InvalidRequest
from models.process.looks import Looks

HANGS = """
import asyncio, threading
from models.process.looks import Looks
async def main():
    try:
        await Looks().look(0.1, threading.Event().wait)
    except TimeoutError:
        print("given up")
asyncio.run(main())
"""


async def test_a_look_gives_what_it_finds_or_raises() -> None:
    def fails() -> None:
        raise InvalidRequest("there is nothing")

    looks = Looks()
    assert await looks.look(10, sum, [1, 2]) == 3
    with pytest.raises(InvalidRequest, match="there is nothing"):
        await looks.look(10, fails)


async def test_one_that_hangs_is_given_up_and_has_its_place_until_it_ends() -> None:
    looks, may = Looks(most=1), threading.Event()
    with pytest.raises(TimeoutError):
        await looks.look(0.05, may.wait)
    with pytest.raises(TimeoutError):
        await looks.look(0.05, sum, [1])
    waiting = asyncio.create_task(looks.look(10, sum, [1, 2]))
    may.set()
    assert await waiting == 3
    assert await looks.look(10, sum, [4]) == 4


async def test_who_leaves_gives_back_no_place_that_is_taken() -> None:
    looks, may = Looks(most=2), threading.Event()
    for _ in range(2):
        task = asyncio.create_task(looks.look(10, may.wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(TimeoutError):
        await looks.look(0.05, sum, [1])
    may.set()
    assert await looks.look(10, sum, [1]) == 1


def test_one_that_hangs_keeps_no_process_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "given up\n", "")
