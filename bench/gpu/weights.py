"""Weights of random numbers in the shape of known models, written one shard at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHARD_BYTES = 2 << 30
WORDS = (
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "water", "turns", "mill"),
    *("and", "its", "stones", "grind", "flour", "for", "bread"),
)
BEYOND = "w7"
"""A word whose token lies beyond the embeddings of a model that ``break_vocabulary`` has broken."""

TINY: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA: dict[str, Any] = {"vocab_size": 128_256, "max_position_embeddings": 8192}
LLAMAS: dict[str, dict[str, Any]] = {
    "llama-1b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "tie_word_embeddings": True,
    },
    "llama-8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
}
"""The shapes of Llama 3.2 1B and Llama 3.1 8B."""
BGE_LARGE: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
}


def llama(folder: Path, name: str, *, quick: bool, device: str) -> int:
    """A model of Llama's shape in bfloat16 with a tokenizer of byte tokens; returns the bytes of its weights."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    shape = TINY | {"num_key_value_heads": 2} if quick else LLAMAS[name]
    sizes = LLAMA | ({"vocab_size": 512} if quick else {})
    config = LlamaConfig(**sizes, **shape, bos_token_id=1, eos_token_id=2, dtype=torch.bfloat16)
    config.architectures = ["LlamaForCausalLM"]
    with torch.device("meta"):
        model: Any = LlamaForCausalLM(config)
    model = model.to(torch.bfloat16)
    written = save(model, folder, device)
    GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0).save_pretrained(folder)  # type: ignore[no-untyped-call]
    byte_tokenizer(sizes["vocab_size"]).save_pretrained(folder)
    return written


def bert(folder: Path, *, quick: bool, device: str) -> int:
    """An encoder of the shape of bge-large in float32, which sentence-transformers loads; returns its bytes."""
    import torch
    from transformers import BertConfig, BertModel

    vocabulary = 512 if quick else 30_522
    config = BertConfig(vocab_size=vocabulary, **TINY if quick else BGE_LARGE, dtype=torch.float32)
    config.architectures = ["BertModel"]
    with torch.device("meta"):
        model: Any = BertModel(config)
    written = save(model, folder, device)
    word_tokenizer(vocabulary).save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": config.hidden_size, "pooling_mode_cls_token": True}
    pooling["pooling_mode_mean_tokens"] = False
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "2_Normalize").mkdir()
    return written


def save(model: Any, folder: Path, device: str) -> int:
    """Write a model of the device ``meta`` with random numbers, made on ``device`` in shards; returns their bytes."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    model.config.save_pretrained(folder)
    generator = torch.Generator(device).manual_seed(0)
    tied = getattr(model, "_tied_weights_keys", None) or () if model.config.tie_word_embeddings else ()
    tensors = [(name, value) for name, value in model.named_parameters() if name not in tied]
    parts = list(shards(tensors))
    index: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        file = f"model-{number:05}-of-{len(parts):05}.safetensors"
        made = {name: numbers(name, like, generator, device) for name, like in part}
        save_file(made, folder / file, {"format": "pt"})
        index |= dict.fromkeys(made, file)
    size: int = sum(like.nbytes for _, like in tensors)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": index})
    )
    return size


def shards(tensors: list[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """The tensors in their order, in lists of at most ``SHARD_BYTES`` or of one tensor."""
    part: list[tuple[str, Any]] = []
    for name, like in tensors:
        if part and sum(one.nbytes for _, one in part) + like.nbytes > SHARD_BYTES:
            yield part
            part = []
        part.append((name, like))
    yield part


def numbers(name: str, like: Any, generator: Any, device: str) -> Any:
    """A tensor on the host: ones for norms, nothing for biases, else small random numbers."""
    import torch

    if like.ndim == 1:
        return (torch.zeros if name.endswith("bias") else torch.ones)(like.shape, dtype=like.dtype)
    made = torch.empty(like.shape, dtype=like.dtype, device=device)
    return made.normal_(0.0, 0.02, generator=generator).cpu()


def byte_tokenizer(size: int) -> Any:
    """Text becomes a token a byte; all ``size`` tokens have a text of their own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    filling = (f"Ġw{number}" for number in range(size - len(known)))
    vocabulary = {token: number for number, token in enumerate((*known, *filling))}
    backend = Tokenizer(models.BPE(vocabulary, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer: Any = PreTrainedTokenizerFast
    made = tokenizer(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    made.chat_template = "{{ bos_token }}{% for one in messages %}{{ one['content'] }}\n{% endfor %}"
    return made


def word_tokenizer(size: int) -> Any:
    """Text becomes a token a word, of ``WORDS``, between [CLS] and [SEP]."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    filling = (f"w{number}" for number in range(size - len(known)))
    backend = Tokenizer(
        models.WordLevel({token: number for number, token in enumerate((*known, *filling))}, unk_token="[UNK]")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}
    tokenizer: Any = PreTrainedTokenizerFast
    return tokenizer(
        tokenizer_object=backend,
        model_max_length=512,
        **{f"{name}_token": token for name, token in named.items()},
    )


def break_vocabulary(source: Path, folder: Path) -> Path:
    """The same weights with a tokenizer that has one token more than the model: ``BEYOND``."""
    folder.mkdir()
    for file in source.iterdir():
        if file.name != "tokenizer.json":
            (folder / file.name).symlink_to(file)
    said = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = said["model"]["vocab"]
    vocabulary["<spare>"] = vocabulary[BEYOND]
    vocabulary[BEYOND] = len(vocabulary) - 1
    (folder / "tokenizer.json").write_text(json.dumps(said), encoding="utf-8")
    return folder
