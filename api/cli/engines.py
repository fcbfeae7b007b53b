"""``headrace engine``: which engine can run which weights of a model here, and what a launch may set of an engine."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import models
from api.cli.models import DEFAULT_ENDPOINT, ApiKey, Endpoint, Format, Quantization, Size, Text, connect, print_table
from models.engines import FACTS, MODEL_TYPES, EngineFacts, ModelType, engine_named
from models.errors import InvalidRequest

_COLUMNS = ("engine", "model_format", "size", "quantization", "gib", "where", "reason")
_TITLES = ("engine", "format", "billions", "quantization", "GiB", "runs on", "why")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    group = typer.Typer(invoke_without_command=True, subcommand_metavar="[COMMAND]")
    group.callback()(engine)
    group.command()(install)
    app.add_typer(group, name="engine")


def engine(
    context: typer.Context,
    model_name: Annotated[
        Text, typer.Option("-n", "--model-name", "--model_name", help="Name in the catalogue.")
    ] = None,
    model_type: Annotated[Text, typer.Option("-t", "--type", "--model-type", help=f"{', '.join(MODEL_TYPES)}.")] = None,
    model_engine: Annotated[Text, typer.Option("-en", "--model-engine", help="Of this engine alone.")] = None,
    size: Size = None,
    model_format: Format = None,
    quantization: Quantization = None,
    options: Annotated[
        Text, typer.Option("--options", help=f"Show what a launch may set of an engine: {', '.join(FACTS)}.")
    ] = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """Show which engines can run a model here, in which formats, sizes and quantisations, and why others cannot.

    What runs comes first. What weights need is computed from their parameters: no hub is asked.
    """
    if context.invoked_subcommand is not None:
        return
    if options is not None:
        typer.echo("\n".join(option_lines(_engine(options), _type(_engine(options), model_type))))
        return
    if model_name is None:
        raise InvalidRequest("give --model-name, or --options ENGINE", param="model_name")
    chosen = {
        "engine": _engine(model_engine).name if model_engine else None,
        "model_format": model_format.lower() if model_format else None,
        "quantization": quantization.lower() if quantization else None,
        "size": size.lower().removesuffix("b").replace("_", ".") if size else None,
    }
    with connect(endpoint, api_key) as client:
        answer = client.engines_for(model_name, model_type)
    rows = [one for one in map(_row, answer["data"]) if _wanted(one, chosen)]
    if not rows:
        raise InvalidRequest(f"'{answer['model_name']}' does not come so: leave out some of the options")
    print_table(_COLUMNS, sorted(rows, key=lambda one: not one["runs"]), _TITLES)


def install(
    name: Annotated[str, typer.Argument(metavar="ENGINE", help="vllm or piper")],
    force: Annotated[bool, typer.Option("--force", help="replace one that models run out of, all the same")] = False,
) -> None:
    """Build the environment of an engine that lives in its own, from its lock; the one that is there stays until then.

    It is taken once the engine can be imported in it. Models on that engine must be terminated before.
    """
    facts, root = _engine(name), Path(models.__file__).parents[1]
    if not facts.own_environment:
        raise InvalidRequest(
            f"the engine {facts.name} has no environment of its own: it comes with headrace[{facts.extra or 'cpu'}]"
        )
    if not (root / "deploy" / "environments.py").is_file():
        raise InvalidRequest(
            "this Headrace was not installed from its source, where the locks are: HEADRACE_INTERPRETERS names the "
            "interpreter of an environment that you made"
        )
    choose = [facts.name] if facts.name == "vllm" else []  # which of its packages suits this machine
    installs = [f"install-{facts.name}", *(["--force"] if force else [])]
    for command in (*([one] for one in choose), installs):
        done = subprocess.run([sys.executable, "-m", "deploy", *command], cwd=root, check=False)
        if done.returncode:
            raise typer.Exit(done.returncode)


def option_lines(facts: EngineFacts, model_type: ModelType | None = None) -> list[str]:
    """What a launch may set of an engine, an option a paragraph: its name, values and default, and what it is."""
    from models.launching.options.schemas import schema_of

    properties: Mapping[str, Mapping[str, Any]] = schema_of(facts, model_type)["properties"]
    lines: list[str] = []
    for name, one in properties.items():
        default = one.get("default")
        shown = (
            ""
            if default in (None, {}, [], "")
            else f" [{str(default).lower() if default in (True, False) else default}]"
        )
        lines += [f"--{name.replace('_', '-')} {_values(one)}{shown}", f"    {one['description']}"]
    return lines


def _values(one: Mapping[str, Any]) -> str:
    """The values of an option in words: its type, its choices or its bounds."""
    if "enum" in one:
        return "|".join(str(value) for value in one["enum"] if value is not None)
    if "anyOf" in one:
        return " or ".join(_values(part) for part in one["anyOf"] if part.get("type") != "null")
    types = one.get("type", "any")
    named = "|".join(part for part in types if part != "null") if isinstance(types, list) else str(types)
    least = one.get("minimum", one.get("exclusiveMinimum"))
    most = one.get("maximum", one.get("exclusiveMaximum"))
    if least is None and most is None:
        return named
    return f"{named} {'' if least is None else f'{least:,}'}..{'' if most is None else f'{most:,}'}"


def _engine(name: str) -> EngineFacts:
    found = engine_named(name)
    if found is None:
        raise InvalidRequest(f"there is no engine '{name}'; there are {', '.join(sorted(FACTS))}", param="engine")
    return found


def _type(facts: EngineFacts, text: str | None) -> ModelType | None:
    found = next((one for one in MODEL_TYPES if text and one.lower() == text.lower()), None)
    if text and found not in facts.serves:
        raise InvalidRequest(f"the engine {facts.name} serves models of type {' and '.join(facts.model_types)}")
    return found


def _row(way: dict[str, Any]) -> dict[str, Any]:
    size, needs = way["model_size_in_billions"], way.get("needs")
    gib = None if needs is None else f"{needs['total_bytes'] / (1 << 30):.1f}"
    where = " + ".join(way["devices"]) or None
    return way | {"size": None if size is None else f"{size:g}", "gib": gib, "where": where}


def _wanted(row: Mapping[str, Any], chosen: Mapping[str, str | None]) -> bool:
    """Whether a way is of those that were asked for."""
    return all(value is None or str(row[name]).lower() == value for name, value in chosen.items())
