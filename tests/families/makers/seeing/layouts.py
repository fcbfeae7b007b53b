"""Layouts of models that see: each a function that saves one into a folder, as a repository on a hub has it.

The tokenizer is that of the tiny model that sees glyphs, with the markers of the layout. The weights are random.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from tests.families.makers.seeing.making import TEXT, TOWER, save, say_class, with_marks
from tests.families.makers.seeing.omni import qwen2_5_omni
from tests.families.makers.seeing.others import lfm2_vl, mllama

make: Any = transformers


def paligemma(folder: Path) -> None:
    """A prompt is looked at in both directions."""
    tokenizer = with_marks("<image>")
    text = make.GemmaConfig(**TEXT, vocab_size=len(tokenizer) + 1200, head_dim=8)
    tower = make.SiglipVisionConfig(**TOWER, image_size=32, patch_size=16, vision_use_head=False)
    pictures = make.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    pictures.image_seq_length = 4
    processor = make.PaliGemmaProcessor(pictures, tokenizer, chat_template=tokenizer.chat_template)
    config = make.PaliGemmaConfig(
        text_config=text, vision_config=tower, projection_dim=32, image_token_index=processor.image_token_id
    )
    save(folder, make.PaliGemmaForConditionalGeneration, config, processor)


def idefics3(folder: Path) -> None:
    """Pictures are cut into tiles."""
    marks = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"]
    tokenizer = with_marks(*marks, *(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)))
    pictures = make.Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = make.Idefics3Processor(pictures, tokenizer, image_seq_len=4, chat_template=tokenizer.chat_template)
    tower = make.Idefics3VisionConfig(**TOWER, image_size=32, patch_size=8)
    text = make.LlamaConfig(**TEXT, vocab_size=len(tokenizer))
    config = make.Idefics3Config(
        text_config=text,
        vision_config=tower,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    save(folder, make.Idefics3ForConditionalGeneration, config, processor)


def smolvlm(folder: Path) -> None:
    """As Idefics 3, and its processor takes videos, too, for which it has no settings here."""
    marks = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>", "<video>"]
    tokenizer = with_marks(*marks, *(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)))
    pictures = make.SmolVLMImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    tower = make.SmolVLMVisionConfig(**TOWER, image_size=32, patch_size=8)
    config = make.SmolVLMConfig(
        text_config=make.LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        vision_config=tower,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    save(folder, make.SmolVLMForConditionalGeneration, config, tokenizer)
    pictures.save_pretrained(folder)
    say_class(folder, "SmolVLMProcessor", image_seq_len=4)


def qwen2_5_vl(folder: Path) -> None:
    """Pictures of any size. A fine-tuned one, without settings for videos, and under a name of old."""
    marks = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    tokenizer = with_marks(*marks, image="<|vision_start|><|image_pad|><|vision_end|>")
    image, video, starts, ends = (tokenizer.convert_tokens_to_ids(one) for one in marks)
    tower = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64, "num_heads": 4}
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = make.Qwen2_5_VLConfig(
        text_config=TEXT | {"rope_parameters": rope, "vocab_size": len(tokenizer), "max_position_embeddings": 16_384},
        vision_config=tower | {"patch_size": 4, "window_size": 16, "fullatt_block_indexes": [1]},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=starts,
        vision_end_token_id=ends,
    )
    save(folder, make.Qwen2_5_VLForConditionalGeneration, config, tokenizer)
    bounds = {"shortest_edge": 64, "longest_edge": 12_845_056}
    make.Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, size=bounds).save_pretrained(folder)
    say_class(folder, "Qwen2_5_VLProcessor")
    said = json.loads((folder / "preprocessor_config.json").read_text())
    said["image_processor_type"] = "Qwen2VLImageProcessorFast"
    (folder / "preprocessor_config.json").write_text(json.dumps(said))


def mistral3(folder: Path) -> None:
    """Pictures of any size, in rows."""
    tokenizer = with_marks("[IMG]", "[IMG_BREAK]", "[IMG_END]", image="[IMG]")
    pictures = make.PixtralImageProcessor(patch_size=4, size={"longest_edge": 64})
    processor = make.PixtralProcessor(pictures, tokenizer, patch_size=4, spatial_merge_size=2)
    processor.chat_template = tokenizer.chat_template
    tower = make.PixtralVisionConfig(**TOWER, image_size=64, patch_size=4)
    config = make.Mistral3Config(
        text_config=make.MistralConfig(**TEXT, vocab_size=len(tokenizer), head_dim=8),
        vision_config=tower,
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    save(folder, make.Mistral3ForConditionalGeneration, config, processor)


def pixtral(folder: Path) -> None:
    """LLaVA with the tower of Pixtral."""
    tokenizer = with_marks("[IMG]", "[IMG_BREAK]", "[IMG_END]", image="[IMG]")
    pictures = make.PixtralImageProcessor(patch_size=8, size={"longest_edge": 64})
    processor = make.PixtralProcessor(pictures, tokenizer, patch_size=8)
    processor.chat_template = tokenizer.chat_template
    config = make.LlavaConfig(
        text_config=make.MistralConfig(**TEXT, vocab_size=len(tokenizer), head_dim=8),
        vision_config=make.PixtralVisionConfig(**TOWER, image_size=64, patch_size=8),
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    save(folder, make.LlavaForConditionalGeneration, config, processor)


def llama4(folder: Path) -> None:
    """Tiles, and experts."""
    marks = ["<|image|>", "<|image_start|>", "<|image_end|>", "<|patch|>", "<|tile_x_separator|>"]
    tokenizer = with_marks(*marks, "<|tile_y_separator|>", image="<|image|>")
    pictures = make.Llama4ImageProcessor(size={"height": 32, "width": 32}, max_patches=4)
    processor = make.Llama4Processor(pictures, tokenizer, patch_size=8, chat_template=tokenizer.chat_template)
    tower = {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    more = {"image_size": 32, "patch_size": 8, "vision_output_dim": 32, "projector_input_dim": 32}
    text = TEXT | {"vocab_size": len(tokenizer), "head_dim": 8, "intermediate_size_mlp": 64, "num_local_experts": 2}
    config = make.Llama4Config(
        text_config=text,
        vision_config=tower | more | {"projector_output_dim": 32},
        image_token_index=tokenizer.convert_tokens_to_ids("<|patch|>"),
    )
    save(folder, make.Llama4ForConditionalGeneration, config, processor)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "paligemma": paligemma,
    "idefics3": idefics3,
    "smolvlm": smolvlm,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen2_5_omni": qwen2_5_omni,
    "mllama": mllama,
    "mistral3": mistral3,
    "pixtral": pixtral,
    "llama4": llama4,
    "lfm2_vl": lfm2_vl,
}
WITH_TORCHVISION = ("mistral3", "pixtral", "llama4", "lfm2_vl")
"""Those whose processors cannot do without it."""
