"""A launch by a name of the catalogue, or of a model that is registered, on the engines that work here.

Launches of a path, and of what comes with Headrace, stay as they are.
"""

from collections.abc import Sequence

from api.gateway.gateway import Gateway
from api.routes.models.registered import family_of
from api.shapes.models import WhatWasLaunched
from models import catalogue
from models.catalogue.launches import launch_of, planned, with_file
from models.catalogue.plans import Machine, Plan
from models.engines import FACTS
from models.errors import InvalidRequest
from models.launching.launch import Launch
from models.ledger.ways_wire import size_in_billions
from models.rows import registrations
from models.rows.instances import NewInstance
from models.rows.records import LoadedDevice


async def found(
    gateway: Gateway, launch: Launch, devices: Sequence[LoadedDevice], *, vllm_first: bool, within_s: float
) -> tuple[Launch, Plan | None]:
    """The launch of the weights that a name means, and the plan for them; None: it is no launch by such a name.

    Which of a repository's GGUF files is meant its listing says, where the hub shows it ``within_s`` seconds. Raises
    ModelNotFound, InvalidRequest, UnsupportedParameter.
    """
    if launch.model_path is not None or catalogue.is_shipped(launch.model_name):
        return launch, None
    machine = Machine(_working(devices, launch), vllm_first, gateway.settings.trust_remote_code)
    row = await gateway.database.look(registrations.get, launch.model_name)
    own = [] if row is not None else await gateway.database.look(registrations.names, launch.model_type)
    made = await gateway.blocking(planned, launch, machine, None if row is None else family_of(row), own)
    _refuse_code(made, launch, machine)
    made = await gateway.looking(with_file, made, within_s, on_hub=True)
    return launch_of(launch, made), made


def told_of_shipped(launch: Launch, new: NewInstance) -> WhatWasLaunched | None:
    """What the answer to a launch says of a model that comes with Headrace; None of a launch of a path."""
    if launch.model_path is not None:
        return None
    spec = catalogue.find(launch.model_name, new.engine, launch.model_format, launch.quantization)
    what = "" if spec.source == "" else f", {spec.model_format}, {spec.quantization}"
    return {
        "model_name": spec.name,
        "model_type": new.model_type,
        "model_format": spec.model_format,
        "quantization": spec.quantization,
        "model_size_in_billions": size_in_billions(spec.size),
        "model_path": spec.source or None,
        "reason": f"{spec.name}{what} on {new.engine}: it comes with Headrace",
    }


def told(made: Plan, new: NewInstance) -> WhatWasLaunched:
    """What the answer to a launch says of the plan."""
    return {
        "model_name": made.family.name,
        "model_type": new.model_type,
        "model_format": made.model_format,
        "quantization": made.quantization,
        "model_size_in_billions": size_in_billions(made.size),
        "model_path": made.source,
        "reason": made.reason,
    }


def _working(devices: Sequence[LoadedDevice], launch: Launch) -> frozenset[str]:
    """The engines that work on a device which the launch may have, or are still being asked there."""
    cpu_alone = launch.n_gpu in (None, "None", 0)
    able = [one for one in devices if one.kind == "cpu" or not cpu_alone]
    return frozenset(name for one in able for name in FACTS if not one.engines.get(name))


def _refuse_code(made: Plan, launch: Launch, machine: Machine) -> None:
    """Raise InvalidRequest where the plan needs the repository's own code, and that is not to be run."""
    if made.code and not (launch.trust_remote_code and machine.trusts):
        raise InvalidRequest(
            f"'{made.family.name}' on {made.engine} runs code of {made.repository}: launch it with trust_remote_code, "
            "on a server with HEADRACE_TRUST_REMOTE_CODE=true",
            param="trust_remote_code",
        )
