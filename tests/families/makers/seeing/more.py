"""More layouts of models that see, one function each; what they share stands beside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from tests.families.makers.seeing.making import TEXT, TOWER, save, say_class, with_marks
from tests.families.makers.seeing.others import glm4v, internvl, llava_onevision

make: Any = transformers


def _clip_of(kind: Any, pictures: Any, tokenizer: Any) -> Any:
    """LLaVA's processor, of this class, for a tower of CLIP, whose first token is of no picture."""
    return kind(
        pictures,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    )


def llava(folder: Path) -> None:
    """LLaVA 1.5: every picture is of one size."""
    tokenizer = with_marks("<image>")
    pictures = make.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    config = make.LlavaConfig(
        text_config=make.LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        vision_config=make.CLIPVisionConfig(**TOWER, image_size=32, patch_size=8, projection_dim=32),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    save(folder, make.LlavaForConditionalGeneration, config, _clip_of(make.LlavaProcessor, pictures, tokenizer))


def llava_next(folder: Path) -> None:
    """LLaVA-NeXT: a picture is cut into tiles, in the grid that suits it best."""
    tokenizer = with_marks("<image>")
    grids = [[32, 64], [64, 32], [64, 64]]
    pictures = make.LlavaNextImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=grids
    )
    config = make.LlavaNextConfig(
        text_config=make.LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        vision_config=make.CLIPVisionConfig(**TOWER, image_size=32, patch_size=8, projection_dim=32),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=grids,
    )
    save(folder, make.LlavaNextForConditionalGeneration, config, _clip_of(make.LlavaNextProcessor, pictures, tokenizer))


def gemma3(folder: Path) -> None:
    """Gemma 3: a picture's tokens see each other, those of text what is before them, some within a window."""
    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    tokenizer = with_marks(image="<start_of_image>", **marks)
    pictures = make.Gemma3ImageProcessorPil(size={"height": 32, "width": 32})
    processor = make.Gemma3Processor(pictures, tokenizer, image_seq_length=4, chat_template=tokenizer.chat_template)
    text = TEXT | {"vocab_size": len(tokenizer), "head_dim": 8, "sliding_window": 32, "query_pre_attn_scalar": 8}
    begins, ends, image = (tokenizer.convert_tokens_to_ids(one) for one in marks.values())
    config = make.Gemma3Config(
        text_config=make.Gemma3TextConfig(**text),
        vision_config=make.SiglipVisionConfig(**TOWER, image_size=32, patch_size=8, vision_use_head=False),
        mm_tokens_per_image=4,
        boi_token_index=begins,
        eoi_token_index=ends,
        image_token_index=image,
    )
    save(folder, make.Gemma3ForConditionalGeneration, config, processor)


def idefics2(folder: Path) -> None:
    """Idefics 2: a resampler makes so many tokens of any picture."""
    marks = ["<fake_token_around_image>", "<image>", "<end_of_utterance>"]
    tokenizer = with_marks(*marks)
    pictures = make.Idefics2ImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 64}, do_image_splitting=False)
    processor = make.Idefics2Processor(pictures, tokenizer, image_seq_len=4, chat_template=tokenizer.chat_template)
    config = make.Idefics2Config(
        text_config=make.MistralConfig(**TEXT, vocab_size=len(tokenizer), head_dim=8, sliding_window=None),
        vision_config=make.Idefics2VisionConfig(**TOWER, image_size=64, patch_size=8),
        perceiver_config={
            "resampler_n_latents": 4,
            "resampler_depth": 1,
            "resampler_n_heads": 2,
            "resampler_head_dim": 8,
            "num_key_value_heads": 1,
            "hidden_size": 32,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    save(folder, make.Idefics2ForConditionalGeneration, config, processor)


def aya_vision(folder: Path) -> None:
    """Aya Vision: tiles, each between marks, over Cohere's network."""
    marks = {
        "image_token": "<image>",
        "start_of_img_token": "<|START_OF_IMG|>",
        "end_of_img_token": "<|END_OF_IMG|>",
        "img_patch_token": "<|IMG_PATCH|>",
        "img_line_break_token": "<|IMG_LINE_BREAK|>",
        "tile_token": "TILE",
        "tile_global_token": "TILE_GLOBAL",
    }
    tokenizer = with_marks(*marks.values())
    pictures = make.GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, crop_to_patches=True, max_patches=2)
    processor = make.AyaVisionProcessor(
        pictures, tokenizer, patch_size=8, img_size=32, downsample_factor=2, chat_template=tokenizer.chat_template
    )
    config = make.AyaVisionConfig(
        text_config=make.Cohere2Config(**TEXT, vocab_size=len(tokenizer), head_dim=8, sliding_window=32),
        vision_config=make.SiglipVisionConfig(**TOWER, image_size=32, patch_size=8, vision_use_head=False),
        downsample_factor=2,
        image_token_index=tokenizer.convert_tokens_to_ids("<|IMG_PATCH|>"),
    )
    save(folder, make.AyaVisionForConditionalGeneration, config, processor)


MARKS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")


def _qwen() -> tuple[Any, dict[str, int]]:
    """The tokenizer of Qwen's models that see, and the ids that their configurations name."""
    tokenizer = with_marks(*MARKS, image="<|vision_start|><|image_pad|><|vision_end|>")
    names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    return tokenizer, dict(zip(names, tokenizer.convert_tokens_to_ids(MARKS), strict=True))


def _saved_as_qwen(folder: Path, kind: Any, config: Any, tokenizer: Any, processor: str, patch: int) -> None:
    """With a processor for pictures alone, as repositories have it that were trained on."""
    save(folder, kind, config, tokenizer)
    bounds = {"shortest_edge": 64, "longest_edge": 12_845_056}
    make.Qwen2VLImageProcessorPil(patch_size=patch, merge_size=2, size=bounds).save_pretrained(folder)
    say_class(folder, processor)


def _rope(**more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0} | more


def qwen2_vl(folder: Path) -> None:
    """Qwen2-VL: positions of three kinds."""
    tokenizer, ids = _qwen()
    tower = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "mlp_ratio": 2, "patch_size": 4}
    text = TEXT | {"rope_parameters": _rope(), "vocab_size": len(tokenizer)}
    config = make.Qwen2VLConfig(text_config=text, vision_config=tower, **ids)
    _saved_as_qwen(folder, make.Qwen2VLForConditionalGeneration, config, tokenizer, "Qwen2VLProcessor", 4)


def qwen3_vl(folder: Path) -> None:
    """Qwen3-VL: the tower's middle layers go into the network's first ones."""
    tokenizer, ids = _qwen()
    tower = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64, "num_heads": 4}
    text = TEXT | {
        "rope_parameters": _rope(mrope_interleaved=True),
        "vocab_size": len(tokenizer),
        "head_dim": 8,
    }
    more = {"patch_size": 4, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    config = make.Qwen3VLConfig(text_config=text, vision_config=tower | more, **ids)
    _saved_as_qwen(folder, make.Qwen3VLForConditionalGeneration, config, tokenizer, "Qwen3VLProcessor", 4)


def qwen3_5(folder: Path) -> None:
    """Qwen3.5: linear attention in three layers of four, and it sees."""
    tokenizer, ids = _qwen()
    tower = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64, "num_heads": 4}
    text = TEXT | {
        "rope_parameters": _rope(mrope_interleaved=True, partial_rotary_factor=1.0),
        "vocab_size": len(tokenizer),
        "head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_value_heads": 4,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    }
    more = {"patch_size": 4, "num_position_embeddings": 64}
    config = make.Qwen3_5Config(text_config=text, vision_config=tower | more, **ids)
    _saved_as_qwen(folder, make.Qwen3_5ForConditionalGeneration, config, tokenizer, "Qwen3VLProcessor", 4)


MORE: dict[str, Callable[[Path], None]] = {
    "llava": llava,
    "llava_next": llava_next,
    "gemma3": gemma3,
    "idefics2": idefics2,
    "aya_vision": aya_vision,
    "qwen2_vl": qwen2_vl,
    "qwen3_vl": qwen3_vl,
    "qwen3_5": qwen3_5,
    "llava_onevision": llava_onevision,
    "internvl": internvl,
    "glm4v": glm4v,
}
