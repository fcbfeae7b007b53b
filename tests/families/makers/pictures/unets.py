"""Tiny pipelines around a UNet: Stable Diffusion 1, 2 and XL, and what was made of them."""

from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker

from tests.families.makers.pictures.parts import clip, clip_tokenizer, vae

_SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def unet(channels: int = 4, **more: Any) -> Any:
    """A UNet under a text encoder of width 32."""
    torch.manual_seed(0)
    shape = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 32,
        "in_channels": channels,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
    }
    return diffusers.UNet2DConditionModel(**shape | more).eval()


def xl_unet(channels: int = 4, **more: Any) -> Any:
    """A UNet as SDXL has it."""
    return unet(
        channels,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        **{"cross_attention_dim": 64, "projection_class_embeddings_input_dim": 80} | more,
    )


def scheduler(**more: Any) -> Any:
    """The usual one of Stable Diffusion."""
    return diffusers.DDIMScheduler(**_SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1, **more)


def checker() -> Any:
    """A safety checker of random weights."""
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config={"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 4},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "image_size": 30,
            "patch_size": 2,
        },
        projection_dim=64,
    )
    return StableDiffusionSafetyChecker(config).eval()


def sd15(cls: Any = diffusers.StableDiffusionPipeline, *, checked: bool = False, channels: int = 4) -> Any:
    """Stable Diffusion 1.5, on request with the safety checker that the hub's have."""
    features = transformers.CLIPImageProcessor(size=30, crop_size=30) if checked else None
    return cls(
        vae=vae(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        unet=unet(channels),
        scheduler=scheduler(),
        safety_checker=checker() if checked else None,
        feature_extractor=features,
        requires_safety_checker=checked,
    )


def sd15_of_four_levels() -> Any:
    """Stable Diffusion 1.5 with as many levels as the real one has."""
    pipe = sd15()
    blocks = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
    network = unet(
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=2,
        down_block_types=(*[blocks[0]] * 3, "DownBlock2D"),
        up_block_types=("UpBlock2D", *[blocks[1]] * 3),
    )
    return diffusers.StableDiffusionPipeline(
        **{name: part for name, part in pipe.components.items() if name not in ("unet", "vae")},
        unet=network,
        vae=vae(blocks=4, layers_per_block=2),
        requires_safety_checker=False,
    )


def sdxl(cls: Any = diffusers.StableDiffusionXLPipeline, **more: Any) -> Any:
    """SDXL; ``more`` replaces parts."""
    parts = {
        "vae": vae(),
        "text_encoder": clip(act="gelu"),
        "text_encoder_2": clip(projected=True, act="gelu"),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": clip_tokenizer(),
        "unet": xl_unet(),
        "scheduler": diffusers.EulerDiscreteScheduler(**_SCHEDULE, steps_offset=1, timestep_spacing="leading"),
    }
    return cls(**parts | more)


def sdxl_turbo() -> Any:
    """SDXL-Turbo, whose scheduler ends with the last step."""
    return sdxl(scheduler=diffusers.EulerAncestralDiscreteScheduler(**_SCHEDULE, timestep_spacing="trailing"))


def refiner() -> Any:
    """SDXL's refiner: one text encoder, and a score that must be told."""
    return sdxl(
        diffusers.StableDiffusionXLImg2ImgPipeline,
        text_encoder=None,
        tokenizer=None,
        requires_aesthetics_score=True,
        unet=xl_unet(cross_attention_dim=32, projection_class_embeddings_input_dim=72),
    )


def lcm() -> Any:
    """A latent consistency model."""
    return diffusers.LatentConsistencyModelPipeline(
        vae=vae(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        unet=unet(time_cond_proj_dim=32),
        scheduler=diffusers.LCMScheduler(**_SCHEDULE, clip_sample=False, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def pix2pix() -> Any:
    """InstructPix2Pix, whose UNet sees the image."""
    return sd15(diffusers.StableDiffusionInstructPix2PixPipeline, channels=8)
