"""A whole life of models by Xinference's own clients: ``python xinference_life_calls.py URL KEY FOLDER sync|async``.

FOLDER has ``spec.json``, a model to register, ``sound.mp3`` and ``picture.png``.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import requests
from xinference_client import AsyncRESTfulClient, RESTfulClient

NAME, TYPE = "qwen2.5-instruct", "LLM"
GGUF = "hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF"


class Either:
    """One of the two clients, or a handle of theirs, all of whose methods can be awaited."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self.inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            return await found if inspect.isawaitable(found) else found

        return call

    async def handle(self, uid: str) -> "Either":
        """What the client makes of a model that runs."""
        return Either(await self.get_model(uid))


async def pieces(answer: Any) -> list[Any]:
    """All that a stream brings."""
    return [one async for one in answer] if hasattr(answer, "__aiter__") else list(answer)


async def refused(called: Awaitable[Any], words: str) -> None:
    """Have the call refused by the server, with these words."""
    try:
        await called
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"it was not refused: {words}")


async def life(client: Either, folder: Path) -> None:
    """All of it, in the order in which people do it."""
    await look_around(client)
    await of_the_hub(client)
    await registered(client, folder)
    await numbers(client)
    await pictures(client, (folder / "picture.png").read_bytes())
    await sounds(client, (folder / "sound.mp3").read_bytes())
    await whole_cluster(client)


async def look_around(client: Either) -> None:
    """What there is to launch, and what can run it."""
    for kind, name in (
        (TYPE, NAME),
        ("embedding", "bge-base-en-v1.5"),
        ("image", "sdxl-turbo"),
        ("audio", "whisper-tiny"),
    ):
        listed = {one["model_name"]: one for one in await client.list_model_registrations(kind)}
        assert listed[name]["is_builtin"] is True
    if isinstance(client.inner, RESTfulClient):  # the other has no such parameter
        detailed = await client.list_model_registrations(TYPE, detailed=True)
        assert all("model_specs" in one and "model_ability" in one for one in detailed)
    assert (await client.get_model_registration(TYPE, NAME))["model_name"] == NAME
    table = await client.query_engine_by_model_name(NAME, model_type=TYPE, enable_virtual_env=False)
    assert table == await client.query_engine_by_model_name(NAME, model_type=None)
    rows = [one for one in table["llama_cpp"] if one["model_size_in_billions"] == "0_5"]
    assert rows
    assert "q4_k_m" in rows[0]["quantizations"]
    assert all(isinstance(one, list | str) for one in table.values())
    await refused(client.query_engine_by_model_name("qwen2.5-instrukt"), "the nearest are qwen2.5-instruct")


async def of_the_hub(client: Either) -> None:
    """A model by its name, from a hub: launched, followed, asked, copied, terminated, and its files removed."""
    uid = await client.launch_model(
        NAME,
        model_type=TYPE,
        model_engine="llama.cpp",
        model_size_in_billions="0_5",
        model_format="ggufv2",
        quantization="q4_k_m",
        replica=1,
        n_gpu=None,
        download_hub="huggingface",
        n_ctx=512,
        n_parallel=1,
    )
    assert uid == NAME
    assert (await client.get_launch_model_progress(uid))["progress"] == 1
    told = await client.describe_model(uid)
    assert (told["model_name"], told["model_format"], told["quantization"]) == (NAME, "ggufv2", "q4_k_m")
    assert (await client.list_models())[uid]["model_type"] == TYPE
    [instance] = await client.get_instance_info(NAME, uid)
    assert instance["status"] == "READY"

    model = await client.handle(uid)
    messages, few = [{"role": "user", "content": "Hello"}], {"max_tokens": 8, "temperature": 0}
    whole = (await model.chat(messages, generate_config=few))["choices"][0]["message"]["content"]
    chunks = await pieces(await model.chat(messages, generate_config={**few, "stream": True}))
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks if one["choices"]) == whole
    assert (await model.generate("The sea is", few))["choices"][0]["text"]
    assert await pieces(await model.generate("The sea is", {**few, "stream": True}))

    await client.terminate_model(uid)
    await refused(client.get_model(uid), "does not exist")
    [cached] = [one for one in await client.list_cached_models() if one["model_version"] == GGUF]
    assert cached["model_name"]
    files = await client.list_deletable_models(GGUF)
    assert any(str(one).endswith(".gguf") for one in files["paths"])
    assert await client.confirm_and_remove_model(GGUF) is True
    assert not [one for one in await client.list_cached_models() if one["model_version"] == GGUF]


async def registered(client: Either, folder: Path) -> None:
    """A model of one's own, by its name."""
    spec = json.loads((folder / "spec.json").read_text())
    name = spec["model_name"]
    await client.register_model(TYPE, json.dumps(spec), persist=True)
    await refused(client.register_model(TYPE, json.dumps(spec), persist=True), name)
    assert [one for one in await client.list_model_registrations(TYPE) if one["model_name"] == name] != []
    assert (await client.get_model_registration(TYPE, name))["is_builtin"] is False
    assert (await client.query_engine_by_model_name(name))["llama_cpp"]
    uid = await client.launch_model(name, model_engine="llama.cpp", model_uid="mine", n_ctx=256, n_parallel=1)
    model = await client.handle(uid)
    assert (await model.generate("One, two,", {"max_tokens": 4}))["choices"][0]["text"]
    await replicas(client, uid)
    await client.terminate_model(uid)
    await client.unregister_model(TYPE, name)
    await refused(client.get_model_registration(TYPE, name), name)


async def replicas(client: Either, uid: str) -> None:
    """One more, and one less."""
    added = await client.add_model_replica(uid)
    assert added["replica_id"] is not None
    assert len((await client.get_instance_info("", uid))[0]["replica_statuses"]) == 2
    assert await client.terminate_model_replica(uid, added["replica_id"]) == 1


async def numbers(client: Either) -> None:
    """Embeddings and scores."""
    embedder, reranker = await client.handle("minilm"), await client.handle("reranker")
    assert len((await embedder.create_embedding(["a cat", "a dog"]))["data"]) == 2
    await refused(embedder.convert_ids_to_tokens([1, 2]), "POST /detokenize")
    texts = ["Bananas are yellow.", "Paris is the capital of France."]
    ranked = await reranker.rerank(texts, "What is the capital of France?", return_documents=True)
    assert ranked["results"][0]["document"]["text"] == texts[1]


async def pictures(client: Either, picture: bytes) -> None:
    """Pictures, drawn and changed."""
    uid = await client.launch_model("glyphs", model_type="image", model_uid="painter")
    model = await client.handle(uid)
    quick: dict[str, Any] = {"n": 1, "size": "64*64", "response_format": "b64_json"}
    for drawn in (
        model.text_to_image("a red circle", **quick, num_inference_steps=2, seed=1),
        model.image_to_image(picture, "a red circle", **quick, num_inference_steps=2, strength=0.5),
        model.image_edit([picture], "a red circle", **{**quick, "size": "64x64"}, num_inference_steps=2),
        model.inpainting(picture, picture, "a red circle", **quick, num_inference_steps=2),
    ):
        [image] = (await drawn)["data"]
        assert image["b64_json"]
    [image] = (await model.text_to_image("a circle", size="64*64", num_inference_steps=1))["data"]
    assert image["url"].startswith("http")
    await refused(model.ocr(picture), "for OCR alone are not served")
    await client.terminate_model(uid)


async def sounds(client: Either, sound: bytes) -> None:
    """Speech, heard and spoken."""
    ears = await client.handle(await client.launch_model("whisper", model_type="audio", model_uid="ears"))
    assert "fox" in (await ears.transcriptions(sound, language="en"))["text"].lower()
    long = await ears.transcriptions(sound, response_format="verbose_json", timestamp_granularities=["segment"])
    assert long["segments"]
    await refused(ears.translations(sound), "understands English alone")
    await refused(ears.create_embedding(sound), "voices are not served")
    mouth = await client.handle(await client.launch_model("hibari", model_type="audio", model_uid="mouth"))
    assert (await mouth.speech("Hello.", response_format="wav"))[:4] == b"RIFF"
    assert b"".join(await pieces(await mouth.speech("Hello.", response_format="wav", stream=True)))[:4] == b"RIFF"
    for uid in ("ears", "mouth"):
        await client.terminate_model(uid)


async def whole_cluster(client: Either) -> None:
    """Machines, what comes back after a start, and what is not served."""
    [worker] = await client.get_workers_info()
    assert worker["models"]
    assert await client.get_supervisor_info()
    launch = {"model_name": "minilm", "model_type": "embedding", "model_uid": "minilm"}
    await client.upsert_autostart_model({"launch": launch, "enabled": True, "priority": 5})
    assert "minilm" in json.dumps(await client.get_autostart_config())
    assert (await client.get_autostart_model_summary())["total"] >= 1
    await client.remove_autostart_model("minilm")
    await history(client)
    await not_served(client)
    await refused(client.launch_model("mine", model_type="flexible"), "'model_type'")
    await refused(client.launch_model("nothing-of-this-name"), "nothing-of-this-name")


async def history(client: Either) -> None:
    """How models were launched, which the client has no method for, and its interface asks over HTTP."""
    base, headers = client.inner.base_url, client.inner._headers
    asked = {"headers": headers, "params": {"model_name": NAME}, "timeout": 30}
    found = await asyncio.to_thread(requests.get, f"{base}/v1/launch_history", **asked)
    [launch] = found.json()
    assert (launch["model_uid"], launch["data"]["quantization"], launch["is_owner"]) == (NAME, "q4_k_m", True)


async def not_served(client: Either) -> None:
    """What the client can ask for, and is refused with what there is instead."""
    assert NAME in (await client.vllm_models())["chat"]
    await refused(client.cancel_launch_model("minilm"), "takes requests already")
    await refused(client.cancel_launch_model("nobody"), "does not exist")
    await refused(client.get_progress("mine"), "POST /v1/jobs/{id}/cancel")
    await refused(client.abort_request("minilm", "mine"), "when its connection is closed")
    await refused(client.abort_cluster(), "where they run")
    await refused(client.login("me", "secret"), "no users and passwords")
    for called in (
        client.reload_model("minilm", {}),
        client.get_model_reload_status("minilm"),
        client.get_model_reload_config("minilm"),
    ):
        await refused(called, "terminating a model and launching it anew")
    processes = ["worker", *(("api", "supervisor") if isinstance(client.inner, RESTfulClient) else ())]
    for name in processes:
        address = ["127.0.0.1:1"] if name == "worker" else []
        await refused(getattr(client, f"relaunch_{name}")(*address), "started anew by itself")
        await refused(getattr(client, f"get_{name}_relaunch")("x"), "started anew by itself")
        await refused(getattr(client, f"list_{name}_relaunches")(), "started anew by itself")


async def main(url: str, key: str, folder: str, kind: str) -> None:
    """The life by one of the two clients."""
    inner = AsyncRESTfulClient(url, api_key=key) if kind == "async" else RESTfulClient(url, api_key=key)
    client = Either(inner)
    try:
        await life(client, Path(folder))
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
