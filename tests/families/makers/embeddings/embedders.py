"""Tiny embedding models, each in a folder as its makers, or sentence-transformers, would have saved it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, StaticEmbedding

from tests.families.makers.embeddings.words import bytelevel, gemma, sentencepiece, wordpiece

TINY: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 300,
    "initializer_range": 0.2,
}
DECODER: dict[str, Any] = TINY | {
    "max_position_embeddings": 2048,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "pad_token_id": 0,
    "eos_token_id": 2,
}


def network(folder: Path, kind: str, config: dict[str, Any], head: str = "Model", **more: Any) -> None:
    """Random weights of the network ``kind`` of transformers, with the head, in its own layout."""
    torch.manual_seed(7)
    built = getattr(transformers, f"{kind}Config")(**config)
    getattr(transformers, kind + head)(built).eval().save_pretrained(folder, **more)


def modules(folder: Path, mode: str, *, normalize: bool, width: int = 64, **config: Any) -> None:
    """``modules.json`` and what it names, as versions of sentence-transformers before 6 saved it."""
    listed = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    names = ["", "1_Pooling", "2_Normalize"]
    entries = [
        {"idx": at, "name": str(at), "path": names[at], "type": f"sentence_transformers.models.{one}"}
        for at, one in enumerate(listed)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": width, f"pooling_mode_{mode}": True, "include_prompt": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if config:
        (folder / "config_sentence_transformers.json").write_text(json.dumps(config))


def minilm(folder: Path) -> None:
    """all-MiniLM: BERT, mean, length 1."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    modules(folder, "mean_tokens", normalize=True)


def bge(folder: Path) -> None:
    """bge-en-v1.5: BERT, the first token, length 1, a prompt for queries."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    prompts = {"query": "Represent this sentence for searching relevant passages: "}
    modules(folder, "cls_token", normalize=True, prompts=prompts)


def bge_m3(folder: Path) -> None:
    """bge-m3's dense vectors: XLM-RoBERTa, the first token."""
    sentencepiece(folder)
    network(folder, "XLMRoberta", TINY | {"pad_token_id": 1, "max_position_embeddings": 302})
    modules(folder, "cls_token", normalize=True)


def routed(folder: Path) -> None:
    """A network for queries, and another one for documents."""
    minilm(folder / "base")
    routes = {name: [Transformer(str(folder / "base")), Pooling(64, "mean")] for name in ("query", "document")}
    SentenceTransformer(modules=[Router(routes, default_route="document")]).save(str(folder))


def routed_late(folder: Path) -> None:
    """One network, and behind it a layer for queries and another one for documents."""
    minilm(folder / "base")
    routes = Router({"query": [Dense(64, 64)], "document": [Dense(64, 64)]}, default_route="document")
    SentenceTransformer(modules=[Transformer(str(folder / "base")), Pooling(64, "mean"), routes]).save(str(folder))


def mpnet(folder: Path) -> None:
    """all-mpnet-base-v2, whose network has no sdpa."""
    sentencepiece(folder)
    network(folder, "MPNet", TINY | {"pad_token_id": 1, "max_position_embeddings": 302})
    modules(folder, "mean_tokens", normalize=True)


def deberta(folder: Path) -> None:
    """An encoder of DeBERTa, whose network has no sdpa."""
    wordpiece(folder)
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    network(folder, "DebertaV2", TINY | relative)
    modules(folder, "mean_tokens", normalize=False)


def qwen3(folder: Path) -> None:
    """Qwen3-Embedding as its makers ship it: its tokenizer has a template for chatting, which is not used."""
    bytelevel(folder, ends=True, padding_side="left")
    network(folder, "Qwen3", DECODER, "ForCausalLM")
    prompts = {
        "query": "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
        "document": "",
    }
    modules(folder, "lasttoken", normalize=True, prompts=prompts)


def qwen3_saved(folder: Path) -> None:
    """A fine-tune of it, saved by sentence-transformers 6: texts go through the template as a user's message."""
    qwen3(folder / "base")
    first = Transformer(str(folder / "base"), model_kwargs={"use_safetensors": True})
    assert "message" in first.modality_config
    prompts = {"query": "Find what answers this.", "document": ""}
    SentenceTransformer(modules=[first, Pooling(64, "lasttoken"), Normalize()], prompts=prompts).save(str(folder))


def e5_mistral(folder: Path) -> None:
    """e5-mistral: the last token, padding on the right."""
    gemma(folder)
    network(folder, "Mistral", DECODER | {"sliding_window": None})
    modules(folder, "lasttoken", normalize=True)


def matryoshka(folder: Path) -> None:
    """A model whose configuration cuts its vectors."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    modules(folder, "mean_tokens", normalize=False, truncate_dim=24)


def dense(folder: Path) -> None:
    """LaBSE: a dense layer behind the first token."""
    wordpiece(folder)
    network(folder / "base", "Bert", TINY)
    wordpiece(folder / "base")
    torch.manual_seed(8)
    layers = [Transformer(str(folder / "base")), Pooling(64, "cls"), Dense(64, 40), Normalize()]
    SentenceTransformer(modules=layers).save(str(folder))


def static(folder: Path) -> None:
    """Static embeddings, as model2vec's are published."""
    tokenizer = wordpiece(folder / "words")
    torch.manual_seed(9)
    weights = torch.randn(len(tokenizer), 32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, weights), Normalize()]).save(str(folder))


def pickled(folder: Path) -> None:
    """A repository from before safetensors: ``pytorch_model.bin`` alone."""
    bge(folder)
    (folder / "model.safetensors").unlink()
    torch.manual_seed(7)
    torch.save(transformers.BertModel(transformers.BertConfig(**TINY)).state_dict(), folder / "pytorch_model.bin")


def clip(folder: Path) -> None:
    """CLIP, of texts and pictures, as sentence-transformers publishes it."""
    torch.manual_seed(7)
    sized = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config=sized | {"vocab_size": 512, "eos_token_id": 1, "bos_token_id": 2},
        vision_config=sized | {"image_size": 32, "patch_size": 16},
        projection_dim=32,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    tokenizer = sentencepiece(folder)
    pictures = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    both: Any = transformers.CLIPProcessor
    both(pictures, tokenizer).save_pretrained(folder)
    entry = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.CLIPModel"}
    (folder / "modules.json").write_text(json.dumps([entry]))


def albert(folder: Path) -> None:
    """ALBERT: one layer, many times."""
    wordpiece(folder)
    network(folder, "Albert", TINY | {"embedding_size": 32})
    modules(folder, "mean_tokens", normalize=True)


def distilbert(folder: Path) -> None:
    """DistilBERT, which has no token types."""
    wordpiece(folder, model_input_names=["input_ids", "attention_mask"])
    sized = {
        "vocab_size": 512,
        "dim": 64,
        "hidden_dim": 96,
        "n_layers": 2,
        "n_heads": 4,
        "max_position_embeddings": 300,
    }
    network(folder, "DistilBert", sized)
    modules(folder, "max_tokens", normalize=False)


def modernbert(folder: Path) -> None:
    """gte-modernbert: rotary positions, windows."""
    wordpiece(folder, model_input_names=["input_ids", "attention_mask"])
    network(folder, "ModernBert", TINY | {"pad_token_id": 0, "local_attention": 32, "global_attn_every_n_layers": 2})
    modules(folder, "cls_token", normalize=True)


def sentence_t5(folder: Path) -> None:
    """sentence-T5: the encoder of a T5, a dense layer."""
    sentencepiece(folder / "base")
    sized = {"vocab_size": 512, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4}
    network(folder / "base", "T5", sized, "EncoderModel")
    torch.manual_seed(8)
    first = Transformer(str(folder / "base"))
    SentenceTransformer(modules=[first, Pooling(64, "mean"), Dense(64, 48, bias=False), Normalize()]).save(str(folder))


def embedding_gemma(folder: Path) -> None:
    """EmbeddingGemma: a Gemma 3 that looks both ways, two dense layers, prompts of its own."""
    gemma(folder / "base")
    both_ways = {"use_bidirectional_attention": True, "sliding_window": 32, "query_pre_attn_scalar": 16}
    network(folder / "base", "Gemma3Text", DECODER | both_ways, "Model")
    torch.manual_seed(8)
    layers = [Transformer(str(folder / "base")), Pooling(64, "mean"), Dense(64, 96), Dense(96, 64), Normalize()]
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    SentenceTransformer(modules=layers, prompts=prompts).save(str(folder))


def instructor(folder: Path) -> None:
    """INSTRUCTOR: a prompt's tokens are not part of the mean."""
    wordpiece(folder)
    network(folder, "Bert", TINY)
    prompts = {"query": "Represent the question: ", "document": "Represent the paper: "}
    modules(folder, "mean_tokens", normalize=True, prompts=prompts)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"include_prompt": False}))


def bare_bert(folder: Path) -> None:
    """A plain encoder without ``modules.json``."""
    wordpiece(folder)
    network(folder, "Bert", TINY)


def bare_decoder(folder: Path) -> None:
    """A plain decoder without ``modules.json``, a head or a chat template."""
    bytelevel(folder, ends=True, chat=None)
    network(folder, "Qwen3", DECODER)


def bare_causal(folder: Path) -> None:
    """A plain causal model with a chat template."""
    bytelevel(folder, padding_side="left")
    network(folder, "Qwen3", DECODER, "ForCausalLM")


EMBEDDERS: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (
        *(minilm, bge, bge_m3, mpnet, deberta, qwen3, qwen3_saved, e5_mistral),
        *(albert, distilbert, modernbert, sentence_t5, embedding_gemma, instructor),
        *(matryoshka, dense, static, pickled, bare_bert, bare_causal),
    )
}
"""Layouts that the library reads as they are."""
