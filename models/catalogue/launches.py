"""A launch by a name of the catalogue's families: what it is a launch of."""

from collections.abc import Sequence
from dataclasses import replace

from models.catalogue.entries import Family
from models.catalogue.files import settled
from models.catalogue.names import Named, named
from models.catalogue.plans import Asked, Machine, Plan, plan
from models.errors import HeadraceError, ModelNotFound
from models.hubs.settings import preferred_hub
from models.launching import hub
from models.launching.launch import Launch, engine_asked
from models.launching.peek_source import peek, peek_or_why


def planned(launch: Launch, machine: Machine, registered: Family | None = None, own: Sequence[str] = ()) -> Plan:
    """The plan for what the launch names, a model that is ``registered`` or a family of the catalogue.

    ``own``: the names that are registered, to be suggested. Raises ModelNotFound, InvalidRequest, UnsupportedParameter.
    """
    asked = asked_of(launch)
    if registered is None:
        return plan(named(launch.model_name, launch.model_type, own), asked, machine)
    if launch.model_type not in (None, registered.type):
        raise ModelNotFound(
            f"'{registered.name}' is registered as a model of type {registered.type}, not {launch.model_type}",
            param="model_type",
        )
    if launch.hub is None and not any(one.on(asked.hub) for one in registered.specs):
        asked = replace(asked, hub=None)  # the preferred hub is no reason to refuse what is registered on another
    return plan(Named(registered, registered.specs), asked, machine)


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


def with_file(made: Plan, within_s: float) -> Plan:
    """The plan with its file's name as the listing of its repository has it. Blocks.

    Raises InvalidRequest; and where that cannot be seen, and nothing else says the name, HeadraceError, with the cause.
    """
    if not made.file:
        return made
    place = hub.parse(made.repository)
    if "*" not in made.file:
        seen = peek(place, within_s)
        return made if seen is None else settled(made, seen.files)
    try:
        there = peek_or_why(place, within_s)
    except HeadraceError as error:
        raise type(error)(
            f"{error.message}. What its file of {made.quantization} is called only its listing says: once the hub can "
            "be reached launch it again, or name the file by model_path",
            param="model_name",
        ) from error
    return made if there is None else settled(made, there.files)


def launch_of(launch: Launch, made: Plan) -> Launch:
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
