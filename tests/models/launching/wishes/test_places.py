"""Where each replica of a launch goes (``models.launching.wishes.places``)."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import HeadraceError, InvalidRequest, UnsupportedParameter
from models.launching.launch import Launch, resolve
from models.launching.placing import Wish
from models.launching.wishes.places import on_cpus, wish_at, wishes
from models.rows.instances import NewInstance

GPU: dict[str, Any] = {"devices": [{"worker_ip": "box", "gpu_idx": 1}]}
PAIR: dict[str, Any] = {"devices": [{"gpu_idx": [0, 2], "n_gpu": 2}]}
HOST: dict[str, Any] = {"replica_uid": "mine", "devices": [{"worker_ip": "box", "n_gpu": "None"}]}
ANY: dict[str, Any] = {}


def resolved(*config: dict[str, Any], **more: Any) -> NewInstance:
    body = {"model_name": "echo", "replica": len(config), "replica_config": list(config)} | more
    return resolve(Launch.model_validate(body), None, trust_remote_code=False)


def test_each_replica_has_its_own_devices() -> None:
    new = resolved(GPU, ANY, HOST, PAIR, GPU)
    gpu, anywhere = Wish("echo", "auto", (1,), "box"), Wish("echo")
    host, pair = Wish("echo", "0", (), "box"), Wish("echo", "2", (0, 2))
    assert [wish_at(new, number) for number in range(6)] == [gpu, anywhere, host, pair, gpu, anywhere]
    assert wishes(new) == [(0, gpu), (1, anywhere), (2, host), (3, pair)]
    assert gpu.kinds == ("cuda", "metal")
    assert host.kinds == ("cpu",)


def test_entries_that_place_nothing_ask_for_nothing() -> None:
    assert resolved(ANY, ANY) == resolved(replica=2)
    assert wishes(resolved(n_gpu=2, replica=1)) == [(0, Wish("echo", "2"))]
    xinference = {"worker_ip": None, "n_gpu": None, "gpu_idx": [0]}
    assert wish_at(resolved({"devices": [xinference]}), 0) == Wish("echo", "auto", (0,))


@pytest.mark.parametrize(
    ("body", "error", "param"),
    [
        ({"replica": 2}, InvalidRequest, "replica_config"),
        ({"gpu_idx": [0]}, InvalidRequest, "replica_config"),
        ({"node": "box"}, InvalidRequest, "replica_config"),
        ({"worker_ip": "box"}, InvalidRequest, "replica_config"),
        ({"n_gpu": None}, InvalidRequest, "replica_config"),
        ({"n_gpu": 0}, InvalidRequest, "replica_config"),
        ({"replica_config": [{"devices": [{"gpu_idx": [1, 1]}]}]}, InvalidRequest, "replica_config[0]"),
        ({"replica_config": [{"devices": [{"gpu_idx": [1], "n_gpu": 2}]}]}, InvalidRequest, "replica_config[0]"),
        ({"replica_config": [{"devices": [{"gpu_idx": [1], "n_gpu": "None"}]}]}, InvalidRequest, "replica_config[0]"),
        (
            {"model_name": "minilm", "replica": 2, "replica_config": [GPU, PAIR]},
            UnsupportedParameter,
            "replica_config[1]",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_the_entry(body: dict[str, Any], error: type[HeadraceError], param: str) -> None:
    with pytest.raises(error) as caught:
        resolved(GPU, **body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "config", [[{"devices": [{}, {}]}], [{"gpu": 1}], [{"devices": [{"gpu_idx": [-1]}]}], "x", [{}] * 65]
)
def test_the_form_is_xinferences(config: Any) -> None:
    with pytest.raises(ValidationError):
        Launch.model_validate({"model_name": "echo", "replica_config": config})


def test_vllm_is_not_preferred_for_a_replica_on_a_cpu() -> None:
    def asked(*config: dict[str, Any]) -> bool:
        launch = Launch.model_validate({"model_name": "echo", "replica_config": list(config)})
        return on_cpus(launch.replica_config or [])

    assert asked(GPU, HOST)
    assert not asked(GPU, ANY, PAIR)
    assert not asked({"devices": [{"n_gpu": None, "gpu_idx": [0]}]})
