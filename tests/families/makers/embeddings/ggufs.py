"""The weights of tiny models once more as GGUF files, as llama.cpp's own converter would write them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import transformers

BLANK = "\u2581"


def embedder(folder: Path) -> Path:
    """A BERT that embeds: the first token's vector."""
    tokenizer, network = _read(folder, transformers.AutoModel)
    return _bert(folder / "model.gguf", tokenizer, network, gguf.PoolingType.CLS, {})


def reranker(folder: Path, *, doubled: bool = False) -> Path:
    """A BERT with a head of one label; ``doubled``: with two separators between query and document, as RoBERTa has."""
    tokenizer, network = _read(folder, transformers.AutoModelForSequenceClassification)
    weights = network.state_dict()
    head = {
        "cls.weight": weights["bert.pooler.dense.weight"],
        "cls.bias": weights["bert.pooler.dense.bias"],
        "cls.output.weight": weights["classifier.weight"],
        "cls.output.bias": weights["classifier.bias"],
    }
    return _bert(folder / "model.gguf", tokenizer, network.bert, gguf.PoolingType.RANK, head, doubled=doubled)


def decoder(folder: Path, pooling: gguf.PoolingType | None) -> Path:
    """A Qwen3 that embeds by its last token; with RANK a reranker, by the rows of "yes" and "no" of its head.

    Without a pooling it writes text, too, under the chat template of its tokenizer.
    """
    tokenizer, network = _read(folder, transformers.AutoModelForCausalLM)
    writer = _begun(folder / "model.gguf", "qwen3", network.config, pooling)
    config = network.config
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    words = _vocabulary(tokenizer, config.vocab_size)
    special = set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab())
    kinds = [gguf.TokenType.CONTROL if one in special else gguf.TokenType.NORMAL for one in words]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(one) if isinstance(one, list) else one for one in merges])
    writer.add_eos_token_id(tokenizer.convert_tokens_to_ids("<|endoftext|>"))
    writer.add_add_bos_token(False)
    weights = dict(network.state_dict())
    head = weights.pop("lm_head.weight")
    more: dict[str, Any] = {"output.weight": head}
    if pooling is gguf.PoolingType.RANK:
        writer.add_add_eos_token(False)
        writer.add_classifier_output_labels(["yes", "no"])
        writer.add_chat_template([{"name": "rerank", "template": RERANK}])
        more = {"cls.output.weight": head[tokenizer.convert_tokens_to_ids(["yes", "no"])]}
    else:
        writer.add_add_eos_token(pooling is not None)
    if pooling is None and tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)
    return _written(writer, gguf.MODEL_ARCH.QWEN3, config.num_hidden_layers, weights, more, folder / "model.gguf")


RERANK = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n<Query>: {query}\n"
    "<Document>: {document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
)
"""As the converter writes it for Qwen3-Reranker."""


def _read(folder: Path, kind: Any) -> tuple[Any, Any]:
    return transformers.AutoTokenizer.from_pretrained(folder), kind.from_pretrained(folder)


def _bert(
    path: Path,
    tokenizer: Any,
    network: Any,
    pooling: gguf.PoolingType,
    head: Mapping[str, Any],
    *,
    doubled: bool = False,
) -> Path:
    config = network.config
    writer = _begun(path, "bert", config, pooling)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_token_type_count(config.type_vocab_size)
    words = _vocabulary(tokenizer, config.vocab_size)
    special = [one.startswith("[") and one.endswith("]") for one in words]
    shown = [
        one if known else one[2:] if one.startswith("##") else BLANK + one
        for one, known in zip(words, special, strict=True)
    ]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(shown)
    writer.add_token_types([gguf.TokenType.CONTROL if known else gguf.TokenType.NORMAL for known in special])
    writer.add_token_scores([-1000.0] * len(words))
    ids = {"bos": "[CLS]", "eos": "[SEP]", "sep": "[SEP]", "pad": "[PAD]", "unk": "[UNK]", "mask": "[MASK]"}
    for name, token in ids.items():
        getattr(writer, f"add_{name}_token_id")(tokenizer.convert_tokens_to_ids(token))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(doubled)
    weights = {name: one for name, one in network.state_dict().items() if not name.startswith("pooler")}
    return _written(writer, gguf.MODEL_ARCH.BERT, config.num_hidden_layers, weights, head, path)


def _begun(path: Path, network: str, config: Any, pooling: gguf.PoolingType | None) -> Any:
    writer = gguf.GGUFWriter(str(path), network)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    return writer


def _vocabulary(tokenizer: Any, size: int) -> list[str]:
    words = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    return [*words, *(f"[unused{number}]" for number in range(size - len(words)))]


def _written(
    writer: Any, network: Any, layers: int, weights: Mapping[str, Any], more: Mapping[str, Any], path: Path
) -> Path:
    names = gguf.get_tensor_name_map(network, layers)
    for name, one in weights.items():
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is not None:
            writer.add_tensor(found, one.float().numpy())
    for name, one in more.items():
        writer.add_tensor(name, one.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
