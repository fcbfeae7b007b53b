"""What models answer with numbers looks as it is documented (``api.shapes.numbers``)."""

from array import array
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.shapes.numbers import EmbeddingList, RankedList, ScoreList, TokenList, TokenText
from models.modalities import detokenize, embeddings, rerank, tokenize
from models.modalities.base import Usage
from models.modalities.rerank import score
from models.modalities.tokenize import Tokens

USAGE = Usage(prompt_tokens=3, completion_tokens=0)
VECTOR = array("f", [0.5, 1.0]).tobytes()
RANKING = rerank.Ranking([0.25, 0.75], cut=1)
DOCUMENTS = {"query": "a", "documents": ["b", {"text": "c"}]}


@pytest.mark.parametrize(
    ("shape", "modality", "body", "result"),
    [
        (EmbeddingList, embeddings, {"input": "a"}, [VECTOR]),
        (EmbeddingList, embeddings, {"input": "a", "encoding_format": "base64"}, [VECTOR]),
        (EmbeddingList, embeddings, {"input": "a"}, [{"7": 0.5}]),
        (RankedList, rerank, DOCUMENTS, RANKING),
        (RankedList, rerank, DOCUMENTS | {"return_documents": True, "return_len": True}, RANKING),
        (ScoreList, score, {"text_1": "a", "text_2": ["b", "c"]}, RANKING),
        (TokenList, tokenize, {"prompt": "a"}, Tokens([1, 2], None, 8)),
        (TokenList, tokenize, {"prompt": "a"}, Tokens([1, 2], ["a", "b"], 8)),
        (TokenText, detokenize, {"tokens": [1]}, "a"),
    ],
)
def test_answers_are_as_documented(shape: Any, modality: Any, body: dict[str, Any], result: Any) -> None:
    asked = modality.Request.model_validate({"model": "m"} | body)
    answer = modality.Reply("1", asked, 0).end(USAGE, result)
    told = TypeAdapter(shape).validate_json(answer, strict=True, extra="forbid")
    assert told.keys() == shape.__annotations__.keys()
