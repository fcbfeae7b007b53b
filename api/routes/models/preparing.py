"""What the body of a launch comes to, before anything is launched: for launches, and for estimates of them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.gateway.gateway import Gateway
from api.routes.models import by_name
from api.routes.models.roots import refuse_options, refuse_outside
from models.catalogue.plans import Plan
from models.launching import hub
from models.launching.launch import Launch, engine_asked, resolve, source_of
from models.launching.peek import Peek
from models.launching.peek_source import peek, peek_here, peek_or_why
from models.launching.wishes.places import on_cpus
from models.rows import instances
from models.rows.instances import NewInstance
from models.rows.records import LoadedDevice

PEEK_S = 10.0
"""How long the look at the weights of a launch may take, before the launch goes on without it."""


@dataclass(frozen=True, slots=True)
class PreparedLaunch:
    """The instance that a launch would be, what is seen of its weights, and the devices that are here.

    ``plan``: of a name of the catalogue.
    """

    new: NewInstance
    plan: Plan | None
    seen: Peek | None
    devices: Sequence[LoadedDevice]


async def prepared(gateway: Gateway, body: Launch, *, seeing: bool = False) -> PreparedLaunch:
    """What a launch of this body would be. Raises ModelNotFound, InvalidRequest, UnsupportedParameter.

    ``seeing``: its weights must be seen from here; raises HeadraceError, which says why they are not.
    """
    devices = await gateway.database.look(instances.alive_devices, instances.ALIVE_MS)
    vllm = vllm_works(devices, body.n_gpu) and not on_cpus(body.replica_config or [])
    body, plan = await by_name.found(gateway, body, devices, vllm_first=vllm, within_s=PEEK_S)
    await gateway.looking(_refuse_outside, body, gateway.settings.roots)
    seen = await _look(gateway, body, devices, seeing=seeing)
    trusts = gateway.settings.trust_remote_code
    new = resolve(body, seen, trust_remote_code=trusts, vllm_works=vllm)
    if plan is not None and plan.engine is None and (needed := plan.family.options.get(new.engine)):
        # Only now is it known which engine it is, and so what the family needs on it.
        body = body.model_copy(update={"model_engine": new.engine} | needed | body.options)
        new = resolve(body, seen, trust_remote_code=trusts, vllm_works=vllm)
    return PreparedLaunch(new, plan, seen, devices)


def _refuse_outside(launch: Launch, roots: Sequence[Path]) -> None:
    """Raise InvalidRequest where a launch names a path that an operator did not allow."""
    refuse_outside(launch.model_path or "", roots, "model_path")
    refuse_options(launch.options, roots)
    if launch.peft_model_config is not None:
        for adapter in launch.peft_model_config.lora_list:
            refuse_outside(adapter.local_path, roots, "peft_model_config")


async def _look(gateway: Gateway, launch: Launch, devices: Sequence[LoadedDevice], *, seeing: bool) -> Peek | None:
    """What a look at the weights of a launch shows; None where it names none, or they cannot be seen from here.

    Raises InvalidRequest where they could be nowhere else, and are not here.
    """
    text = source_of(launch)
    if not text:
        return None
    source = hub.parse(text)
    engine = engine_asked(launch)
    elsewhere = source.kind == "package" and engine is not None and engine.own_environment
    alone = bool(devices) and all(one.node == gateway.settings.node for one in devices) and not elsewhere
    looks = gateway.looks if source.kind in ("path", "package") else gateway.hub_looks
    with suppress(TimeoutError):  # a folder may lie on a network that does not answer
        if source.kind in ("path", "package") and alone:
            return await looks.look(PEEK_S, peek_here, source)
        if source.kind not in ("path", "package") and seeing:
            return await looks.look(PEEK_S, peek_or_why, source, PEEK_S)
        return await looks.look(PEEK_S, peek, source, PEEK_S)
    return None


def vllm_works(devices: Sequence[LoadedDevice], n_gpu: str | int | None) -> bool:
    """Whether vLLM works on one of NVIDIA's newer GPUs (capability 8.0 or higher), and the launch may have GPUs."""
    if n_gpu in (None, "None", 0):
        return False
    return any(
        one.engines.get("vllm") == "" and float(one.details.get("capability") or 0) >= 8
        for one in devices
        if one.kind == "cuda"
    )
