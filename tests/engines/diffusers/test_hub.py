"""What of a pipeline's repository is fetched."""

from fnmatch import fnmatch
from typing import Any

import pytest

from models.launching import hub
from models.launching.hub import Source


@pytest.mark.parametrize(
    ("name", "fetched"),
    [
        ("model_index.json", True),
        ("unet/config.json", True),
        ("unet/diffusion_pytorch_model.safetensors", True),
        ("transformer/diffusion_pytorch_model-00001-of-00002.safetensors", True),
        ("tokenizer/merges.txt", True),
        ("tokenizer_2/spiece.model", True),
        ("unet/diffusion_pytorch_model.fp16.safetensors", False),
        ("unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors", False),
        ("unet/diffusion_pytorch_model.non_ema.safetensors", False),
        ("unet/diffusion_pytorch_model.bin", False),
        ("v1-5-pruned-emaonly.safetensors", False),
        ("v1-5-pruned.ckpt", False),
        ("unet/mine.py", False),
        ("README.md", False),
    ],
)
def test_a_pipeline_is_fetched_once_and_without_pickles(name: str, fetched: bool) -> None:
    wanted, unwanted = hub.patterns(Source("huggingface", "org/name"), engine="diffusers")

    assert (any(fnmatch(name, one) for one in wanted) and not any(fnmatch(name, one) for one in unwanted)) is fetched


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
def test_for_a_gpu_half_precision_takes_the_place_of_what_it_doubles(kind: Any) -> None:
    files = [
        *("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors"),
        *("vae/diffusion_pytorch_model.safetensors", "unet/config.json", "unet/diffusion_pytorch_model.bin"),
    ]
    wanted, unwanted = hub.patterns(Source(kind, "org/name"), engine="diffusers", halves_of=files)

    kept = [name for name in files if not any(fnmatch(name, one) for one in unwanted)]
    fetched = [name for name in kept if any(fnmatch(name, one) for one in wanted)]
    assert fetched == [files[1], files[2], files[3]]


def test_where_there_is_no_half_precision_nothing_changes() -> None:
    source, files = Source("huggingface", "org/name"), ["unet/diffusion_pytorch_model.safetensors"]

    assert hub.patterns(source, engine="diffusers", halves_of=files) == hub.patterns(source, engine="diffusers")
    half = ["unet/model.safetensors", "unet/model.fp16.safetensors"]
    assert hub.patterns(source, engine="transformers", halves_of=half) == hub.patterns(source, engine="transformers")
