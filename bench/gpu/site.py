"""What a step measures on: the device, a folder, and a file into which each figure goes as soon as it is known."""

import importlib.util
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.platform import Platform
from models.launching import devices
from models.launching.nvml import CardMemory, Meter

Figures = dict[str, Any]
Part = Callable[["Site"], Awaitable[Any]]


class Skipped(Exception):
    """This machine lacks what a part needs; the message says what."""


def write(path: Path, figures: Figures) -> None:
    """Write JSON, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def read(path: Path) -> Figures:
    """The figures that are known so far."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def need(*modules: str) -> None:
    """Raises Skipped for the first of these modules that is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Skipped(f"no {module}")


@dataclass(frozen=True, slots=True)
class Site:
    """``device`` as ``headrace up --device`` takes it; ``folder`` holds the weights; ``figures`` is this step's file.

    ``quick``: tiny weights and few requests, to rehearse.
    """

    device: str
    quick: bool
    folder: str
    figures: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """From the JSON of ``text``."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @property
    def on_gpu(self) -> bool:
        """Whether the device is an NVIDIA GPU."""
        return self.device.startswith("cuda")

    async def measure(self, **parts: Part) -> None:
        """Measure one part after the other. One that fails or is skipped costs only itself."""
        found = read(Path(self.figures))
        for name, part in parts.items():
            began = time.perf_counter()
            try:
                found[name] = await part(self)
            except Skipped as reason:
                found[name] = f"skipped: {reason}"
            except Exception as error:  # noqa: BLE001 - the other figures are still wanted
                found[name] = f"failed: {type(error).__name__}: {error}"
            if isinstance(found[name], dict):
                found[name]["part_s"] = time.perf_counter() - began
            write(Path(self.figures), found)

    def weights(self, name: str) -> Path:
        """The folder of a model that the step ``weights`` made. Raises Skipped where it did not."""
        path = Path(self.folder) / name
        if not (path / "config.json").is_file():
            raise Skipped(f"no weights: {name} was not made")
        return path

    def need_cuda(self) -> None:
        """Raises Skipped unless PyTorch computes on the device."""
        if not self.on_gpu:
            raise Skipped("no CUDA")
        need("torch")
        import torch

        if not torch.cuda.is_available():
            raise Skipped("no CUDA")

    def computing_device(self) -> str:
        """The device's name for PyTorch. Raises Skipped where it is a GPU on which PyTorch does not compute."""
        if self.on_gpu:
            self.need_cuda()
        return self.device

    def meter(self) -> Meter:
        """NVML on this device. Raises Skipped where there is none."""
        if not self.on_gpu:
            raise Skipped("no NVML for a CPU")
        return Meter(devices.parse(self.device).uuid)

    def memory(self) -> CardMemory | None:
        """The card's memory as NVML has it now; None on a CPU."""
        if not self.on_gpu:
            return None
        meter = self.meter()
        try:
            return meter.read()
        finally:
            meter.close()

    def platform(self, **env: str) -> Platform:
        """Headrace on this device, and on the CPU."""
        return Platform(devices=dict.fromkeys((self.device, "cpu")), **env)
