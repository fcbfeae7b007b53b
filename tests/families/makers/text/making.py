"""Writes a tiny model of a layout: random weights of the library's own class, and a tokenizer of numbers."""

from functools import cache
from pathlib import Path
from typing import Any

from tests.families.makers.text.layout import Layout

WORDS = 512
_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def made(layout: Layout, folder: Path) -> Path:
    """The folder with a model of this layout; it is as if downloaded. Its weights are the same each time."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(7)
    config: Any = AutoConfig.for_model(layout.kind, **layout.configuration)
    auto: Any = AutoModelForCausalLM
    network = auto.from_config(config)
    with torch.no_grad():
        for tensor in network.parameters():  # biases and the like begin at nought, where they do nothing
            if not tensor.any():
                tensor.normal_(std=0.1)
    network.save_pretrained(folder)
    write_tokenizer(folder, _TEMPLATE)
    return folder


def write_tokenizer(folder: Path, template: str | None = None) -> None:
    """Write a tokenizer that reads and writes each token as its number, as in ``017,``."""
    tokenizer_of_numbers(template).save_pretrained(folder)


@cache
def tokenizer_of_numbers(template: str | None = None) -> Any:
    """That tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {f"{number:03d},": number for number in range(WORDS)}
    plain = Tokenizer(models.WordLevel(words, unk_token="000,"))
    plain.pre_tokenizer = pre_tokenizers.Split(",", "merged_with_previous")
    plain.decoder = decoders.Fuse()
    special = {"pad_token": "000,", "bos_token": "001,", "eos_token": "002,"}
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=plain, chat_template=template, **special)
