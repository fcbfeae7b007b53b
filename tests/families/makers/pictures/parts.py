"""Tiny parts of pipelines, of random weights in the real layout: tokenizers, text encoders, autoencoders."""

import string
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers as _transformers
from tokenizers import Tokenizer, models, pre_tokenizers

transformers: Any = _transformers  # whose types lack much
VOCABULARY = 1000


def byte_letters() -> list[str]:
    """The letters in which byte-level tokenizers write all bytes."""
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def clip_tokenizer() -> Any:
    """CLIP's, with no merges: a token is a letter, or a letter that ends a word."""
    letters = byte_letters()
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return transformers.CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)}, merges=[], model_max_length=77
    )


def t5_tokenizer() -> Any:
    """A tokenizer of letters that ends its texts as T5's does."""
    marks = ["<pad>", "</s>", "<unk>"]
    letters = [*string.ascii_letters, *string.digits, *"▁.,'()-:"]
    words = Tokenizer(models.Unigram([*((mark, 0.0) for mark in marks), *((one, -2.0) for one in letters)], unk_id=2))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )


def qwen_tokenizer(template: str | None = None) -> Any:
    """A byte-level tokenizer with a chat template."""
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"]
    tokens = [*marks, *byte_letters()]
    words = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, []))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=marks[0], eos_token=marks[2], additional_special_tokens=marks[1:]
    )
    tokenizer.chat_template = template
    return tokenizer


def clip(width: int = 32, *, projected: bool = False, act: str = "quick_gelu") -> Any:
    """A text encoder of CLIP."""
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        hidden_size=width,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=3,
        vocab_size=VOCABULARY,
        projection_dim=32,
        hidden_act=act,
    )
    return (transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel)(config).eval()


def t5() -> Any:
    """A text encoder of T5."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, vocab_size=VOCABULARY, tie_word_embeddings=False
    )
    return transformers.T5EncoderModel(config).eval()


def vae(channels: int = 4, *, blocks: int = 2, **more: Any) -> Any:
    """An autoencoder that halves each side once less than it has blocks."""
    torch.manual_seed(0)
    return diffusers.AutoencoderKL(
        block_out_channels=[32, 64, 64, 64][:blocks],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks,
        latent_channels=channels,
        **more,
    ).eval()


def saved(pipe: Any, folder: Path) -> Path:
    """The pipeline, saved in this folder."""
    pipe.save_pretrained(folder)
    return folder
