"""Layouts of language models that hear: each a function that saves one into a folder, as a repository on a hub has it.

The tokenizer is that of the tiny model that sees glyphs, with the markers of the layout. The weights are random.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from tests.families.makers.seeing.making import TEXT, TOWER, save, with_marks
from tests.families.makers.seeing.newest import phi4_multimodal
from tests.families.makers.seeing.omni import qwen2_5_omni
from tests.families.makers.seeing.towers import gemma3n

make: Any = transformers
_TEKKEN = {
    **dict(enumerate(("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"))),
    7: "[TOOL_RESULTS]",
    8: "[/TOOL_RESULTS]",
    9: "[TOOL_CALLS]",
    10: "[IMG]",
    11: "<pad>",
    12: "[IMG_BREAK]",
    13: "[IMG_END]",
    14: "[PREFIX]",
    15: "[MIDDLE]",
    16: "[SUFFIX]",
    17: "[SYSTEM_PROMPT]",
    18: "[/SYSTEM_PROMPT]",
    19: "[TOOL_CONTENT]",
    24: "[AUDIO]",
    25: "[BEGIN_AUDIO]",
    34: "[TRANSCRIBE]",
}
"""The markers of Mistral's tokenizer for Voxtral, by their ids."""
_TEXT = TEXT | {"head_dim": 8}
_OLD_TOWER = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 64}


def qwen3_asr(folder: Path) -> None:
    """Writes the language, then ``<asr_text>``, then what is said."""
    named = {"audio_token": "<|audio_pad|>", "audio_bos_token": "<|audio_start|>", "audio_eos_token": "<|audio_end|>"}
    tokenizer = with_marks(heard="<|audio_start|><|audio_pad|><|audio_end|>", **named)
    tokenizer.add_tokens(["<asr_text>"])
    ears = _OLD_TOWER | {"num_mel_bins": 8, "output_dim": 32, "downsample_hidden_size": 16}
    config = make.Qwen3ASRConfig(
        audio_config=ears,
        text_config=_TEXT | {"model_type": "qwen3", "vocab_size": len(tokenizer)},
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio_pad|>"),
        pad_token_id=0,
        eos_token_id=2,
    )
    listener = make.Qwen3ASRFeatureExtractor(feature_size=8)
    processor = make.Qwen3ASRProcessor(listener, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.Qwen3ASRForConditionalGeneration, config, processor)


def glm_asr(folder: Path) -> None:
    """Is asked in words of its own."""
    tokenizer = with_marks("<|pad|>", heard="<|pad|>")
    config = make.GlmAsrConfig(
        audio_config=TOWER | {"num_mel_bins": 8, "intermediate_size": 128},
        text_config=_TEXT | {"model_type": "llama", "vocab_size": len(tokenizer)},
        audio_token_id=tokenizer.convert_tokens_to_ids("<|pad|>"),
    )
    listener = make.WhisperFeatureExtractor(feature_size=8)
    processor = make.GlmAsrProcessor(listener, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.GlmAsrForConditionalGeneration, config, processor)


def qwen2_audio(folder: Path) -> None:
    """Hears 30 s at most, and is asked as in a chat."""
    tokenizer = with_marks("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", heard="<|audio_bos|><|AUDIO|><|audio_eos|>")
    config = make.Qwen2AudioConfig(
        audio_config=make.Qwen2AudioEncoderConfig(**_OLD_TOWER, num_mel_bins=8, max_source_positions=1500),
        text_config=make.Qwen2Config(**TEXT, vocab_size=len(tokenizer)),
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    listener = make.WhisperFeatureExtractor(feature_size=8)
    processor = make.Qwen2AudioProcessor(listener, tokenizer, chat_template=tokenizer.chat_template)
    save(folder, make.Qwen2AudioForConditionalGeneration, config, processor)


def voxtral(folder: Path) -> None:
    """Has a marker that asks for the text, and its tokenizer as Mistral writes it."""
    names = [_TEKKEN.get(number, f"<SPECIAL_{number}>") for number in range(40)]
    special = [{"rank": rank, "token_str": name, "is_control": True} for rank, name in enumerate(names)]
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(bytes([rank])).decode(), "token_str": None}
        for rank in range(256)
    ]
    config = {"pattern": r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s+", "num_vocab_tokens": 256, "default_vocab_size": 296}
    sound = {"num_mel_bins": 8, "hop_length": 160, "window_size": 400}
    tekken = {
        "config": config | {"default_num_special_tokens": 40, "version": "v7"},
        "vocab": vocabulary,
        "special_tokens": special,
        "audio": {
            "sampling_rate": 16_000,
            "frame_rate": 12.5,
            "audio_encoding_config": sound,
            "chunk_length_s": 30.0,
        },
    }
    (folder / "tekken.json").write_text(json.dumps(tekken))
    ears = TOWER | {"num_mel_bins": 8, "intermediate_size": 128, "max_source_positions": 1500}
    text = _TEXT | {"model_type": "llama", "vocab_size": 296, "pad_token_id": 11, "num_key_value_heads": 2}
    network = make.VoxtralConfig(audio_config=ears, text_config=text, audio_token_id=24)
    save(folder, make.VoxtralForConditionalGeneration, network, make.WhisperFeatureExtractor(feature_size=8))
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"processor_class": "VoxtralProcessor"}))


LISTENERS: dict[str, Callable[[Path], None]] = {
    "qwen3_asr": qwen3_asr,
    "glm_asr": glm_asr,
    "qwen2_audio": qwen2_audio,
    "voxtral": voxtral,
    "qwen2_5_omni": qwen2_5_omni,
    "gemma3n": gemma3n,
    "phi4_multimodal": phi4_multimodal,
}
