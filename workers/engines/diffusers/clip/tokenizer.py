"""CLIP's tokenizer, from its merges."""

import gzip
from pathlib import Path
from typing import Any

import transformers
from tokenizers.pre_tokenizers import ByteLevel

_MERGES = Path(__file__).with_name("merges.txt.gz")
_START, _END = "<|startoftext|>", "<|endoftext|>"


def clip_tokenizer(pad: str = _END) -> Any:
    """The tokenizer of CLIP, with which all its text encoders were trained. ``pad``: the token that fills a text up."""
    merges = [tuple(line.split(" ")) for line in gzip.decompress(_MERGES.read_bytes()).decode().splitlines()]
    # the bytes that are letters by themselves stand first, in their order, then those that are written as other letters
    letters = sorted(ByteLevel.alphabet(), key=lambda letter: (ord(letter) > 255, ord(letter)))
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), _START, _END]
    cls: Any = transformers.CLIPTokenizer
    return cls(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        bos_token=_START,
        eos_token=_END,
        unk_token=_END,
        pad_token=pad,
        model_max_length=77,
    )
