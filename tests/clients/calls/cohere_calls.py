"""What a user of Cohere's client does. Run with its interpreter: ``python cohere_calls.py URL KEY``."""

import sys

import cohere

QUERY = "What is the capital of France?"
TEXTS = ["Bananas are yellow.", "Paris is the capital of France.", "Berlin is the capital of Germany."]


def main(url: str, key: str) -> None:
    """Rerank with both versions of its interface."""
    second = cohere.ClientV2(api_key=key, base_url=url)
    ranked = second.rerank(model="reranker", query=QUERY, documents=TEXTS, top_n=2)
    assert [one.index for one in ranked.results] == [1, 2], ranked
    assert 0 <= ranked.results[1].relevance_score <= ranked.results[0].relevance_score <= 1
    assert ranked.id
    assert ranked.meta is not None
    assert ranked.meta.api_version is not None
    assert ranked.meta.api_version.version == "2"

    first = cohere.Client(api_key=key, base_url=url)
    ranked = first.rerank(
        model="reranker", query=QUERY, documents=[{"text": one} for one in TEXTS], return_documents=True
    )
    assert ranked.results[0].document.text == TEXTS[1]
    try:
        second.rerank(model="nothing", query=QUERY, documents=TEXTS)
    except cohere.NotFoundError as error:
        assert "does not exist" in str(error.body), error
    else:
        raise AssertionError("a model that is not there has answered")


if __name__ == "__main__":
    main(*sys.argv[1:])
