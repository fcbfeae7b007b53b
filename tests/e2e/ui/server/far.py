"""The worker of another machine, which nobody starts anew."""

import subprocess
import sys
from pathlib import Path

from models.process.processes import spawn
from tests.e2e.stack import Stack, clean_environment

Worker = subprocess.Popen[bytes]


def start_worker(stack: Stack, home: Path, device: str, **more: str) -> Worker:
    """Start a worker of the machine ``far``, which knows the database and the Redis of the stack.

    ``home``: its home folder; ``more``: of its environment.
    """
    env = clean_environment() | {"HEADRACE_HOME": str(home), "HEADRACE_NODE": "far"}
    env |= {"HEADRACE_REDIS_URL": stack.redis_url()}
    env |= {"HEADRACE_DATABASE_URL": f"sqlite:///{stack.home / 'headrace.db'}"}
    command = [sys.executable, "-P", "-m", "workers.device", "--device", device]
    with home.with_suffix(".output").open("ab") as output:
        return spawn(command, env=env | more, stdout=output, stderr=subprocess.STDOUT)
