"""Qwen2.5-Omni: sees and hears, and speaks, of which only a trace is in the weights here."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from tests.families.makers.seeing.making import TEXT, with_marks

make: Any = transformers
_ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
_EYES = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64, "num_heads": 4}
_EARS = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 64, "num_mel_bins": 8}
_NAMED = {
    "image_token": "<|IMAGE|>",
    "video_token": "<|VIDEO|>",
    "audio_token": "<|AUDIO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}


def qwen2_5_omni(folder: Path) -> None:
    """As its repository: one configuration for all parts, and the names of the weights begin with the part's."""
    tokenizer = with_marks(
        image="<|vision_bos|><|IMAGE|><|vision_eos|>", heard="<|audio_bos|><|AUDIO|><|audio_eos|>", **_NAMED
    )
    ids = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in _NAMED.items()}
    thinker = make.Qwen2_5OmniThinkerConfig(
        text_config=TEXT | {"vocab_size": len(tokenizer), "rope_parameters": _ROPE},
        vision_config=_EYES | {"patch_size": 4, "window_size": 16, "fullatt_block_indexes": [1]},
        audio_config=_EARS | {"output_dim": 32, "n_window": 10},
        **{f"{name}_token_index": ids[f"{name}_token"] for name in ("image", "video", "audio")},
        audio_start_token_id=ids["audio_bos_token"],
        audio_end_token_id=ids["audio_eos_token"],
        vision_start_token_id=ids["vision_bos_token"],
        vision_end_token_id=ids["vision_eos_token"],
    )
    torch.manual_seed(7)
    network = make.Qwen2_5OmniThinkerForConditionalGeneration(thinker)
    for values in network.parameters():
        values.data.mul_(5)
    network.save_pretrained(folder)
    weights = {f"thinker.{name}": values for name, values in load_file(folder / "model.safetensors").items()}
    weights["talker.codec_head.weight"] = torch.zeros(4, 4)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    make.Qwen2_5OmniConfig(thinker_config=thinker.to_dict(), architectures=["Qwen2_5OmniModel"]).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    bounds = {"shortest_edge": 64, "longest_edge": 12_845_056}
    parts = [
        make.WhisperFeatureExtractor(feature_size=8).to_dict(),
        make.Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, size=bounds).to_dict(),
        {"processor_class": "Qwen2_5OmniProcessor", "feature_extractor_type": "WhisperFeatureExtractor"},
        {"image_processor_type": "Qwen2VLImageProcessor"},
    ]
    told = {name: value for part in parts for name, value in part.items()}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
