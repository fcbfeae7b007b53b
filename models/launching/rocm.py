"""AMD's GPUs, as the kernel's ROCm driver lists them. They are seen and not used: engines have no builds for them here.

The driver (amdkfd) has a folder for each node of the machine, processors included, with a file of numbers each.
"""

import contextlib
import os
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

TOPOLOGY = Path("/sys/class/kfd/kfd/topology/nodes")
_AMD = 0x1002
_GIB = 1 << 30
_OWN_MEMORY = (1, 2)  # heap types: the GPU's memory that the host can reach, and the rest of it


class AmdCard(NamedTuple):
    """One of AMD's GPUs: its architecture, such as "gfx1100", the bytes of its own memory, and ROCm's name for it."""

    architecture: str
    total_bytes: int
    uuid: str = ""


def note() -> str:
    """The sentence for people whose GPUs are AMD's; empty where there are none, or where they are hidden."""
    cards = visible(find(TOPOLOGY), os.environ.get("HIP_VISIBLE_DEVICES"))
    if not cards:
        return ""
    listed = ", ".join(f"{card.architecture} with {card.total_bytes / _GIB:.0f} GiB" for card in cards)
    return (
        f"AMD's GPUs are seen ({listed}) and not used, so models run on the CPU; "
        "for these cards there are llama.cpp's and vLLM's own servers, built for ROCm"
    )


def find(topology: Path) -> list[AmdCard]:
    """The cards of a machine, in the order in which ROCm numbers them."""
    with contextlib.suppress(OSError):
        nodes = [folder for folder in topology.iterdir() if folder.name.isdigit()]
        found = [_read(folder) for folder in sorted(nodes, key=lambda folder: int(folder.name))]
        return [card for card in found if card is not None]
    return []


def visible(cards: Sequence[AmdCard], wanted: str | None) -> list[AmdCard]:
    """Those that ``HIP_VISIBLE_DEVICES`` leaves: like HIP, up to the first entry that names no card."""
    if wanted is None:
        return list(cards)
    named = {str(index): card for index, card in enumerate(cards)} | {card.uuid: card for card in cards if card.uuid}
    entries = [entry.strip() for entry in wanted.split(",")]
    return [named[entry] for entry in takewhile(named.__contains__, entries)]


def parse(node: str, banks: Sequence[str]) -> AmdCard | None:
    """The card that these files describe, a node's and those of its banks of memory; None if it is a processor."""
    about = _numbers(node)
    version = about.get("gfx_target_version", 0)
    if about.get("vendor_id") != _AMD or not about.get("simd_count") or not version:
        return None
    memory = sum(bank.get("size_in_bytes", 0) for bank in map(_numbers, banks) if bank.get("heap_type") in _OWN_MEMORY)
    unique = about.get("unique_id", 0)
    return AmdCard(_architecture(version), memory, f"GPU-{unique:016x}" if unique else "")


def _read(folder: Path) -> AmdCard | None:
    try:
        banks = [path.read_text() for path in sorted(folder.glob("mem_banks/*/properties"))]
        return parse((folder / "properties").read_text(), banks)
    except OSError:  # a container may read the nodes of its own cards alone
        return None


def _numbers(text: str) -> dict[str, int]:
    """The content of such a file: a name and a number on each line."""
    words = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}


def _architecture(version: int) -> str:
    """LLVM's name: 110001 is version 11.0.1, which is gfx1101; 90010 is 9.0.10, gfx90a."""
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"
