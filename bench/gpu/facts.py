"""Step 1: what NVML says of the card, and what a bare CUDA context takes of its memory."""

import asyncio
import json
import sys
from typing import Any

from bench.gpu.site import Site, Skipped
from models.launching import devices, nvml

CONTEXT = """
import json, sys, torch
torch.zeros(1, device=sys.argv[1])
print(json.dumps({"reserved_bytes": torch.cuda.memory_reserved()}), flush=True)
sys.stdin.read()
"""


async def run(site: Site) -> None:
    """Measure."""
    await site.measure(card=card, pytorch=pytorch, context=context)


async def card(site: Site) -> dict[str, Any]:
    """NVML's facts of the card and its driver."""
    if not site.on_gpu:
        raise Skipped("no NVML for a CPU")
    found, device, memory = nvml.find(), devices.parse(site.device), site.memory()
    return {
        "label": device.label,
        "uuid": device.uuid,
        "capability": device.capability,
        "driver": found.driver,
        "cuda": found.cuda,
        "faults": found.faults,
        "total_bytes": memory.total_bytes if memory else None,
        "free_bytes": memory.free_bytes if memory else None,
        "processes": len(memory.by_pid) if memory else None,
    }


async def pytorch(site: Site) -> dict[str, Any]:
    """What PyTorch sees of it."""
    site.need_cuda()
    import torch

    seen = torch.cuda.get_device_properties(site.device)
    return {
        "name": seen.name,
        "total_bytes": seen.total_memory,
        "processors": seen.multi_processor_count,
        "cuda": torch.version.cuda,
        "bfloat16": torch.cuda.is_bf16_supported(),
    }


async def context(site: Site) -> dict[str, Any]:
    """The bytes of a process that has one number on the card, without those that PyTorch has reserved for tensors.

    ``by_process`` is null where NVML sees processes under other ids, as from within a container.
    """
    site.need_cuda()
    before = site.memory()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CONTEXT, site.device, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(await process.stdout.readline())
    after = site.memory()
    process.kill()
    await process.wait()
    if before is None or after is None:
        raise Skipped("no answer of NVML")
    held, reserved = after.by_pid.get(process.pid), said["reserved_bytes"]
    return said | {
        "by_process_bytes": held and held - reserved,
        "by_free_bytes": before.free_bytes - after.free_bytes - reserved,
    }
