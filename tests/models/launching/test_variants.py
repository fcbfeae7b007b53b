"""Which of the same weights in several precisions are fetched and loaded."""

import pytest

from models.launching.variants import doubled, variant

PLAIN = ["unet/model.safetensors", "vae/model.safetensors"]
HALF = ["unet/model.fp16.safetensors", "vae/model.fp16.safetensors"]
LARGE = [f"unet/model-{n:05}-of-00002.safetensors" for n in (1, 2)]
LARGE_HALF = [f"unet/model.fp16-{n:05}-of-00002.safetensors" for n in (1, 2)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([*PLAIN, *HALF], PLAIN),
        ([*PLAIN, HALF[0]], PLAIN[:1]),
        ([*LARGE, *LARGE_HALF, PLAIN[1]], LARGE),
        ([*LARGE, HALF[0]], LARGE),
        (PLAIN, []),
        (HALF, []),
        (["unet/model.safetensors", "unet/model.non_ema.safetensors", "model.fp16.safetensors", "x/config.json"], []),
        ([], []),
    ],
)
def test_what_is_there_in_half_precision_is_not_fetched_twice(files: list[str], expected: list[str]) -> None:
    assert doubled(files) == expected


@pytest.mark.parametrize(
    ("files", "on_gpu", "on_cpu"),
    [
        ([*PLAIN, *HALF], "fp16", None),
        ([*LARGE, *LARGE_HALF], "fp16", None),
        ([HALF[0], PLAIN[1]], "fp16", "fp16"),
        (HALF, "fp16", "fp16"),
        (PLAIN, None, None),
        (["unet/model.bf16.safetensors"], "bf16", "bf16"),
        ([*PLAIN, "lora/some.thing.safetensors"], None, None),
        ([], None, None),
    ],
)
def test_the_variant_that_is_loaded(files: list[str], on_gpu: str | None, on_cpu: str | None) -> None:
    assert (variant(files, half=True), variant(files, half=False)) == (on_gpu, on_cpu)
