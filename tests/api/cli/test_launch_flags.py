"""What Xinference's users have in their fingers: flags of ``launch``, and commands that are other things here."""

import pytest

from api.cli.further_flags import further
from api.cli.launch_flags import refuse_misspelt, taken
from models.engines import FACTS
from models.errors import InvalidRequest
from models.launching.launch import Launch
from models.launching.options.schemas import schema_of
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


def test_further_flags_are_read_with_or_without_a_value() -> None:
    words = "--keep-alive 5m --pinned --load_on_request false --min-replicas=0 --max-replicas 2 --autostart --n-ctx 9"
    fields = {"keep_alive": "5m", "pinned": True, "load_on_request": False, "min_replicas": 0, "max_replicas": 2}
    assert taken(words.split()) == (fields | {"autostart": True}, ["--n-ctx", "9"])
    with pytest.raises(InvalidRequest, match="give a value"):
        taken(["--keep-alive"])


def test_the_help_of_launch_lists_every_field_of_a_launch() -> None:
    shown = headrace("launch", "--help", COLUMNS="200").stdout
    own = {"model_size_in_billions", "node", "worker_ip", "peft_model_config", "envs"}  # under other names, or several
    fields = [name for name in Launch.model_fields if name not in own]
    assert not [name for name in fields if f"--{name.replace('_', '-')} " not in shown]
    assert "--env NAME VALUE" in shown
    assert {name for name, _ in further().values()} <= set(Launch.model_fields)


@pytest.mark.parametrize(
    ("word", "near"), [("nowait", "--no-wait"), ("end_point", "--endpoint"), ("apikey", "--api-key")]
)
def test_a_misspelt_flag_of_the_command_is_named(word: str, near: str) -> None:
    with pytest.raises(InvalidRequest, match=f"did you mean {near}"):
        refuse_misspelt([word])


def test_options_of_engines_are_no_misspelt_flags() -> None:
    refuse_misspelt(name for facts in FACTS.values() for name in schema_of(facts)["properties"])
