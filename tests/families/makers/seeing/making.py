"""What makers of models that see or hear share: a tiny tokenizer, of the model that sees glyphs, and random weights."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from models.launching import hub
from models.launching.hub import parse

make: Any = transformers
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def with_marks(*marks: str, image: str = "<image>", heard: str = "", **named: str) -> Any:
    """The tokenizer, with these markers; a turn is written as ``role: ...<|im_end|>``.

    ``image`` and ``heard`` are what its template writes for a picture and for a recording.
    """
    from models.catalogue import find

    source = hub.fetch(parse(find("glyphs-vision", None, None, None).source), Path(), lambda stage, fraction: None)
    tokenizer = make.AutoTokenizer.from_pretrained(source, extra_special_tokens=named or None)
    tokenizer.add_special_tokens({"additional_special_tokens": [*marks, *named.values()]})
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
        "{% for p in m['content'] %}{% if p['type'] == 'image' %}"
        + image
        + "{% elif p['type'] == 'audio' %}"
        + heard
        + "{% else %}{{ p['text'] }}{% endif %}"
        "{% endfor %}{% endif %}<|im_end|>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    )
    return tokenizer


def save(folder: Path, kind: Any, config: Any, processor: Any) -> None:
    """Save a network with random weights, and its processor."""
    torch.manual_seed(7)
    model = kind(config)
    for values in model.parameters():  # so that what is seen or heard makes a difference
        values.data.mul_(5)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def say_class(folder: Path, name: str, **more: Any) -> None:
    """As ``preprocessor_config.json`` and ``processor_config.json`` name a processor."""
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"processor_class": name}))
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": name} | more))
