"""What other processes cost llama.cpp, with its threads waiting as OpenMP does by default, and as Headrace has them.

``python -m bench.busy GGUF``: tokens a second of one answer on all cores, alone and beside as many processes that
compute, each figure the median of several runs in turn. The machine must be quiet otherwise.
"""

import json
import os
import statistics
import subprocess
import sys
import time

from models.launching.options.text import LlamaCppOptions
from workers.engines.base import EngineSite
from workers.engines.llama_cpp.load import load_model

ROUNDS = 5
TOKENS = 48
DEFAULT = "300000"
"""OpenMP's own, where no policy is set."""


def answer(path: str, busy: int) -> float:
    """Tokens a second beside so many processes that compute."""
    loaded = load_model(EngineSite(path, "cpu", {}), LlamaCppOptions(n_parallel=1), lambda stage, fraction: None)
    body = {"prompt": "Once upon a time", "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": False}
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        began = time.monotonic()
        loaded.server.handle_completions(json.dumps(body), lambda _: False)
        return TOKENS / (time.monotonic() - began)
    finally:
        for other in others:
            other.kill()


def measure(path: str, busy: int, spins: str | None) -> float:
    """The same in a new process, since OpenMP reads its settings once. ``spins`` None: as Headrace sets them."""
    environment = os.environ | ({} if spins is None else {"GOMP_SPINCOUNT": spins})
    command = [sys.executable, "-m", "bench.busy", path, str(busy)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(path: str) -> None:
    """Measure and print."""
    for name, busy in (("alone", 0), ("busy", os.cpu_count() or 1)):
        pairs = [(measure(path, busy, DEFAULT), measure(path, busy, None)) for _ in range(ROUNDS)]
        before, now = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name}: {before:.1f} tokens/s by default, {now:.1f} as Headrace has it, ratio {now / before:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(answer(sys.argv[1], int(sys.argv[2])), flush=True)
        os._exit(0)  # llama.cpp's server may hang when it is shut down
    main(sys.argv[1])
