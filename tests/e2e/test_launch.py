"""Launches of weights of which no more is said than where they are: their files say which engine serves them."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.media.studio import seen
from tests.e2e.stack import Stack, headrace
from tests.families.makers.embeddings import embedders, ggufs, rerankers
from tests.families.makers.seeing import layouts
from tests.families.makers.sound import listeners
from tests.glyphs.check import WEIGHTS as GLYPHS
from tests.support.servers import wait_for
from tests.support.sounds import decoded, encoded, spoken, whisper_tiny
from tests.support.weights import RERANKER, minilm_directory

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

DRAWING = ("--default_size", "64x64", "--default_steps", "8", "--default_guidance", "2.0")


def launched(stack: Stack, uid: str, path: Path | None, *arguments: str) -> str:
    """Launch a path from the command line; the engine that serves it."""
    assert path is not None
    done = headrace(stack, "launch", "-u", uid, "-n", uid, "--model-path", str(path), *arguments)
    assert done.returncode == 0, done.stderr
    return str(httpx.get(f"{stack.url}/v1/models/{uid}").json()["model_engine"])


def terminate(stack: Stack, uid: str) -> None:
    assert headrace(stack, "terminate", "--model-uid", uid).returncode == 0


def test_a_folder_of_diffusers_is_launched_as_an_image_model(stack: Stack) -> None:
    assert launched(stack, "painter", GLYPHS, "--model-type", "image", *DRAWING) == "diffusers"

    body = {"prompt": "a red seven", "response_format": "b64_json", "seed": 3}
    answer = httpx.post(f"{stack.url}/v1/images/generations", json=body, timeout=120)  # the only image model

    assert answer.status_code == 200, answer.text
    assert seen(answer.json()["data"][0]["b64_json"]) == "red seven"
    terminate(stack, "painter")


def test_a_folder_of_ctranslate2_is_launched_as_an_audio_model(stack: Stack) -> None:
    assert launched(stack, "listener", whisper_tiny(), "--model-type", "audio") == "faster_whisper"

    sound = encoded(decoded(spoken("en", "quick_brown_fox").path), "mp3", "libmp3lame")
    answer = httpx.post(
        f"{stack.url}/v1/audio/transcriptions",
        data={"model": "listener"},
        files={"file": ("a.mp3", sound)},
        timeout=120,
    )

    assert answer.status_code == 200, answer.text
    assert "fox" in answer.json()["text"].lower()
    terminate(stack, "listener")


def test_a_language_model_that_hears_writes_down_what_is_said(stack: Stack, tmp_path: Path) -> None:
    """The weights are random, and so is what it writes; it is the same each time."""
    listeners.qwen3_asr(tmp_path)
    assert launched(stack, "hears", tmp_path, "--n_threads", "1") == "transformers"
    told = httpx.get(f"{stack.url}/v1/models/hears").json()
    assert {"chat", "audio", "audio2text"} <= {*told["model_ability"]}

    sound = encoded(decoded(spoken("en", "quick_brown_fox").path), "mp3", "libmp3lame")

    def asked(model: str = "hears", headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        return httpx.post(
            f"{stack.url}/v1/audio/transcriptions",
            data={"model": model, "max_new_tokens": "8", "language": "en"} | fields,
            files={"file": ("a.mp3", sound)},
            headers=headers or {},
            timeout=120,
        )

    answer = asked()
    assert answer.status_code == 200, answer.text
    text = answer.json()["text"]
    assert text
    assert asked(response_format="text").text == text + "\n"
    assert asked(language="fr").json()["text"] != text
    pieces = [json.loads(line[6:]) for line in asked(stream="true").text.splitlines() if line.startswith("data: ")]
    assert "".join(one.get("delta", "") for one in pieces) == pieces[-1]["text"] == text
    job = asked(headers={"Prefer": "respond-async"})
    assert job.status_code == 202
    done = wait_for(lambda: _ended(f"{stack.url}/v1/jobs/{job.json()['id']}"), 60)
    assert done["state"] == "succeeded", done
    assert httpx.get(f"{stack.url}/v1/jobs/{job.json()['id']}/result").json()["text"] == text

    subtitles = asked(response_format="srt")
    assert (subtitles.status_code, subtitles.json()["error"]["param"]) == (400, "response_format")
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(sound).decode(), "format": "mp3"}}
    chat = {"model": "hears", "messages": [{"role": "user", "content": [part]}], "max_tokens": 4}
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=chat, timeout=60).status_code == 200
    terminate(stack, "hears")

    assert launched(stack, "deaf", _sees(tmp_path / "sees"), "--n_threads", "1") == "transformers"
    refused = asked("deaf", {"Prefer": "respond-async"})  # at once, before there is a job
    assert refused.status_code == 400
    assert "does not serve transcription" in refused.text
    terminate(stack, "deaf")


def _ended(url: str) -> Any:
    told = httpx.get(url).json()
    return told if told["state"] not in ("queued", "running") else None


def _sees(folder: Path) -> Path:
    folder.mkdir()
    layouts.idefics3(folder)
    return folder


def test_embeddings_and_rerank_need_no_type(stack: Stack) -> None:
    assert launched(stack, "embedder", minilm_directory()) == "sentence_transformers"
    assert launched(stack, "ranker", RERANKER) == "sentence_transformers"
    types = {one["id"]: one["model_type"] for one in httpx.get(f"{stack.url}/v1/models").json()["data"]}
    assert (types["embedder"], types["ranker"]) == ("embedding", "rerank")

    told = httpx.get(f"{stack.url}/v1/models/embedder").json()
    assert (told["pooling"], told["pooling_assumed"], told["dimensions"]) == ("mean", False, 384)

    embedded = httpx.post(f"{stack.url}/v1/embeddings", json={"model": "embedder", "input": "x"}, timeout=60)
    body = {"model": "ranker", "query": "a", "documents": ["a", "b"]}
    ranked = httpx.post(f"{stack.url}/v1/rerank", json=body, timeout=60)

    assert len(embedded.json()["data"][0]["embedding"]) == 384
    assert len(ranked.json()["results"]) == 2
    terminate(stack, "embedder")
    terminate(stack, "ranker")


def test_a_gguf_file_that_embeds_needs_no_type(stack: Stack, tmp_path: Path) -> None:
    embedders.bge(tmp_path)
    assert launched(stack, "file", ggufs.embedder(tmp_path)) == "llama_cpp"
    told = httpx.get(f"{stack.url}/v1/models/file").json()
    assert (told["model_type"], told["pooling"], told["dimensions"]) == ("embedding", "cls", 64)
    assert told["context_length"] == 300
    body = {"model": "file", "input": ["a stone", "x"], "encoding_format": "base64"}
    answer = httpx.post(f"{stack.url}/v1/embeddings", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    assert len(base64.b64decode(answer.json()["data"][1]["embedding"])) == 4 * 64
    chat = {"model": "file", "messages": [{"role": "user", "content": "x"}]}
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=chat, timeout=60).status_code == 400
    terminate(stack, "file")


def test_a_reranker_that_is_a_language_model_says_how_it_is_asked(stack: Stack, tmp_path: Path) -> None:
    rerankers.qwen3(tmp_path)
    assert launched(stack, "judge", tmp_path, "--model-type", "rerank") == "sentence_transformers"
    assert httpx.get(f"{stack.url}/v1/models/judge").json()["pair_prompt"] == "Qwen3-Reranker"
    body = {"model": "judge", "query": "a", "documents": ["a stone", "x"]}
    answer = httpx.post(f"{stack.url}/v1/rerank", json=body, timeout=60)
    assert {one["index"] for one in answer.json()["results"]} == {0, 1}
    terminate(stack, "judge")


def test_what_the_files_contradict_is_refused_with_the_engine_that_fits(stack: Stack) -> None:
    arguments = ("launch", "-u", "wrong", "-n", "wrong", "--model-path", str(GLYPHS))

    engine = headrace(stack, *arguments, "--model-engine", "transformers")
    kind = headrace(stack, *arguments, "--model-type", "audio")

    assert (engine.returncode, kind.returncode) == (1, 1)
    assert "is a diffusers pipeline (StableDiffusionPipeline): use model_engine 'diffusers'" in engine.stderr
    assert "a model of type image, not audio" in kind.stderr
    assert httpx.get(f"{stack.url}/v1/models/wrong").status_code == 404  # no row was made


def test_a_runner_looks_at_what_has_changed_since_the_launch(stack: Stack, tmp_path: Path) -> None:
    late = tmp_path / "late"
    late.symlink_to(RERANKER)
    body = {"model_name": "late", "model_path": str(late), "load_on_request": True}
    assert httpx.post(f"{stack.url}/v1/models", json=body).status_code == 200
    assert httpx.get(f"{stack.url}/v1/models/late").json()["model_engine"] == "sentence_transformers"
    late.unlink()
    late.symlink_to(GLYPHS)
    question = {"model": "late", "query": "x", "documents": ["y"]}
    answer = httpx.post(f"{stack.url}/v1/rerank", json=question, timeout=120)

    assert answer.status_code >= 400
    info = wait_for(
        lambda: httpx.get(f"{stack.url}/v1/models/late/progress").json()["replicas"][0]["info"], 60, "it does not fail"
    )
    assert "is a diffusers pipeline (StableDiffusionPipeline): use model_engine 'diffusers'" in info
    terminate(stack, "late")
