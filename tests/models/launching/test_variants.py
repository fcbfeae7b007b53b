"""Which of the same weights in several precisions are fetched and loaded."""

import pytest

from models.launching.variants import superfluous, variant

PLAIN = ["unet/model.safetensors", "vae/model.safetensors"]
HALF = ["unet/model.fp16.safetensors", "vae/model.fp16.safetensors"]
LARGE = [f"unet/model-{n:05}-of-00002.safetensors" for n in (1, 2)]
LARGE_HALF = [f"unet/model.fp16-{n:05}-of-00002.safetensors" for n in (1, 2)]


EMA = "unet/model.non_ema.safetensors"


@pytest.mark.parametrize(
    ("files", "on_gpu", "on_cpu"),
    [
        ([*PLAIN, *HALF], PLAIN, HALF),
        ([*PLAIN, HALF[0]], PLAIN[:1], HALF[:1]),
        ([*LARGE, *LARGE_HALF, PLAIN[1]], LARGE, LARGE_HALF),
        (PLAIN, [], []),
        (HALF, [], []),
        ([HALF[0], PLAIN[1]], [], []),
        ([PLAIN[0], EMA, "model.fp16.safetensors", "x/config.json"], [EMA], [EMA]),
        ([], [], []),
    ],
)
def test_of_each_weights_one_precision_is_fetched(files: list[str], on_gpu: list[str], on_cpu: list[str]) -> None:
    assert (superfluous(files, half=True), superfluous(files, half=False)) == (on_gpu, on_cpu)


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
