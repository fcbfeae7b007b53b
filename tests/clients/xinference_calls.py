"""What a user of Xinference's own client does. Run with its interpreter: ``python xinference_calls.py URL KEY``."""

import sys

from xinference_client import RESTfulClient as Client


def main(url: str, key: str) -> None:
    """Launch, list, chat, embed, rerank, terminate."""
    client = Client(url, api_key=key)
    assert {"smollm2", "minilm", "reranker"} <= client.list_models().keys()

    chat = client.get_model("smollm2")
    messages = [{"role": "user", "content": "Name the three primary colours."}]
    answer = chat.chat(messages, generate_config={"max_tokens": 24, "temperature": 0})
    assert answer["choices"][0]["message"]["content"]
    said = ""
    for chunk in chat.chat(messages, generate_config={"max_tokens": 24, "temperature": 0, "stream": True}):
        said += chunk["choices"][0]["delta"].get("content") or "" if chunk["choices"] else ""
    assert said == answer["choices"][0]["message"]["content"]
    quiet = chat.chat(messages, enable_thinking=False, generate_config={"max_tokens": 4})
    assert quiet["usage"]["completion_tokens"] <= 4
    assert chat.generate("The sea is", {"max_tokens": 4})["choices"][0]["text"]

    vector = client.get_model("minilm").create_embedding("a cat")
    assert len(vector["data"][0]["embedding"]) == 384

    reranker = client.get_model("reranker")
    texts = ["Bananas are yellow.", "Paris is the capital of France."]
    ranked = reranker.rerank(texts, "What is the capital of France?", return_documents=True, return_len=True)
    assert [one["index"] for one in ranked["results"]] == [1, 0]
    assert ranked["results"][0]["document"]["text"] == texts[1]

    uid = client.launch_model("echo", model_engine="echo", model_uid="of-xinference", step_ms=0)
    assert uid == "of-xinference"
    assert client.describe_model(uid)["model_ability"] == ["chat", "generate"]
    assert client.get_launch_model_progress(uid)["progress"] == 1
    client.terminate_model(uid)
    try:
        client.get_model(uid)
    except RuntimeError as error:
        assert "does not exist" in str(error), error
    else:
        raise AssertionError("a model that is gone was found")


if __name__ == "__main__":
    main(*sys.argv[1:])
