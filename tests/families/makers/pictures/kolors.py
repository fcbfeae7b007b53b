"""A tiny pipeline of Kolors, which reads with ChatGLM. Needs sentencepiece."""

import importlib
import io
from pathlib import Path
from typing import Any

import diffusers
import torch

from tests.families.makers.pictures.parts import vae
from tests.families.makers.pictures.unets import xl_unet


def kolors(folder: Path) -> Any:
    """Kolors. ``folder`` is where the vocabulary is made."""
    sentencepiece: Any = importlib.import_module("sentencepiece")
    from diffusers.pipelines.kolors import ChatGLMModel, ChatGLMTokenizer
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig

    folder.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    words = ["a red cat sits on a blue mat", "green dogs run over the yellow hill", "the sun is far above us all"] * 9
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words), model_writer=written, vocab_size=60, hard_vocab_limit=False
    )
    (folder / "tokenizer.model").write_bytes(written.getvalue())
    torch.manual_seed(0)
    config = ChatGLMConfig(
        num_layers=2,
        padded_vocab_size=200,
        hidden_size=16,
        ffn_hidden_size=32,
        kv_channels=8,
        num_attention_heads=2,
        seq_length=256,
        rmsnorm=True,
        post_layer_norm=True,
        multi_query_attention=True,
        multi_query_group_num=1,
        add_bias_linear=False,
        add_qkv_bias=True,
        original_rope=True,
    )
    torch.manual_seed(0)
    return diffusers.KolorsPipeline(
        vae=vae(),
        text_encoder=ChatGLMModel(config, empty_init=False).eval(),
        tokenizer=ChatGLMTokenizer(str(folder / "tokenizer.model")),
        unet=xl_unet(cross_attention_dim=16, projection_class_embeddings_input_dim=64),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        force_zeros_for_empty_prompt=False,
    )
