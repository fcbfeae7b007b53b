"""Folders of models that see and are refused: their towers are of timm, or their code is their own."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file

from tests.families.makers.seeing.making import TEXT, with_marks

make: Any = transformers


def _described(config: dict[str, Any], folder: Path) -> None:
    """A configuration, and weights that nobody comes to read."""
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"lm_head.weight": torch.zeros(8, 32)}, folder / "model.safetensors")


def gemma3n(folder: Path) -> None:
    """Gemma 3n with its tower, MobileNet, and its ears."""
    names = ("image_token", "audio_token", "boi_token", "eoi_token", "boa_token", "eoa_token")
    tokenizer = with_marks(image="<image_token>", **{name: f"<{name}>" for name in names})
    pictures = make.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    make.Gemma3nProcessor(make.Gemma3nAudioFeatureExtractor(), pictures, tokenizer).save_pretrained(folder)
    parts = {
        "vision_config": {"model_type": "gemma3n_vision", "architecture": "mobilenetv5_300m_enc"},
        "text_config": TEXT | {"model_type": "gemma3n_text"},
        "audio_config": {"model_type": "gemma3n_audio"},
    }
    _described({"model_type": "gemma3n", "architectures": ["Gemma3nForConditionalGeneration"]} | parts, folder)


def perception_lm(folder: Path) -> None:
    """Perception-LM: a tower of timm before a Llama."""
    tokenizer = with_marks(image="<|image|>", image_token="<|image|>", video_token="<|video|>")
    pictures = make.PerceptionLMImageProcessor(tile_size=32)
    videos = make.PerceptionLMVideoProcessor(size={"height": 32, "width": 32})
    make.PerceptionLMProcessor(videos, pictures, tokenizer, patch_size=8).save_pretrained(folder)
    parts = {
        "vision_config": {"model_type": "timm_wrapper", "architecture": "vit_pe_core_large_patch14_336"},
        "text_config": TEXT | {"model_type": "llama"},
    }
    _described(
        {"model_type": "perception_lm", "architectures": ["PerceptionLMForConditionalGeneration"]} | parts, folder
    )


def kimi_vl(folder: Path) -> None:
    """Kimi-VL, whose network is code in its repository."""
    own = {"AutoConfig": "configuration_kimi_vl.KimiVLConfig", "AutoModelForCausalLM": "modeling_kimi_vl.KimiVL"}
    kind = {"model_type": "kimi_vl", "architectures": ["KimiVLForConditionalGeneration"]}
    _described(kind | {"auto_map": own}, folder)
    with_marks().save_pretrained(folder)
