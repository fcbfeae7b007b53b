"""Tiny pipelines around a transformer: FLUX, Stable Diffusion 3, Qwen-Image, Z-Image, PixArt."""

from typing import Any

import diffusers
import torch
import transformers as _transformers

from tests.families.makers.pictures.parts import clip, clip_tokenizer, qwen_tokenizer, t5, t5_tokenizer, vae

transformers: Any = _transformers  # whose types lack much
_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def flux(cls: Any = diffusers.FluxPipeline, *, guided: bool = True, channels: int = 4, **more: Any) -> Any:
    """FLUX.1: ``guided`` as dev, else as schnell."""
    torch.manual_seed(0)
    network = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=channels,
        out_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=guided,
    )
    parts = {
        "transformer": network.eval(),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=guided),
        "vae": vae(1, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.0609, scaling_factor=1.5035),
        "text_encoder": clip(),
        "text_encoder_2": t5(),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": t5_tokenizer(),
    }
    return cls(**parts | more)


def sd3() -> Any:
    """Stable Diffusion 3."""
    torch.manual_seed(0)
    network = diffusers.SD3Transformer2DModel(
        sample_size=32,
        patch_size=1,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=64,
        out_channels=4,
    )
    return diffusers.StableDiffusion3Pipeline(
        transformer=network.eval(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.0609, scaling_factor=1.5035),
        text_encoder=clip(projected=True),
        text_encoder_2=clip(projected=True),
        text_encoder_3=t5(),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        tokenizer_3=t5_tokenizer(),
    )


def qwen(*, levels: int = 3) -> Any:
    """Qwen-Image. Its autoencoder halves each side once less than it has levels."""
    torch.manual_seed(0)
    network = diffusers.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=3,
        joint_attention_dim=16,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )
    decoder = diffusers.AutoencoderKLQwenImage(
        base_dim=24,
        z_dim=4,
        dim_mult=[1, 2, 4, 4][:levels],
        num_res_blocks=1,
        temperal_downsample=[False, True, True][: levels - 1],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
            "rope_theta": 1000000.0,
            "vocab_size": 1000,
        },
        vision_config={"depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16},
        vocab_size=1000,
    )
    return diffusers.QwenImagePipeline(
        transformer=network.eval(),
        vae=decoder.eval(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=qwen_tokenizer(),
    )


def z_image(*, shift: float = 3.0) -> Any:
    """Z-Image."""
    torch.manual_seed(0)
    network = diffusers.ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        qk_norm=True,
        cap_feat_dim=16,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    )
    text = transformers.Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=1000,
        max_position_embeddings=512,
    )
    return diffusers.ZImagePipeline(
        transformer=network.eval(),
        vae=vae(4, shift_factor=0.1, scaling_factor=0.3611),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=shift),
        text_encoder=transformers.Qwen3Model(text).eval(),
        tokenizer=qwen_tokenizer(_TEMPLATE),
    )


def pixart() -> Any:
    """PixArt-Sigma, whose pipeline swallows callbacks."""
    torch.manual_seed(0)
    network = diffusers.PixArtTransformer2DModel(
        sample_size=32,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=32,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
        norm_type="ada_norm_single",
    )
    return diffusers.PixArtSigmaPipeline(
        transformer=network.eval(),
        vae=vae(blocks=4),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def flux_fill() -> Any:
    """FLUX Fill, whose transformer sees image and mask beside the latents."""
    return flux(diffusers.FluxFillPipeline, channels=4 + 4 + 4 * 4)
