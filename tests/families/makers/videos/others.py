"""LTX-Video, CogVideoX, HunyuanVideo and Mochi."""

from typing import Any

import diffusers
import torch
import transformers as _transformers

from tests.families.makers.pictures.parts import clip, clip_tokenizer, qwen_tokenizer, t5, t5_tokenizer

transformers: Any = _transformers  # whose types lack much


def _texts(**more: Any) -> dict[str, Any]:
    return {
        "text_encoder": t5(),
        "tokenizer": t5_tokenizer(),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(),
    } | more


def ltx(cls: Any = diffusers.LTXPipeline, *, denoises: bool = False) -> Any:
    """LTX-Video. ``denoises``: its decoder takes away the last noise, as that of 0.9.1 and later."""
    torch.manual_seed(0)
    network = diffusers.LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=1,
        caption_channels=32,
    )
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLLTXVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False, False, False, False, False),
        upsample_residual=(False, False, False, False),
        upsample_factor=(1, 1, 1, 1),
        timestep_conditioning=denoises,
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    vae.use_framewise_encoding = vae.use_framewise_decoding = False
    return cls(**_texts(transformer=network.eval(), vae=vae.eval()))


def ltx_condition() -> Any:
    """LTX-Video 0.9.5 and later: from a text, a first frame, or a first and a last one."""
    return ltx(diffusers.LTXConditionPipeline, denoises=True)


def cogvideox(cls: Any = diffusers.CogVideoXPipeline, **more: Any) -> Any:
    """CogVideoX, from a text."""
    torch.manual_seed(0)
    network = diffusers.CogVideoXTransformer3DModel(
        **{
            "num_attention_heads": 4,
            "attention_head_dim": 8,
            "in_channels": 4,
            "out_channels": 4,
            "time_embed_dim": 2,
            "text_embed_dim": 32,
            "num_layers": 1,
            "sample_width": 8,
            "sample_height": 8,
            "sample_frames": 9,
            "patch_size": 2,
            "temporal_compression_ratio": 4,
            "max_text_seq_length": 226,
        }
        | more
    )
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLCogVideoX(
        in_channels=3,
        out_channels=3,
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    )
    scheduler = diffusers.CogVideoXDPMScheduler()
    return cls(**_texts(transformer=network.eval(), vae=vae.eval(), scheduler=scheduler))


def cogvideox_image() -> Any:
    """CogVideoX, from a first frame, of one size alone: its network has learned its positions."""
    return cogvideox(
        diffusers.CogVideoXImageToVideoPipeline,
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    )


def _hunyuan_vae() -> Any:
    torch.manual_seed(0)
    return diffusers.AutoencoderKLHunyuanVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        act_fn="silu",
        norm_num_groups=4,
        scaling_factor=0.476986,
        spatial_compression_ratio=8,
        temporal_compression_ratio=4,
        mid_block_add_attention=True,
    ).eval()


def _llama() -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
        hidden_size=16,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=4,
        vocab_size=1000,
    )
    return transformers.LlamaModel(config).eval()


def hunyuan() -> Any:
    """HunyuanVideo, from a text."""
    torch.manual_seed(0)
    network = diffusers.HunyuanVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        patch_size=1,
        patch_size_t=1,
        guidance_embeds=True,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(2, 4, 4),
    )
    return diffusers.HunyuanVideoPipeline(
        transformer=network.eval(),
        vae=_hunyuan_vae(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder=_llama(),
        text_encoder_2=clip(8),
        tokenizer=qwen_tokenizer(),
        tokenizer_2=clip_tokenizer(),
    )


def mochi() -> Any:
    """Mochi."""
    torch.manual_seed(0)
    network = diffusers.MochiTransformer3DModel(
        patch_size=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        pooled_projection_dim=16,
        in_channels=12,
        out_channels=None,
        qk_norm="rms_norm",
        text_embed_dim=32,
        time_embed_dim=4,
        activation_fn="swiglu",
        max_sequence_length=256,
    )
    torch.nn.init.normal_(network.pos_frequencies)
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLMochi(
        latent_channels=12,
        out_channels=3,
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(32, 32, 32, 32),
        layers_per_block=(1, 1, 1, 1, 1),
    )
    return diffusers.MochiPipeline(**_texts(transformer=network.eval(), vae=vae.eval()))
