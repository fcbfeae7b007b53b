"""A launch by a name of the catalogue: what it is a launch of.

Launches of a path, and of what comes with Headrace, stay as they are.
"""

from collections.abc import Sequence
from typing import Any

from api.gateway.gateway import Gateway
from models import catalogue
from models.catalogue.files import settled
from models.catalogue.names import named
from models.catalogue.plans import Asked, Machine, Plan, plan
from models.engines import FACTS
from models.errors import InvalidRequest
from models.hubs.settings import preferred_hub
from models.launching import hub
from models.launching.launch import Launch, engine_asked
from models.launching.peek_source import peek
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
    made = await gateway.blocking(_planned, launch, machine)
    _refuse_code(made, launch, machine)
    if made.file:
        made = await gateway.blocking(_with_file, made, within_s)
    return _launch_of(launch, made), made


def told(made: Plan, new: NewInstance) -> dict[str, Any]:
    """What the answer to a launch says of the plan."""
    return {
        "model_name": made.family.name,
        "model_type": new.model_type,
        "model_format": made.model_format,
        "quantization": made.quantization,
        "model_size_in_billions": made.size,
        "model_path": made.source,
        "reason": made.reason,
    }


def _planned(launch: Launch, machine: Machine) -> Plan:
    return plan(named(launch.model_name, launch.model_type), asked_of(launch), machine)


def asked_of(launch: Launch) -> Asked:
    """What the launch says beside the name. Raises InvalidRequest."""
    engine = engine_asked(launch)
    return Asked(
        size=launch.size,
        model_format=launch.model_format,
        quantization=launch.quantization,
        engine=engine.name if engine else None,
        hub=launch.hub or preferred_hub(),
    )


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


def _with_file(made: Plan, within_s: float) -> Plan:
    """The plan with the file's name as the listing of its repository has it. Blocks."""
    seen = peek(hub.parse(made.repository), within_s)
    if seen is not None:
        return settled(made, seen.files)
    if "*" in made.file:
        raise InvalidRequest(
            f"{made.repository} cannot be seen from here, and what its file of {made.quantization} is called only its "
            "listing says: name the file by model_path",
            param="model_name",
        )
    return made


def _launch_of(launch: Launch, made: Plan) -> Launch:
    """The launch with all that the plan decides. Options that it sets take the place of the family's."""
    options = {name: value for name, value in made.options.items() if name not in launch.options}
    return launch.model_copy(
        update={
            "model_uid": launch.uid,
            "model_name": made.family.name,
            "model_type": made.family.type,
            "model_engine": made.engine,
            "model_format": made.model_format,
            "quantization": made.quantization,
            "model_size_in_billions": made.size if made.size is not None else launch.model_size_in_billions,
            "model_path": made.source,
            **options,
        }
    )
