"""Finds the frame in which a model of sentence-transformers wants its texts, or its pairs of query and document."""

from collections.abc import Iterable, Sequence
from typing import Any

import jinja2
import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.modules import LogitScore

from models.errors import InvalidRequest
from models.launching.options.vectors import SentenceTransformersOptions
from workers.engines.sentence_transformers import frames
from workers.engines.sentence_transformers.frames import DOCUMENT, QUERY, Causal, Frame

_SIZES = ("padding", "truncation", "max_length", "return_tensors", "restore_suffix")
"""Of the arguments of a chat template that a model saves: those that say nothing of its text."""
_SPECIAL = ("<|im_start|>", "<|im_end|>", "<bos>")
OF_TEMPLATE, OF_LAUNCH = "chat template", "pair_template"
"""Whose words are around a pair, beside those of makers, whose models' names say it."""


def text_frames(first: Any, prompts: Iterable[str]) -> dict[str, Frame]:
    """The frame of a text under each of these prompts; empty where texts are read as they are.

    Raises ValueError where the model's chat template has no place for a text.
    """
    if "message" not in first.modality_config:
        return {}
    found = {prompt: _of_template(first, prompt, [("user", DOCUMENT)]) for prompt in {"", *prompts}}
    if None in found.values():
        raise ValueError("its chat template has no place for a text")
    return {prompt: one for prompt, one in found.items() if one is not None}


def pair_frame(first: Any, prompt: str, options: SentenceTransformersOptions) -> tuple[str, Frame] | None:
    """Whose frame a pair is put in, and the frame; None where the tokenizer puts pairs together by itself.

    Raises ValueError, or InvalidRequest for a bad option, where none is known.
    """
    if options.pair_template is not None:
        frame = frames.given(options.pair_template)
        return OF_LAUNCH, Frame(tuple(part.replace(QUERY, prompt + QUERY) for part in frame.parts))
    if "message" not in first.modality_config:
        return None
    if found := _of_template(first, prompt, [("query", QUERY), ("document", DOCUMENT)]):
        return OF_TEMPLATE, found
    return _of_makers(first, prompt)


def causal_reranker(first: Any, prompt: str, options: SentenceTransformersOptions) -> tuple[Any, str, Frame]:
    """A causal model without modules of its own as a cross-encoder; whose frame its pairs are put in, and the frame.

    ``first`` is its network as a module. Raises ValueError or InvalidRequest as ``pair_frame``.
    """
    whose, frame = pair_frame(first, prompt, options) or _of_makers(first, prompt)
    makers = frames.of_makers(first.config.model_type)
    asked = makers if makers is not None and makers.name == whose else Causal(whose, frame, "yes", "no", sigmoid=True)
    no = asked.no if options.irrelevant_token is None else options.irrelevant_token
    yes_id = _token(first, options.relevant_token or asked.yes, "relevant_token")
    tokens = LogitScore(yes_id, _token(first, no, "irrelevant_token") if no else None)
    activation = torch.nn.Sigmoid() if asked.sigmoid else torch.nn.Identity()
    return CrossEncoder(modules=[first, tokens], activation_fn=activation), whose, frame


def _of_makers(first: Any, prompt: str) -> tuple[str, Frame]:
    found = frames.of_makers(first.config.model_type, prompt or None)
    known = first.tokenizer.get_vocab()
    if found is None or any(one in part and one not in known for part in found.frame.parts for one in _SPECIAL):
        raise ValueError(
            "how this reranker wants a query and a document is not known: give the option pair_template, with "
            "{query} and {document}"
        )
    return found.name, found.frame


def _of_template(first: Any, prompt: str, texts: Sequence[tuple[str, str]]) -> Frame | None:
    """The chat template's frame of texts, each given with its role; the prompt is the system's message."""
    more = {
        name: value for name, value in first.processing_kwargs.get("chat_template", {}).items() if name not in _SIZES
    }
    flat = first.input_formatter.message_format == "flat"

    def message(role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": text if flat else [{"type": "text", "text": text}]}

    def render(words: Sequence[str]) -> str:
        system = [message("system", prompt)] if prompt else []
        said = [message(role, text) for (role, _), text in zip(texts, words, strict=True)]
        return str(first.processor.apply_chat_template(system + said, tokenize=False, **more))

    try:
        return frames.of_template(render, [mark for _, mark in texts])
    except (jinja2.TemplateError, TypeError):  # it refuses the roles, or wants more of a message
        return None


def _token(first: Any, word: str, param: str) -> int:
    """The id of the one token that is this word. Raises InvalidRequest."""
    ids = first.tokenizer(word, add_special_tokens=False)["input_ids"]
    if len(ids) != 1 or ids[0] == first.tokenizer.unk_token_id:
        raise InvalidRequest(f"'{word}' is no token of this model: give the one that it answers with", param=param)
    return int(ids[0])
