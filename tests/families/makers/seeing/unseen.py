"""Folders of models that see and are refused: their code is their own."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.families.makers.seeing.making import with_marks


def _described(config: dict[str, Any], folder: Path) -> None:
    """A configuration, and weights that nobody comes to read."""
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"lm_head.weight": torch.zeros(8, 32)}, folder / "model.safetensors")


def kimi_vl(folder: Path) -> None:
    """Kimi-VL, whose network is code in its repository."""
    own = {"AutoConfig": "configuration_kimi_vl.KimiVLConfig", "AutoModelForCausalLM": "modeling_kimi_vl.KimiVL"}
    kind = {"model_type": "kimi_vl", "architectures": ["KimiVLForConditionalGeneration"]}
    _described(kind | {"auto_map": own}, folder)
    with_marks().save_pretrained(folder)


def granite_speech(folder: Path) -> None:
    """Granite Speech, whose ears are torchaudio's."""
    tokenizer = with_marks(heard="<|audio|>", audio_token="<|audio|>")
    tokenizer.save_pretrained(folder)
    parts = {"processor_class": "GraniteSpeechProcessor", "feature_extractor_type": "GraniteSpeechFeatureExtractor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(parts))
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "GraniteSpeechProcessor"}))
    _described({"model_type": "granite_speech", "architectures": ["GraniteSpeechForConditionalGeneration"]}, folder)
