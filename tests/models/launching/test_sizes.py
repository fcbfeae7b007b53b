"""The side of what a U-Net draws, from the files of its pipeline."""

from typing import Any

import pytest

from models.launching.defaults.sizes import side_of


@pytest.mark.parametrize(
    ("pipeline", "sample", "blocks", "side"),
    [
        ("StableDiffusionPipeline", 64, 4, 512),
        ("StableDiffusionPipeline", [48, 64], 4, 512),
        ("StableDiffusionPipeline", 32, 2, 64),
        ("KandinskyV22CombinedPipeline", 64, None, 512),
        ("IFPipeline", 64, None, 64),
        ("IFSuperResolutionPipeline", 256, None, 256),
        ("StableDiffusionPipeline", None, 4, None),
        ("StableDiffusionPipeline", 1 << 40, 4, None),
        ("StableDiffusionPipeline", "64", 4, None),
    ],
)
def test_a_u_net_says_what_it_draws(pipeline: str, sample: Any, blocks: int | None, side: int | None) -> None:
    documents: dict[str, Any] = {"model_index.json": {"_class_name": pipeline}, "unet/config.json": {}}
    documents["unet/config.json"]["sample_size"] = sample
    if blocks:
        documents["vae/config.json"] = {"block_out_channels": [8] * blocks}

    assert side_of(documents) == side
