"""What a model wants around a text, or around a query and a document: its makers' words, or its chat template's.

A frame is a tuple of parts. Each part is made tokens by itself, without special tokens, and they are joined in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models.errors import InvalidRequest

QUERY, DOCUMENT = "\ue0f0", "\ue0f1"
"""Where a part has the query and the document, or the text. Characters of private use: no text means them."""
_BLANKS = " \n"


@dataclass(frozen=True, slots=True)
class Frame:
    """``parts`` have ``DOCUMENT`` once, ``QUERY`` once or not at all; ``stripped``: of blanks around both texts."""

    parts: tuple[str, ...]
    stripped: bool = False


@dataclass(frozen=True, slots=True)
class Causal:
    """How a causal model's next token says whether a document is relevant.

    The score is the logit of the token ``yes``, less that of ``no`` where there is one; ``sigmoid`` of that where the
    makers give it so. Weights that were converted to a classifier are asked in the same frame.
    """

    name: str
    frame: Frame
    yes: str
    no: str | None
    sigmoid: bool


_QWEN3 = Causal(
    "Qwen3-Reranker",
    Frame(
        (
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
            'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n',
            "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n"
            f"<Query>: {QUERY}\n<Document>: {DOCUMENT}",
            "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        )
    ),
    *("yes", "no", True),
)
_MXBAI = Causal(
    "mxbai-rerank-v2",
    Frame(
        (
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\n",
            f"query: {QUERY}",
            "\n",
            f"document: {DOCUMENT}",
            "\n",
            "You are a search relevance expert who evaluates how well documents match search queries. For each "
            "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
            "relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:",
            "<|im_end|>\n<|im_start|>assistant\n",
        )
    ),
    *("1", "0", False),
)
_BGE = Causal(
    "bge-reranker-v2-gemma",
    Frame(
        (
            "<bos>",
            f"A: {QUERY}",
            "\n",
            f"B: {DOCUMENT}",
            "\n",
            "Given a query A and a passage B, determine whether the passage contains an answer to the query by "
            "providing a prediction of either 'Yes' or 'No'.",
        )
    ),
    *("Yes", None, False),
)
_OF_MAKERS = {"qwen3": _QWEN3, "qwen2": _MXBAI, "gemma": _BGE}
"""Rerankers that are causal models, and whose files say nothing of it, by the type of their network: Qwen3-Reranker,
mxbai-rerank-v2 and bge-reranker-v2-gemma, as their model cards and packages compute them."""


def of_makers(network: str, instruction: str | None = None) -> Causal | None:
    """How the reranker of this type of network is asked; None where none is known.

    ``instruction`` takes the place of the makers' own, as they put one.
    """
    found = _OF_MAKERS.get(network)
    if found is None or instruction is None:
        return found
    head, *rest = found.frame.parts
    match network:
        case "qwen3":
            rest[0] = f"<Instruct>: {instruction}\n<Query>: {QUERY}\n<Document>: {DOCUMENT}"
        case "qwen2":
            rest[0] = f"instruction: {instruction}\nquery: {QUERY}"
        case _:
            rest[-1] = instruction
    return replace(found, frame=Frame((head, *rest)))


def given(template: str) -> Frame:
    """The frame that a launch gives, with ``{query}`` and ``{document}``. Raises InvalidRequest."""
    if template.count("{document}") != 1 or template.count("{query}") != 1:
        raise InvalidRequest("it must have {query} and {document} once each", param="pair_template")
    return Frame((template.replace("{query}", QUERY).replace("{document}", DOCUMENT),))


Render = Callable[[Sequence[str]], str]
"""A chat template's text for these texts: a text alone, or a query and a document. May raise anything."""


def of_template(render: Render, marks: Sequence[str]) -> Frame | None:
    """The frame that a chat template puts around texts, which are ``marks`` here; None where it has no place for them.

    Raises ValueError where it does more with them than to put words around.
    """
    whole = render([_BLANKS + mark + _BLANKS[::-1] for mark in marks])
    if any(whole.count(mark) != 1 for mark in marks):
        return None
    if all(_BLANKS + mark + _BLANKS[::-1] in whole for mark in marks):
        frame = Frame((render(marks),))
    else:
        frame = Frame((whole,), stripped=True)
        if whole != render(marks):
            raise ValueError("its chat template changes a text, and does not only put words around it")
    return frame
