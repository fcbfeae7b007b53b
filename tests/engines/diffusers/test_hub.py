"""What of a pipeline's repository is fetched."""

from fnmatch import fnmatch

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
