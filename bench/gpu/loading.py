"""Step 2: makes the weights that later steps need, and compares two ways to bring them onto the card."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bench.gpu import weights
from bench.gpu.site import Site

LOAD = """
import json, resource, sys, time, torch, transformers
path, device, straight = sys.argv[1], sys.argv[2], sys.argv[3] == "device_map"
torch.zeros(1, device=device)
began = time.perf_counter()
more = {"device_map": {"": device}} if straight else {}
model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16, local_files_only=True, **more)
model.to(device)
torch.cuda.synchronize()
load_s = time.perf_counter() - began
host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
device = torch.cuda.max_memory_reserved()
print(json.dumps({"load_s": load_s, "host_peak_bytes": host, "device_peak_bytes": device}))
"""


async def run(site: Site) -> None:
    """Make and measure. The ways to load take turns, the first of each with a warm cache of files."""
    await site.measure(bge=bge, llama_1b=llama_1b, llama_8b=llama_8b, loads_8b=loads)


async def bge(site: Site) -> dict[str, Any]:
    """An encoder of the shape of bge-large."""
    return {"bytes": weights.bert(Path(site.folder) / "bge", quick=site.quick, device=site.computing_device())}


async def llama_1b(site: Site) -> dict[str, Any]:
    """A small language model."""
    return await _llama(site, "llama-1b")


async def llama_8b(site: Site) -> dict[str, Any]:
    """A language model of usual size, 16 GB."""
    return await _llama(site, "llama-8b")


async def _llama(site: Site, name: str) -> dict[str, Any]:
    folder = Path(site.folder) / name
    return {"bytes": weights.llama(folder, name, quick=site.quick, device=site.computing_device())}


async def loads(site: Site) -> dict[str, Any]:
    """Seconds and memory of both ways: through the host's memory, and straight to the card."""
    path = site.weights("llama-8b")
    site.need_cuda()
    return {way: await _load(path, site.device, way) for way in ("host_then_to", "device_map")}


async def _load(path: Path, device: str, way: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOAD, str(path), device, way, stdout=asyncio.subprocess.PIPE
    )
    stdout, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"loading by {way} ended with code {process.returncode}")
    return json.loads(stdout)
