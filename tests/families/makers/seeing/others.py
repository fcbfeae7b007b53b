"""More layouts that see: LLaVA-OneVision, InternVL and GLM-4V without settings for videos, Llama 3.2, LFM2-VL."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.families.makers.seeing.making import TEXT, TOWER, save, say_class, with_marks

make: Any = transformers
_PINPOINTS = [[32, 32], [32, 64], [64, 32], [64, 64]]
_ROPE = {"rope_type": "default", "rope_theta": 10000.0}


def _called(folder: Path, kind: str) -> None:
    """Give the image processor a name of old, as fine-tuned models have it."""
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_processor_type": kind}))


def llava_onevision(folder: Path) -> None:
    """Pictures are cut into tiles that fit them best."""
    tokenizer = with_marks("<image>", "<video>")
    config = make.LlavaOnevisionConfig(
        text_config=make.Qwen2Config(**TEXT, vocab_size=len(tokenizer)),
        vision_config=make.SiglipVisionConfig(**TOWER, image_size=32, patch_size=8, vision_use_head=False),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=_PINPOINTS,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    save(folder, make.LlavaOnevisionForConditionalGeneration, config, tokenizer)
    size = {"height": 32, "width": 32}
    make.LlavaOnevisionImageProcessorPil(size=size, image_grid_pinpoints=_PINPOINTS).save_pretrained(folder)
    say_class(folder, "LlavaOnevisionProcessor", num_image_tokens=16, vision_feature_select_strategy="full")
    _called(folder, "LlavaOnevisionImageProcessorFast")


def internvl(folder: Path) -> None:
    """Its marker for a picture is written anew by the processor."""
    named = {"start_image_token": "<img>", "end_image_token": "</img>", "video_token": "<video>"}
    tokenizer = with_marks(image="<IMG_CONTEXT>", context_image_token="<IMG_CONTEXT>", **named)
    config = make.InternVLConfig(
        text_config=make.Qwen2Config(**TEXT, vocab_size=len(tokenizer)),
        vision_config=make.InternVLVisionConfig(**TOWER, image_size=[32, 32], patch_size=[8, 8]),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        downsample_ratio=0.5,
        vision_feature_layer=-1,
    )
    save(folder, make.InternVLForConditionalGeneration, config, tokenizer)
    size = {"height": 32, "width": 32}
    make.GotOcr2ImageProcessorPil(size=size, crop_to_patches=True, max_patches=2).save_pretrained(folder)
    say_class(folder, "InternVLProcessor", image_seq_length=4)
    _called(folder, "GotOcr2ImageProcessorFast")


def glm4v(folder: Path) -> None:
    """Pictures of any size."""
    marks = ("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>")
    named = {"image_token": "<|image|>", "video_token": "<|video|>"}
    tokenizer = with_marks(*marks, image="<|begin_of_image|><|image|><|end_of_image|>", **named)
    begins, ends, video_begins, video_ends = (tokenizer.convert_tokens_to_ids(one) for one in marks)
    eyes = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64, "num_heads": 4}
    rope = _ROPE | {"mrope_section": [1, 1, 2], "partial_rotary_factor": 1.0}
    config = make.Glm4vConfig(
        text_config=TEXT | {"vocab_size": len(tokenizer), "rope_parameters": rope},
        vision_config=eyes | {"patch_size": 4, "image_size": 64},
        image_token_id=tokenizer.convert_tokens_to_ids("<|image|>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<|video|>"),
        image_start_token_id=begins,
        image_end_token_id=ends,
        video_start_token_id=video_begins,
        video_end_token_id=video_ends,
    )
    save(folder, make.Glm4vForConditionalGeneration, config, tokenizer)
    bounds = {"shortest_edge": 128, "longest_edge": 25_690_112}
    make.Glm4vImageProcessorPil(patch_size=4, merge_size=2, size=bounds).save_pretrained(folder)
    say_class(folder, "Glm4vProcessor")
    _called(folder, "Glm4vImageProcessorFast")


def mllama(folder: Path) -> None:
    """Llama 3.2: looks at pictures in layers of their own, through gates, which are open here."""
    tokenizer = with_marks("<|image|>", "<|python_tag|>", image="<|image|>")
    tokenizer.bos_token = "<|im_start|>"
    eyes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_global_layers": 1}
    tiles = {"supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]], "max_num_tiles": 2, "image_size": 32, "patch_size": 8}
    config = make.MllamaConfig(
        text_config=make.MllamaTextConfig(
            **TEXT, vocab_size=len(tokenizer), cross_attention_layers=[1], rope_parameters=_ROPE
        ),
        vision_config=eyes
        | tiles
        | {"attention_heads": 4, "vision_output_dim": 64, "intermediate_layers_indices": [0]},
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )
    torch.manual_seed(7)
    network = make.MllamaForConditionalGeneration(config)
    for name, values in network.named_parameters():
        if "gate" in name and values.numel() == 1:
            values.data.fill_(0.7)
        else:
            values.data.mul_(5)
    network.save_pretrained(folder)
    pictures = make.MllamaImageProcessorPil(size={"height": 32, "width": 32}, max_image_tiles=2)
    make.MllamaProcessor(pictures, tokenizer, chat_template=tokenizer.chat_template).save_pretrained(folder)


def lfm2_vl(folder: Path) -> None:
    """Convolutions beside attention."""
    named = {"image_token": "<image>", "image_start_token": "<|image_start|>", "image_end_token": "<|image_end|>"}
    tokenizer = with_marks(image_thumbnail="<|img_thumbnail|>", **named)
    config = make.Lfm2VlConfig(
        text_config=make.Lfm2Config(
            **TEXT,
            vocab_size=len(tokenizer),
            layer_types=["conv", "full_attention"],
            block_auto_adjust_ff_dim=False,
        ),
        vision_config=make.Siglip2VisionConfig(**TOWER, patch_size=8, num_patches=16),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        downsample_factor=2,
        projector_hidden_size=32,
    )
    tiles = {"tile_size": 32, "encoder_patch_size": 8, "max_num_patches": 64, "min_tiles": 2, "max_tiles": 4}
    pictures = make.Lfm2VlImageProcessor(**tiles, min_image_tokens=4, max_image_tokens=16)
    processor = make.Lfm2VlProcessor(pictures, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.Lfm2VlForConditionalGeneration, config, processor)
