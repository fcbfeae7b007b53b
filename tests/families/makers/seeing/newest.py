"""Layouts of this year that see: Cohere2-Vision, Molmo 2, Kimi K2.5, Phi-4-multimodal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from tests.families.makers.seeing.making import TEXT, TOWER, save, with_marks

make: Any = transformers


def cohere2_vision(folder: Path) -> None:
    """Tiles between marks, over Cohere 2."""
    named = {
        "boi_token": "<|START_OF_IMG|>",
        "eoi_token": "<|END_OF_IMG|>",
        "image_token": "<|IMG_PATCH|>",
        "img_line_break_token": "<|IMG_LINE_BREAK|>",
    }
    tokenizer = with_marks(image="<|IMG_PATCH|>", **named)
    pictures = make.Cohere2VisionImageProcessor(
        size={"height": 32, "width": 32}, crop_to_patches=True, max_patches=2, patch_size=2
    )
    processor = make.Cohere2VisionProcessor(pictures, tokenizer, chat_template=tokenizer.chat_template)
    config = make.Cohere2VisionConfig(
        text_config=make.Cohere2Config(**TEXT, vocab_size=len(tokenizer), head_dim=8, sliding_window=32),
        vision_config=make.SiglipVisionConfig(**TOWER, image_size=32, patch_size=8, vision_use_head=False),
        downsample_factor=2,
        alignment_intermediate_size=64,
        image_token_id=tokenizer.convert_tokens_to_ids("<|IMG_PATCH|>"),
    )
    save(folder, make.Cohere2VisionForConditionalGeneration, config, processor)


def molmo2(folder: Path) -> None:
    """Crops, whose patches are pooled by attention."""
    marks = ["<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<frame_start>", "<im_end>", "<frame_end>"]
    named = {"image_token": "<|image|>", "video_token": "<|video|>"}
    tokenizer = with_marks(*marks, "<im_low>", image="<|image|>", **named)
    tokenizer.bos_token = "<|im_start|>"
    ids = {
        "image_start_token_id": "<im_start>",
        "low_res_image_start_token_id": "<low_res_im_start>",
        "image_end_token_id": "<im_end>",
        "image_patch_id": "<im_patch>",
        "frame_start_token_id": "<frame_start>",
        "frame_end_token_id": "<frame_end>",
    }
    heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8}
    config = make.Molmo2Config(
        text_config=TEXT | {"vocab_size": len(tokenizer), "head_dim": 8, "additional_vocab_size": 8},
        vision_config=TOWER | heads | {"image_size": [32, 32], "patch_size": 8},
        adapter_config=heads
        | {"hidden_size": 32, "intermediate_size": 64, "text_hidden_size": 32, "vision_feature_layer": [-1, 0]},
        **{name: tokenizer.convert_tokens_to_ids(mark) for name, mark in ids.items()},
    )
    pictures = make.Molmo2ImageProcessor(
        size={"height": 32, "width": 32}, patch_size=8, max_crops=2, overlap_margins=[1, 1]
    )
    videos = make.Molmo2VideoProcessor(size={"height": 32, "width": 32}, patch_size=8)
    processor = make.Molmo2Processor(pictures, videos, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.Molmo2ForConditionalGeneration, config, processor)


def kimi_k25(folder: Path) -> None:
    """Pictures of any size, over DeepSeek V3."""
    named = {"image_token": "<|media_pad|>", "video_token": "<|kimi_k25_video_placeholder|>"}
    tokenizer = with_marks(
        "<|media_begin|>", "<|media_end|>", image="<|media_begin|><|media_pad|><|media_end|>", **named
    )
    begins, ends = (tokenizer.convert_tokens_to_ids(one) for one in ("<|media_begin|>", "<|media_end|>"))
    text = make.DeepseekV3Config(
        **TEXT | {"num_key_value_heads": 4},
        vocab_size=len(tokenizer),
        moe_intermediate_size=32,
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_group=1,
        topk_group=1,
        first_k_dense_replace=1,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_rope_head_dim=4,
        qk_nope_head_dim=8,
        v_head_dim=8,
    )
    config = make.Kimi_K25Config(
        text_config=text,
        vision_config=TOWER | {"patch_size": 8, "pos_emb_height": 8, "pos_emb_width": 8},
        projection_hidden_size=32,
        image_token_id=tokenizer.convert_tokens_to_ids("<|media_pad|>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<|kimi_k25_video_placeholder|>"),
        vision_start_token_id=begins,
        vision_end_token_id=ends,
        tie_word_embeddings=False,
    )
    pictures = make.Kimi_K25ImageProcessor(patch_size=8)
    videos = make.Kimi_K25VideoProcessor(patch_size=8)
    processor = make.Kimi_K25Processor(pictures, tokenizer, videos, chat_template=tokenizer.chat_template)
    save(folder, make.Kimi_K25ForConditionalGeneration, config, processor)


def phi4_multimodal(folder: Path) -> None:
    """Sees and hears, over Phi-4-mini."""
    named = {"image_token": "<|image|>", "audio_token": "<|audio|>"}
    tokenizer = with_marks(image="<|image|>", heard="<|audio|>", **named)
    image, audio = (tokenizer.convert_tokens_to_ids(one) for one in named.values())
    config = make.Phi4MultimodalConfig(
        **TEXT,
        vocab_size=len(tokenizer),
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
        vision_config=TOWER | {"num_hidden_layers": 3, "image_token_id": image},
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_blocks": 2,
            "num_attention_heads": 4,
            "ext_pw_out_channel": 32,
            "depthwise_separable_out_channel": 32,
            "nemo_conv_channels": 32,
            "audio_token_id": audio,
        },
    )
    pictures = make.Phi4MultimodalImageProcessor(dynamic_hd=2)
    sounds = make.Phi4MultimodalFeatureExtractor()
    processor = make.Phi4MultimodalProcessor(pictures, sounds, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.Phi4MultimodalForCausalLM, config, processor)


NEWEST: dict[str, Callable[[Path], None]] = {
    "cohere2_vision": cohere2_vision,
    "molmo2": molmo2,
    "kimi_k25": kimi_k25,
    "phi4_multimodal": phi4_multimodal,
}
