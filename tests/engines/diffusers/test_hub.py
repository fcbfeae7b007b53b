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
        ("tokenizer/chat_template.jinja", True),
        ("processor/chat_template.json", True),
        ("text_encoder/qwen.tiktoken", True),
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
    wanted, unwanted = hub.patterns(Source(kind, "org/name"), engine="diffusers", files=files, half=True)

    kept = [name for name in files if not any(fnmatch(name, one) for one in unwanted)]
    fetched = [name for name in kept if any(fnmatch(name, one) for one in wanted)]
    assert fetched == [files[1], files[2], files[3]]


@pytest.mark.parametrize("half", [True, False])
def test_half_precision_alone_is_fetched_on_every_device(half: bool) -> None:
    files = ["unet/model.fp16.safetensors", "vae/model.fp16.safetensors", "vae/model.safetensors", "model_index.json"]
    wanted, unwanted = hub.patterns(Source("huggingface", "org/name"), engine="diffusers", files=files, half=half)

    kept = [name for name in files if not any(fnmatch(name, one) for one in unwanted)]
    assert [name for name in kept if any(fnmatch(name, one) for one in wanted)] == [
        *(files[0], files[1 if half else 2], files[3])
    ]


def test_other_engines_fetch_what_they_fetched() -> None:
    source, files = Source("huggingface", "org/name"), ["unet/model.safetensors", "unet/model.fp16.safetensors"]

    assert hub.patterns(source, engine="transformers", files=files) == hub.patterns(source, engine="transformers")
