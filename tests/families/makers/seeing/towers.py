"""Layouts whose tower is timm's: Gemma 3n, Perception-LM."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from tests.families.makers.seeing.making import TEXT, save, with_marks

make: Any = transformers


def gemma3n(folder: Path) -> None:
    """MobileNet V5 of few channels, and ears, over Gemma 3n."""
    names = ("image_token", "audio_token", "boi_token", "eoi_token", "boa_token", "eoa_token")
    tokenizer = with_marks(image="<image_token>", heard="<audio_token>", **{name: f"<{name}>" for name in names})
    size = len(tokenizer)
    text = TEXT | {"vocab_size": size + 16, "vocab_size_per_layer_input": size, "head_dim": 8}
    config = make.Gemma3nConfig(
        text_config=text
        | {
            "hidden_size_per_layer_input": 8,
            "altup_num_inputs": 2,
            "laurel_rank": 4,
            "num_kv_shared_layers": 0,
            "num_hidden_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": 32,
            "activation_sparsity_pattern": [0.0, 0.0],
            "intermediate_size": [64, 64],
        },
        vision_config={
            "architecture": "mobilenetv5_300m_enc",
            "model_args": {"channel_multiplier": 0.0625, "msfa_output_resolution": 2},
            "vocab_size": 8,
            "vocab_offset": size,
        },
        audio_config={
            "hidden_size": 32,
            "conf_num_attention_heads": 4,
            "conf_num_hidden_layers": 1,
            "vocab_size": 8,
            "vocab_offset": size + 8,
            "sscp_conv_channel_size": [8, 8],
        },
        vision_soft_tokens_per_image=4,
        **{
            f"{kind}_token_id": tokenizer.convert_tokens_to_ids(f"<{mark}_token>")
            for kind, mark in (("image", "image"), ("audio", "audio"), ("boi", "boi"), ("eoi", "eoi"))
        },
        boa_token_id=tokenizer.convert_tokens_to_ids("<boa_token>"),
        eoa_token_id=tokenizer.convert_tokens_to_ids("<eoa_token>"),
    )
    pictures = make.SiglipImageProcessor(size={"height": 64, "width": 64})
    sounds = make.Gemma3nAudioFeatureExtractor()
    processor = make.Gemma3nProcessor(
        sounds, pictures, tokenizer, chat_template=tokenizer.chat_template, image_seq_length=4
    )
    save(folder, make.Gemma3nForConditionalGeneration, config, processor)


def perception_lm(folder: Path) -> None:
    """A tower of Meta's, small, over a Llama."""
    tokenizer = with_marks(image="<|image|>", image_token="<|image|>", video_token="<|video|>")
    config = make.PerceptionLMConfig(
        text_config=TEXT | {"model_type": "llama", "vocab_size": len(tokenizer)},
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "vit_pe_core_tiny_patch16_384",
            "do_pooling": False,
            "num_labels": 0,
            "model_args": {
                "embed_dim": 32,
                "depth": 2,
                "num_heads": 4,
                "img_size": [32, 32],
                "patch_size": 8,
                "ref_feat_shape": [4, 4],
            },
        },
        vision_use_cls_token=True,
        projector_pooling_ratio=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<|image|>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<|video|>"),
    )
    pictures = make.PerceptionLMImageProcessor(tile_size=32, max_num_tiles=4, vision_input_type="thumb+tile")
    videos = make.PerceptionLMVideoProcessor(size={"height": 32, "width": 32})
    processor = make.PerceptionLMProcessor(
        videos, pictures, tokenizer, patch_size=8, pooling_ratio=2, chat_template=tokenizer.chat_template
    )
    save(folder, make.PerceptionLMForConditionalGeneration, config, processor)


TOWERS: dict[str, Callable[[Path], None]] = {"gemma3n": gemma3n, "perception_lm": perception_lm}
