"""Wan 2.1 and 2.2, and SkyReels V2, which is built as Wan is."""

from typing import Any

import diffusers
import torch
import transformers as _transformers

from tests.families.makers.pictures.parts import t5, t5_tokenizer

transformers: Any = _transformers  # whose types lack much


def autoencoder(**more: Any) -> Any:
    """Wan's autoencoder: four frames become one, and eight pixels of each side."""
    torch.manual_seed(0)
    return diffusers.AutoencoderKLWan(
        **{
            "base_dim": 3,
            "z_dim": 16,
            "dim_mult": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "temperal_downsample": [False, True, True],
        }
        | more
    ).eval()


def network(seed: int = 0, cls: Any = diffusers.WanTransformer3DModel, **more: Any) -> Any:
    """A network of Wan."""
    torch.manual_seed(seed)
    return cls(
        **{
            "patch_size": (1, 2, 2),
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "in_channels": 16,
            "out_channels": 16,
            "text_dim": 32,
            "freq_dim": 256,
            "ffn_dim": 32,
            "num_layers": 2,
            "cross_attn_norm": True,
            "qk_norm": "rms_norm_across_heads",
            "rope_max_seq_len": 32,
        }
        | more
    ).eval()


def _parts(**more: Any) -> dict[str, Any]:
    flow = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
    )
    return {"vae": autoencoder(), "scheduler": flow, "text_encoder": t5(), "tokenizer": t5_tokenizer()} | more


def seeing(side: int) -> dict[str, Any]:
    """The encoder of pictures that Wan 2.1 has."""
    torch.manual_seed(0)
    config = transformers.CLIPVisionConfig(
        hidden_size=4,
        projection_dim=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=side,
        intermediate_size=16,
        patch_size=1,
    )
    processor = transformers.CLIPImageProcessor(crop_size=side, size=side)
    return {"image_encoder": transformers.CLIPVisionModel(config).eval(), "image_processor": processor}


def text() -> Any:
    """Wan 2.1, from a text."""
    return diffusers.WanPipeline(**_parts(transformer=network()))


def image() -> Any:
    """Wan 2.1, from a first frame, which its network sees."""
    return diffusers.WanImageToVideoPipeline(**_parts(transformer=network(in_channels=36, image_dim=4), **seeing(32)))


def frames() -> Any:
    """Wan 2.1, from a first and a last frame, which its network sees."""
    two = network(in_channels=36, image_dim=4, pos_embed_seq_len=2 * (4 * 4 + 1))
    return diffusers.WanImageToVideoPipeline(**_parts(transformer=two, **seeing(4)))


def text_of_two() -> Any:
    """Wan 2.2, from a text: the second network takes the last steps."""
    return diffusers.WanPipeline(**_parts(transformer=network(), transformer_2=network(1)), boundary_ratio=0.875)


def image_of_two() -> Any:
    """Wan 2.2, from pictures, which it does not see: they stand among the frames."""
    both = {"transformer": network(in_channels=36), "transformer_2": network(1, in_channels=36)}
    return diffusers.WanImageToVideoPipeline(**_parts(**both), boundary_ratio=0.9)


def small() -> Any:
    """Wan 2.2's small one, from a text or a first frame."""
    vae = autoencoder(
        z_dim=48,
        in_channels=12,
        out_channels=12,
        is_residual=True,
        patch_size=2,
        latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48,
        scale_factor_spatial=16,
        scale_factor_temporal=4,
    )
    return diffusers.WanPipeline(
        **_parts(vae=vae, transformer=network(in_channels=48, out_channels=48)), expand_timesteps=True
    )


def skyreels() -> Any:
    """SkyReels V2, from a text."""
    return diffusers.SkyReelsV2Pipeline(**_parts(transformer=network(cls=diffusers.SkyReelsV2Transformer3DModel)))


def skyreels_image() -> Any:
    """SkyReels V2, from a first frame."""
    seen = network(cls=diffusers.SkyReelsV2Transformer3DModel, in_channels=36, image_dim=4)
    return diffusers.SkyReelsV2ImageToVideoPipeline(**_parts(transformer=seen, **seeing(32)))
