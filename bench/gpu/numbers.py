"""Step 7: what precision costs: embeddings in float32, TF32 and bfloat16, and images on the card against the CPU's."""

import base64
import io
import random
from time import perf_counter
from typing import Any

import httpx

from bench.embeddings import Side
from bench.gpu.serving import launch, model
from bench.gpu.site import Figures, Part, Site, need
from bench.gpu.weights import WORDS
from bench.platform import Platform

WAYS = {"float32": ("float32", "highest"), "tf32": ("float32", "high"), "bfloat16": ("bfloat16", "highest")}
"""The type of the weights, and how PyTorch multiplies float32."""


def texts(count: int) -> list[str]:
    """Texts of 60 known words each."""
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=60)) for _ in range(count)]


async def run(site: Site) -> None:
    """Measure the library alone, then through the platform."""
    vectors: dict[str, Any] = {}
    await site.measure(**{f"bare_{way}": _bare(way, vectors) for way in WAYS})
    async with site.platform() as there:
        served = {f"served_{dtype}": _served(there, dtype) for dtype in ("float32", "bfloat16")}

        async def glyphs(site: Site) -> Figures:
            need("diffusers", "PIL", "numpy")
            return await _glyphs(there)

        await site.measure(**served, glyphs=glyphs)


def _bare(way: str, vectors: dict[str, Any]) -> Part:
    async def part(site: Site) -> Figures:
        need("sentence_transformers")
        if way == "tf32":
            site.need_cuda()
        dtype, precision = WAYS[way]
        vectors[way], rate = encode(site, dtype, precision, 16 if site.quick else 2048)
        cosines = (vectors[way] * vectors["float32"]).sum(axis=1)
        return {"texts_s": rate, "cosine_least": float(cosines.min()), "cosine_mean": float(cosines.mean())}

    return part


def encode(site: Site, dtype: str, precision: str, count: int) -> tuple[Any, float]:
    """The embeddings of so many texts, float32 of length 1, and how many were made a second."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_float32_matmul_precision(precision)
    more = {"dtype": getattr(torch, dtype)}
    encoder = SentenceTransformer(
        str(site.weights("bge")), device=site.computing_device(), model_kwargs=more, local_files_only=True
    )
    words = texts(count)
    encoder.encode(words[:64], batch_size=64)
    began = perf_counter()
    made = encoder.encode(words, batch_size=256, convert_to_tensor=True).float().cpu().numpy()
    return made, count / (perf_counter() - began)


def _served(there: Platform, dtype: str) -> Part:
    async def part(site: Site) -> Figures:
        need("sentence_transformers")
        uid = f"bge-{dtype}"
        body = model(site.weights("bge"), "sentence_transformers", model_type="embedding", dtype=dtype)
        await launch(there, uid, **body)
        side = Side(uid, f"{there.url}/v1/embeddings", lambda sent: {"model": uid, "input": sent})
        each, count = (4, 16) if site.quick else (64, 4096)
        await side.batch(4, texts(4 * each), each, counts=False)
        await side.batch(16, texts(count), each)
        await there.terminate(uid)
        return side.row(16, each)

    return part


async def _glyphs(there: Platform) -> Figures:
    """Eight images of one seed on the device and on the CPU: the mean difference of their numbers, from 0 to 255."""
    import numpy

    await launch(there, "glyphs", model_name="glyphs", model_type="image")
    await launch(there, "glyphs-cpu", model_name="glyphs", model_type="image", n_gpu="None")
    await _draw(there, "glyphs")
    ours, ours_s = await _draw(there, "glyphs")
    cpu, cpu_s = await _draw(there, "glyphs-cpu")
    apart = numpy.abs(ours - cpu)
    return {
        "seconds": ours_s,
        "cpu_seconds": cpu_s,
        "difference_mean": float(apart.mean()),
        "difference_most": float(apart.max()),
        "contrast_least": float(ours.std(axis=(1, 2, 3)).min()),
    }


async def _draw(there: Platform, uid: str) -> tuple[Any, float]:
    import numpy
    from PIL import Image

    body = {"model": uid, "prompt": "a blue star", "n": 8, "seed": 7, "response_format": "b64_json"}
    began = perf_counter()
    async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
        answer = (await http.post("/v1/images/generations", json=body)).raise_for_status().json()
    seconds = perf_counter() - began
    pictures = [Image.open(io.BytesIO(base64.b64decode(one["b64_json"]))).convert("RGB") for one in answer["data"]]
    return numpy.stack([numpy.asarray(picture, dtype=numpy.float32) for picture in pictures]), seconds
