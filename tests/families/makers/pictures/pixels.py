"""Tiny pipelines that draw in pixels, with noise from the seed at every step: DeepFloyd IF, with its watermark."""

from typing import Any

import diffusers
import torch
from diffusers.models.attention_processor import AttnAddedKVProcessor
from diffusers.pipelines.deepfloyd_if import IFWatermarker

from tests.families.makers.pictures.parts import t5, t5_tokenizer


def deepfloyd(cls: Any = diffusers.IFPipeline, *, channels: int = 3, **more: Any) -> Any:
    """The first stage; the second one's network sees the small picture, too, in further ``channels``."""
    torch.manual_seed(0)
    network = diffusers.UNet2DConditionModel(
        sample_size=64,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        in_channels=channels,
        out_channels=6,
        cross_attention_dim=32,
        encoder_hid_dim=32,
        attention_head_dim=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        cross_attention_norm="group_norm",
        resnet_time_scale_shift="scale_shift",
        act_fn="gelu",
        class_embed_type="timestep" if channels > 3 else None,
    )
    network.set_attn_processor(AttnAddedKVProcessor())
    return cls(
        unet=network.eval(),
        scheduler=diffusers.DDPMScheduler(
            beta_schedule="squaredcos_cap_v2", thresholding=True, sample_max_value=1.5, variance_type="learned_range"
        ),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        safety_checker=None,
        feature_extractor=None,
        watermarker=IFWatermarker(),
        requires_safety_checker=False,
        **more,
    )


def deepfloyd_second() -> Any:
    """The second stage, which makes a small picture large."""
    noise = diffusers.DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    return deepfloyd(diffusers.IFSuperResolutionPipeline, channels=6, image_noising_scheduler=noise)
