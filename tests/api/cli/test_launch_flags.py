"""What Xinference's users have in their fingers: flags of ``launch``, and commands that are other things here."""

import pytest

from api.cli.launch_flags import taken
from models.errors import InvalidRequest
from tests.api.cli.test_cli import Server, headrace, server

__all__ = ["server"]


def test_flags_become_xinferences_fields() -> None:
    words = "-n m -ev A 1 --env B x -qc load_in_4bit true --quantization-config bits 4 -vp a -vp b -q Q4_1"
    assert taken(words.split()) == (
        {
            "envs": {"A": "1", "B": "x"},
            "quantization_config": {"load_in_4bit": True, "bits": 4},
            "virtual_env_packages": ["a", "b"],
        },
        ["-n", "m", "-q", "Q4_1"],
    )
    assert taken(["-ld", "a", "0.5", "-fd", "b", "x"])[0] == {
        "peft_model_config": {"image_lora_load_kwargs": {"a": 0.5}, "image_lora_fuse_kwargs": {"b": "x"}}
    }
    assert taken(["--enable-virtual-env"]) == ({"enable_virtual_env": True}, [])
    assert taken(["--disable-virtual-env"]) == ({}, [])
    whole = ["--quantization-config", '{"bits": 4}']
    assert taken(whole) == ({}, whole), "an object is the engine's option"
    for wrong in (["-ev", "A"], ["-vp"]):
        with pytest.raises(InvalidRequest, match="give a"):
            taken(wrong)


def test_they_are_sent(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    flags = "-ev A 1 -qc bits 4 -vp p -ld s 1 -lm one /1 --worker-ip host --disable-virtual-env --n-ctx 9"
    done = headrace("launch", "-n", "m", "--no-wait", "-e", server.url, *flags.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert server.seen[0][1] == {
        "model_name": "m",
        "n_gpu": "auto",
        "replica": 1,
        "node": "host",
        "envs": {"A": "1"},
        "quantization_config": {"bits": 4},
        "virtual_env_packages": ["p"],
        "peft_model_config": {
            "lora_list": [{"lora_name": "one", "local_path": "/1"}],
            "image_lora_load_kwargs": {"s": 1},
        },
        "n_ctx": 9,
    }


def test_what_vllm_runs_is_listed(server: Server) -> None:
    server.on("GET /v1/models/vllm-supported", (200, {"chat": ["a", "b"], "generate": []}))
    assert headrace("vllm-models", "-e", server.url).stdout == "chat:\n  a\n  b\ngenerate:\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("stop-cluster --check -e http://h:1", "a server is stopped where it runs"),
        ("login --username me --password x", "there are no users: give a key"),
    ],
)
def test_what_there_is_not_says_what_there_is(command: str, words: str) -> None:
    done = headrace(*command.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"headrace: {words}")
