"""Tiny rerankers, each in a folder as its makers, or sentence-transformers, would have saved it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore

from tests.families.makers.embeddings.embedders import DECODER, TINY, network
from tests.families.makers.embeddings.words import PAIRS, bytelevel, gemma, sentencepiece, wordpiece

ONE: dict[str, Any] = {"num_labels": 1}
SEQUENCES = "ForSequenceClassification"


def msmarco(folder: Path) -> None:
    """cross-encoder/ms-marco: BERT, whose scores are logits."""
    wordpiece(folder)
    network(folder, "Bert", TINY | ONE, SEQUENCES)
    config = json.loads((folder / "config.json").read_text())
    config["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
    (folder / "config.json").write_text(json.dumps(config))


def bge_m3(folder: Path) -> None:
    """bge-reranker-v2-m3: XLM-RoBERTa, scores from 0 to 1."""
    sentencepiece(folder)
    network(folder, "XLMRoberta", TINY | ONE | {"pad_token_id": 1, "max_position_embeddings": 302}, SEQUENCES)


def mxbai_v1(folder: Path) -> None:
    """mxbai-rerank v1: DeBERTa, whose network has no sdpa."""
    wordpiece(folder)
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    network(folder, "DebertaV2", TINY | ONE | relative, SEQUENCES)


def gte_modernbert(folder: Path) -> None:
    """gte-reranker-modernbert: rotary positions, windows, the mean before the head."""
    wordpiece(folder, model_input_names=["input_ids", "attention_mask"])
    windows = {"pad_token_id": 0, "local_attention": 32, "global_attn_every_n_layers": 2, "classifier_pooling": "mean"}
    network(folder, "ModernBert", TINY | ONE | windows, SEQUENCES)


def decoder_saved(folder: Path) -> None:
    """A decoder with a head, without a chat template: the tokenizer puts query and document together."""
    bytelevel(folder, chat=None, padding_side="left")
    network(folder, "Qwen3", DECODER | ONE, SEQUENCES)


def qwen3_of_library(folder: Path) -> None:
    """Qwen3-Reranker as sentence-transformers 6 saves it: a template of roles, the logits of "yes" and "no"."""
    qwen3(folder / "base", chat=PAIRS)
    network_of = Transformer(str(folder / "base"), transformer_task="text-generation")
    tokens = [network_of.tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no")]
    prompts = {"search": "Find what answers the query."}
    CrossEncoder(modules=[network_of, LogitScore(*tokens)], prompts=prompts, default_prompt_name="search").save(
        str(folder)
    )


def sequences_of_library(folder: Path) -> None:
    """A decoder with a head and a template of roles."""
    bytelevel(folder, chat=PAIRS, padding_side="left")
    network(folder, "Qwen3", DECODER | ONE, SEQUENCES)


def qwen3(folder: Path, **more: Any) -> None:
    """Qwen3-Reranker as published: a causal model, with a template for chatting."""
    bytelevel(folder, padding_side="left", **more)
    network(folder, "Qwen3", DECODER, "ForCausalLM")


def qwen3_sequences(folder: Path) -> None:
    """Qwen3-Reranker-seq-cls: the same with a head, and the template for chatting."""
    bytelevel(folder, padding_side="left")
    network(folder, "Qwen3", DECODER | ONE, SEQUENCES)


def mxbai_v2(folder: Path) -> None:
    """mxbai-rerank-v2: a causal Qwen2 that answers 0 or 1."""
    bytelevel(folder, padding_side="left")
    network(folder, "Qwen2", DECODER, "ForCausalLM")


def bge_gemma(folder: Path) -> None:
    """bge-reranker-v2-gemma: a causal Gemma that answers Yes."""
    gemma(folder, padding_side="right")
    network(folder, "Gemma", DECODER, "ForCausalLM")


def llama(folder: Path) -> None:
    """A causal model of which nobody knows how it is asked."""
    bytelevel(folder, chat=None)
    network(folder, "Llama", DECODER, "ForCausalLM")


def three_labels(folder: Path) -> None:
    """cross-encoder/nli: what a pair is to each other, not how well it fits."""
    wordpiece(folder)
    labels = {0: "contradiction", 1: "entailment", 2: "neutral"}
    network(folder, "Bert", TINY | {"id2label": labels}, SEQUENCES)


OF_LIBRARY: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (msmarco, bge_m3, mxbai_v1, gte_modernbert, decoder_saved, qwen3_of_library, sequences_of_library)
}
"""Layouts that the library reads as they are."""
ASKED_BY_WORDS = ("qwen3", "qwen3_sequences", "mxbai_v2", "bge_gemma")
"""Those that are causal models, which are asked by words of their makers."""
