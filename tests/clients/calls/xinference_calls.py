"""What a user of Xinference's own client does. Run with its interpreter: ``python xinference_calls.py URL KEY``."""

import sys
import time

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
    assert {"chat", "generate", "tools", "vision"} <= set(client.describe_model(uid)["model_ability"])
    assert client.get_launch_model_progress(uid)["progress"] == 1
    client.terminate_model(uid)
    try:
        client.get_model(uid)
    except RuntimeError as error:
        assert "does not exist" in str(error), error
    else:
        raise AssertionError("a model that is gone was found")
    model = follow_a_launch(client)
    read_the_list(client, model)
    client.terminate_model(model)
    assert client.get_instance_info("echo", model) == []


def follow_a_launch(client: Client) -> str:
    """The calls that Xinference's own command line makes to launch a model, with all that it sends; its uid."""
    model: str = client.launch_model(  # xinference launch -n echo -en echo -u org/echo
        model_name="echo",
        model_type="LLM",
        model_engine="echo",
        model_uid="org/echo",
        model_size_in_billions=None,
        model_format=None,
        quantization=None,
        replica=1,
        replica_config=None,
        n_worker=1,
        n_gpu="auto",
        peft_model_config=None,
        worker_ip=None,
        gpu_idx=None,
        trust_remote_code=True,
        model_path=None,
        enable_thinking=False,
        enable_virtual_env=None,
        virtual_env_packages=None,
        virtual_env_find_links=None,
        envs=None,
        wait_ready=False,
    )
    while not all(one["status"] in ("READY", "ERROR") for one in client.get_instance_info("echo", model)):
        assert 0 <= client.get_launch_model_progress(model)["progress"] <= 1
        time.sleep(0.5)
    [status] = client.get_instance_info("echo", model)
    assert status["status"] == "READY", status
    return model


def read_the_list(client: Client, model: str) -> None:
    """What the same command line reads where it lists models, chats with one and has it go on from a text."""
    columns = {  # xinference list
        "LLM": ("model_name", "model_format", "model_size_in_billions", "quantization"),
        "embedding": ("model_name", "dimensions"),
        "rerank": ("model_name",),
    }
    listed = client.list_models()
    assert model in listed
    for one in listed.values():
        for column in columns[one["model_type"]]:
            assert column in one, (column, one)
    assert listed["minilm"]["dimensions"] == 384
    handle = client.get_model(model)  # xinference chat and generate
    chatted = handle.chat(
        [{"role": "user", "content": "alpha beta"}], generate_config={"stream": False, "max_tokens": 2}
    )
    assert chatted["choices"][0]["message"]["content"] == "alpha beta"
    texts = handle.generate("alpha beta", generate_config={"stream": True, "max_tokens": 2})
    assert "".join(chunk["choices"][0]["text"] for chunk in texts if chunk["choices"]).split() == ["alpha", "beta"]


if __name__ == "__main__":
    main(*sys.argv[1:])
