"""Turns at loading, between processes."""

import subprocess
import sys
from pathlib import Path

from tests.support.servers import wait_for
from workers.device.turns import Turns

HOLDS = """
import sys
from pathlib import Path
from workers.device.turns import Turns
turn = Turns(Path(sys.argv[1])).take(sys.argv[2:])
print("held" if turn else "refused", flush=True)
sys.stdin.read()
"""


def test_one_at_a_time_loads_onto_a_gpu(tmp_path: Path) -> None:
    turns, others = Turns(tmp_path), Turns(tmp_path)
    turn = turns.take(["GPU-1", "GPU-2"])
    assert turn

    with turn:
        assert others.take(["GPU-2", "GPU-3"]) is None
        other = others.take(["GPU-3"])
        assert other, "what could not have all holds nothing"
        other.close()
    again = others.take(["GPU-1"])
    assert again
    again.close()


def test_older_names_of_mig_instances_are_names_of_files(tmp_path: Path) -> None:
    name = "MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/7/0"
    turn = Turns(tmp_path).take([name])
    assert turn

    with turn:
        assert Turns(tmp_path).take([name]) is None
        [file] = tmp_path.iterdir()
        assert file.name.endswith("_7_0.lock")


def test_a_process_that_is_killed_ends_its_turn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path), "GPU-1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert Turns(tmp_path).take(["GPU-1"]) is None
        process.kill()
        process.wait(10)

    wait_for(lambda: Turns(tmp_path).take(["GPU-1"]), 10).close()
