"""Whisper in the layout of Hugging Face, as its makers and those who fine-tune it ship it."""

from pathlib import Path
from typing import Any

import torch
import transformers

from tests.support.sounds import whisper_base

make: Any = transformers
_SIZES = {
    "d_model": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_target_positions": 448,
}


def save_whisper(folder: Path, *, mels: int = 80, layers: tuple[int, int] = (2, 2)) -> Path:
    """A model with so many bands of sound, and layers of encoder and decoder. Needs the tokenizer of whisper base."""
    base = whisper_base()
    assert base is not None
    tokenizer = make.PreTrainedTokenizerFast(tokenizer_file=str(base / "tokenizer.json"))
    encoder, decoder = layers
    config = make.WhisperConfig(
        **_SIZES, vocab_size=len(tokenizer), num_mel_bins=mels, encoder_layers=encoder, decoder_layers=decoder
    )
    torch.manual_seed(5)
    model = make.WhisperForConditionalGeneration(config)
    model.generation_config = make.GenerationConfig(decoder_start_token_id=50258, eos_token_id=50257)
    for values in model.parameters():
        values.data.mul_(3)  # so that it does not say one token alone
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    make.WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    return folder
