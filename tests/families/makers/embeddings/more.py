"""More layouts of embedding models: networks that are in use less, and what else a saved model may say."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling

from tests.families.makers.embeddings.embedders import TINY, modules, network
from tests.families.makers.embeddings.words import bytelevel, sentencepiece, wordpiece


def eurobert(folder: Path) -> None:
    """EuroBERT: a Llama that looks both ways."""
    bytelevel(folder, chat=None)
    network(folder, "EuroBert", TINY | {"num_key_value_heads": 2, "pad_token_id": 0, "head_dim": 16})
    modules(folder, "mean_tokens", normalize=True)


def gte(folder: Path) -> None:
    """gte-multilingual, as transformers has it."""
    sentencepiece(folder)
    network(folder, "Gte", TINY | {"pad_token_id": 1})
    modules(folder, "cls_token", normalize=True)


def nomic(folder: Path) -> None:
    """nomic-embed-text, as transformers has it: prompts before each text."""
    wordpiece(folder)
    network(folder, "NomicBert", TINY | {"pad_token_id": 0})
    prompts = {"query": "search_query: ", "document": "search_document: "}
    modules(folder, "mean_tokens", normalize=False, prompts=prompts)


def jina_v3(folder: Path) -> None:
    """jina-embeddings-v3, as transformers has it."""
    sentencepiece(folder)
    network(folder, "JinaEmbeddingsV3", TINY | {"pad_token_id": 1})
    modules(folder, "mean_tokens", normalize=True)


def weighted(folder: Path) -> None:
    """SGPT: later tokens count more."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    modules(folder, "weightedmean_tokens", normalize=False)


def square_root(folder: Path) -> None:
    """The sum over the square root of the length."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    modules(folder, "mean_sqrt_len_tokens", normalize=False)


def layer_norm(folder: Path) -> None:
    """A layer that normalises the vector, with weights of its own."""
    wordpiece(folder / "base")
    network(folder / "base", "Bert", TINY)
    torch.manual_seed(8)
    normed = LayerNorm(64)
    torch.nn.init.normal_(normed.norm.weight)
    SentenceTransformer(modules=[Transformer(str(folder / "base")), Pooling(64, "mean"), normed]).save(str(folder))


def half(folder: Path) -> None:
    """Weights of sixteen bits, which a CPU computes with thirty-two."""
    wordpiece(folder)
    network(folder, "Bert", TINY | {"dtype": "float16"})
    modules(folder, "mean_tokens", normalize=True)


def lower_case(folder: Path) -> None:
    """Texts in small letters, cut after 32 tokens."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    modules(folder, "mean_tokens", normalize=True)
    said = {"max_seq_length": 32, "do_lower_case": True}
    (folder / "sentence_bert_config.json").write_text(json.dumps(said))


MORE: dict[str, Callable[[Path], None]] = {
    one.__name__: one for one in (eurobert, gte, nomic, jina_v3, weighted, square_root, layer_norm, half, lower_case)
}
"""Layouts that the library reads as they are."""
