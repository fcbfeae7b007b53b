"""Tiny pipelines of several networks, or that are drawn with a UNet of their own: Kandinsky, Stable Cascade, Kolors."""

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers as _transformers
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP

from tests.families.makers.pictures.parts import VOCABULARY, clip, clip_tokenizer, t5, t5_tokenizer

transformers: Any = _transformers  # whose types lack much


def _movq(**more: Any) -> Any:
    """The autoencoder of Kandinsky."""
    torch.manual_seed(0)
    return diffusers.VQModel(
        block_out_channels=[32, 32, 32, 64],
        down_block_types=[*["DownEncoderBlock2D"] * 3, "AttnDownEncoderBlock2D"],
        up_block_types=["AttnUpDecoderBlock2D", *["UpDecoderBlock2D"] * 3],
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=8,
        norm_type="spatial",
        num_vq_embeddings=12,
        vq_embed_dim=4,
        **more,
    ).eval()


def _network(**more: Any) -> Any:
    """The network of a decoder."""
    torch.manual_seed(0)
    return diffusers.UNet2DConditionModel(
        in_channels=4,
        out_channels=8,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        block_out_channels=(32, 64),
        layers_per_block=1,
        encoder_hid_dim=32,
        cross_attention_dim=32,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
        **more,
    ).eval()


def _with_prior(network: Any) -> dict[str, Any]:
    """The parts of a decoder with this network, and of the prior before it."""
    torch.manual_seed(0)
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1, num_embeddings=77
    )
    tower = transformers.CLIPVisionConfig(
        hidden_size=32,
        image_size=224,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        patch_size=14,
    )
    return {
        "unet": network,
        "scheduler": diffusers.DDIMScheduler(
            beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, set_alpha_to_one=False
        ),
        "movq": _movq(),
        "prior_prior": prior.eval(),
        "prior_image_encoder": transformers.CLIPVisionModelWithProjection(tower).eval(),
        "prior_text_encoder": clip(projected=True),
        "prior_tokenizer": clip_tokenizer(),
        "prior_scheduler": diffusers.UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=10.0
        ),
        "prior_image_processor": transformers.CLIPImageProcessor(size=224),
    }


def kandinsky22() -> Any:
    """Kandinsky 2.2, prior and decoder in one."""
    network = _network(addition_embed_type="image", encoder_hid_dim_type="image_proj")
    return diffusers.KandinskyV22CombinedPipeline(**_with_prior(network))


def kandinsky21() -> Any:
    """Kandinsky 2.1, prior and decoder in one: the decoder reads the text once more, by an encoder of its own."""
    network = _network(addition_embed_type="text_image", encoder_hid_dim_type="text_image_proj")
    torch.manual_seed(0)
    words = MCLIPConfig(
        transformerDimSize=32,
        imageDimSize=32,
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=VOCABULARY,
        pad_token_id=0,
    )
    return diffusers.KandinskyCombinedPipeline(
        **_with_prior(network), text_encoder=MultilingualCLIP(words).eval(), tokenizer=t5_tokenizer()
    )


def kandinsky3() -> Any:
    """Kandinsky 3, which rounds sizes."""
    torch.manual_seed(0)
    network = diffusers.Kandinsky3UNet(
        in_channels=4,
        time_embedding_dim=4,
        groups=2,
        attention_head_dim=4,
        layers_per_block=3,
        block_out_channels=(32, 64),
        cross_attention_dim=4,
        encoder_hid_dim=32,
    )
    return diffusers.Kandinsky3Pipeline(
        unet=network.eval(),
        scheduler=diffusers.DDPMScheduler(
            beta_start=0.00085, beta_end=0.012, steps_offset=1, beta_schedule="squaredcos_cap_v2"
        ),
        movq=_movq(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def _cascade_networks() -> tuple[Any, Any]:
    """The networks of prior and decoder."""
    torch.manual_seed(0)
    shared = {"conditioning_dim": 32, "down_num_layers_per_block": [1, 1], "up_num_layers_per_block": [1, 1]}
    more = {"down_blocks_repeat_mappers": [1, 1], "up_blocks_repeat_mappers": [1, 1], "timestep_ratio_embedding_dim": 8}
    blocks = [["SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"]] * 2
    prior = diffusers.StableCascadeUNet(
        **shared,
        **more,
        block_out_channels=(8, 16),
        num_attention_heads=(2, 2),
        block_types_per_layer=blocks,
        switch_level=[False],
        clip_image_in_channels=32,
        clip_text_in_channels=32,
        clip_text_pooled_in_channels=32,
    )
    network = diffusers.StableCascadeUNet(
        **shared,
        **more,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        num_attention_heads=(-1, 2),
        patch_size=2,
        block_types_per_layer=[blocks[0][:2], blocks[0]],
        clip_text_pooled_in_channels=32,
        effnet_in_channels=16,
        pixel_mapper_in_channels=3,
    )
    return prior, network


def stable_cascade() -> Any:
    """Stable Cascade, prior and decoder in one."""
    prior, network = _cascade_networks()
    paella = diffusers.pipelines.deprecated.wuerstchen.PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=4)
    tower = transformers.CLIPVisionConfig(
        hidden_size=32,
        image_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        patch_size=8,
    )
    scheduler = diffusers.DDPMWuerstchenScheduler()
    return diffusers.StableCascadeCombinedPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=clip(projected=True),
        decoder=network.eval(),
        scheduler=scheduler,
        vqgan=paella.eval(),
        prior_prior=prior.eval(),
        prior_text_encoder=clip(projected=True),
        prior_tokenizer=clip_tokenizer(),
        prior_scheduler=scheduler,
        prior_feature_extractor=transformers.CLIPImageProcessor(size=32, crop_size=32),
        prior_image_encoder=transformers.CLIPVisionModelWithProjection(tower).eval(),
    )


def as_on_the_hub(folder: Path) -> None:
    """Name a part of Stable Cascade as the hub's folders do: by a package that diffusers has moved since."""
    index = json.loads((folder / "model_index.json").read_text())
    index["vqgan"] = ["wuerstchen", "PaellaVQModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
