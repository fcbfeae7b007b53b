"""In which number format a model is computed on a card: the decisions of ``models.ledger.precision``."""

from collections.abc import Iterable
from typing import Literal

from models.ledger import precision
from models.ledger.precision import Dtype, overflows
from workers.engines.accelerator.card import Card

__all__ = ["Dtype", "encoder_dtype", "overflows", "picture_dtype", "text_dtype"]


def text_dtype(own: str | None, family: str, card: Card | None) -> Dtype:
    """For a language model. ``own`` is the format that its configuration names, ``family`` its ``model_type``."""
    return precision.of_text(own, family, _bfloat16(card))


def encoder_dtype(own: str | None, family: str, card: Card | None) -> Dtype | Literal["auto"]:
    """For a model of embeddings or a reranker, whose float32 is kept; ``auto``: as it is stored."""
    return precision.of_encoder(own, family, _bfloat16(card))


def picture_dtype(classes: Iterable[str], card: Card | None, *, transformer: bool) -> Dtype:
    """For a pipeline of diffusers, given the classes of its parts; ``transformer``: it draws with one."""
    return precision.of_pictures(classes, _bfloat16(card), transformer=transformer)


def _bfloat16(card: Card | None) -> bool | None:
    return None if card is None else card.computes_bfloat16
