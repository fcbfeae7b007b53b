"""The commands that talk to a running Headrace: launch, list, terminate, chat, generate, with Xinference's options."""

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.launch_flags import FIELDS, LaunchCommand, refuse_misspelt, value_of
from api.cli.paths import whole
from models.engines import FACTS, MODEL_TYPES
from models.errors import InvalidRequest, ModelFailed, ModelNotFound

if TYPE_CHECKING:
    from api.client import Client, LaunchProgress

Endpoint = Annotated[str, typer.Option("-e", "--endpoint", envvar="HEADRACE_ENDPOINT", help="Where Headrace listens.")]
ApiKey = Annotated[
    str,
    typer.Option("-ak", "--api-key", envvar=["HEADRACE_API_KEY", "HEADRACE_ADMIN_KEY"], help="The key to present."),
]
AdminKey = Annotated[
    str,
    typer.Option(
        "-ak", "--api-key", envvar=["HEADRACE_ADMIN_KEY", "HEADRACE_API_KEY"], help="An administrator's key to present."
    ),
]
Uid = Annotated[str, typer.Option("-u", "--model-uid", help="The model's uid.")]
Text = str | None
Size = Annotated[Text, typer.Option("-s", "--size-in-billions", "--model-size-in-billions", help="Its size: 7, 0.5.")]
Format = Annotated[Text, typer.Option("-f", "--model-format", help="ggufv2, pytorch, …")]
Quantization = Annotated[Text, typer.Option("-q", "--quantization", help="Q4_1, none, …")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", "--max_tokens", min=1, help="Longest answer.")]
Temperature = Annotated[float | None, typer.Option("--temperature", min=0, max=2)]
Stream = Annotated[str, typer.Option("--stream", help="Print an answer as it comes, true, or at its end, false.")]

DEFAULT_ENDPOINT = "http://127.0.0.1:9997"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(cls=LaunchCommand, context_settings=settings)(launch)
    app.command(name="list")(list_models)
    app.command()(registrations)
    app.command()(terminate)
    app.command()(logs)
    app.command()(chat)
    app.command()(generate)


def launch(
    context: typer.Context,
    model_name: Annotated[str, typer.Option("-n", "--model-name", help="Name in the catalogue, or your own.")],
    model_uid: Annotated[Text, typer.Option("-u", "--model-uid", help="Uid to call it by; else its name.")] = None,
    model_type: Annotated[
        Text,
        typer.Option("-t", "--model-type", help=f"{', '.join(MODEL_TYPES)}; else what its files and its engine say."),
    ] = None,
    model_engine: Annotated[
        Text, typer.Option("-en", "--model-engine", help=f"{', '.join(FACTS)}; else the best that fits.")
    ] = None,
    model_format: Format = None,
    quantization: Quantization = None,
    size: Size = None,
    replica: Annotated[int, typer.Option("-r", "--replica", min=1, help="How many copies to keep.")] = 1,
    n_gpu: Annotated[str, typer.Option("--n-gpu", help="GPUs a copy: a number, auto, or None for the CPU.")] = "auto",
    gpu_idx: Annotated[Text, typer.Option("--gpu-idx", help="The GPUs of a copy, by their indices: 0,1.")] = None,
    model_path: Annotated[
        Text, typer.Option("-mp", "--model-path", help="Weights: a path, hf:…, modelscope:… or pkg:….")
    ] = None,
    node: Annotated[Text, typer.Option("--node", "--worker-ip", help="The node on which it is to run.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it is ready.")] = True,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Launch a model. Any further --key value is an option of its engine: headrace engine --options ENGINE lists them.

    --lora-modules NAME PATH adds an adapter (vllm, diffusers), -qc KEY VALUE a part of vllm's --quantization-config,
    --env NAME VALUE an environment variable of its processes.
    """
    body = {
        "model_uid": model_uid,
        "model_name": model_name,
        "model_type": model_type,
        "model_engine": model_engine,
        "model_format": model_format,
        "quantization": quantization,
        "model_size_in_billions": size,
        "model_path": None if model_path is None else whole(model_path),
        "n_gpu": int(n_gpu) if re.fullmatch("[0-9]{1,9}", n_gpu) else n_gpu,
        "gpu_idx": _indices(gpu_idx),
        "replica": replica,
        "node": node,
    }
    with connect(endpoint, api_key) as client:
        uid = client.launch(body | _further(context), lambda text: typer.echo(text, err=True))
        if wait:
            _wait(client, uid)
    typer.echo(uid)


def _further(context: typer.Context) -> dict[str, Any]:
    """The fields of a launch in all further flags. What of them waits for others is said."""
    adapters, rest = lora_modules(context.args)
    given = dict(context.meta[FIELDS])
    if given.get("pinned") is True and "keep_alive" in given:
        typer.echo("a pinned model stays loaded: its keep-alive counts once it is not pinned any more", err=True)
    adapters |= given.pop("peft_model_config", {})
    options = engine_options(rest)
    refuse_misspelt(options)
    return given | ({"peft_model_config": adapters} if adapters else {}) | options


def list_models(endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: ApiKey = "") -> None:
    """List the models that were launched, and the devices with what works on them."""
    from api.local.listing import described, lines_of

    columns = ("id", "model_type", "model_name", "model_engine", "model_format", "quantization", "replica", "state")
    titles = ("uid", "type", "name", "engine", "format", "quantization", "replicas", "state")
    with connect(endpoint, api_key) as client:
        models = client.models()
        reasons = [line for model in models for line in _add_devices(client, model)]
        print_table((*columns, "devices"), models, (*titles, "devices"))
        typer.echo("\n".join(lines_of(reasons)), nl=bool(reasons))
        devices = client.all_devices()
    typer.echo("\n".join(["", *described(devices)]))


def registrations(
    name: Annotated[str, typer.Argument(help="A part of the names to list; case and punctuation do not count.")] = "",
    model_type: Annotated[Text, typer.Option("-t", "--type", "--model-type", help=f"{', '.join(MODEL_TYPES)}.")] = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """List the models that a launch may name: what they can do, their sizes and formats, and the engines for them.

    On a terminal a line is cut at its width.
    """
    from models.catalogue.names import folded

    columns = ("model_type", "model_name", "model_ability", "sizes", "formats", "engines")
    with connect(endpoint, api_key) as client:
        types = [model_type] if model_type else list(MODEL_TYPES)
        listed = [_registration(one) for each in types for one in client.registrations(each)]
    wanted = folded(name)
    found = [one for one in listed if any(wanted in folded(each) for each in (one["model_name"], *_aliases(one)))]
    if not found:
        raise ModelNotFound(f"no name has '{name[:100]}' in it", param="model_name")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print_table(columns, found, ("type", "name", "abilities", "billions", "formats", "engines"), width=width)


def _aliases(entry: dict[str, Any]) -> list[str]:
    return [str(one) for one in entry.get("aliases") or ()]


def _registration(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the catalogue as a row: its weights by their sizes and formats."""
    specs = entry.get("model_specs", [])
    sizes = dict.fromkeys(f"{one['model_size_in_billions']:g}" for one in specs if one.get("model_size_in_billions"))
    found = {
        "model_ability": entry.get("model_ability", []),
        "sizes": sizes,
        "formats": dict.fromkeys(one["model_format"] for one in specs),
        "engines": entry.get("engines", []),
    }
    return entry | {name: ",".join(values) or None for name, values in found.items()}


def _add_devices(client: "Client", model: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Add the devices that a model is on; its uid and why it is not ready, where that is known, and what follows."""
    from api.local.listing import of_replicas

    try:
        replicas = client.replicas(str(model["id"]))
    except ModelNotFound:  # it was terminated in this moment
        return []
    devices, reasons = of_replicas(replicas)
    model["devices"] = devices or None
    return [(str(model["id"]), *one) for one in reasons]


def print_table(
    columns: Sequence[str],
    items: Iterable[dict[str, Any]],
    titles: Sequence[str] | None = None,
    *,
    width: int | None = None,
) -> None:
    """Print a row for each item, under the columns' titles. ``width``: lines are cut there."""
    rows = [tuple(titles or columns), *(tuple(_cell(item.get(name)) for name in columns) for item in items)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    for row in rows:
        line = "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        typer.echo(line if width is None or len(line) <= width else f"{line[: width - 1]}…")


def terminate(model_uid: Uid, endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: AdminKey = "") -> None:
    """Unload a model and forget it."""
    with connect(endpoint, api_key) as client:
        done = client.terminate(model_uid)
    typer.echo(f"terminated {model_uid}")
    if done["message"]:
        typer.echo(done["message"], err=True)


def logs(
    model_uid: Uid,
    lines: Annotated[int, typer.Option("-l", "--lines", min=1, max=1000, help="How many of the last ones.")] = 200,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with those that come.")] = False,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Show what the runners of a model wrote, also of one that could not be loaded."""
    with connect(endpoint, api_key) as client:
        for line in client.logs(model_uid, lines, follow=follow):
            typer.echo(line)


def chat(
    model_uid: Uid,
    system: Annotated[str, typer.Option("--system", help="The system message.")] = "",
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    stream: Stream = "true",
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """Talk to a model. Ctrl-C stops an answer, Ctrl-D leaves."""
    from api.cli.chat import converse

    with connect(endpoint, api_key) as client:
        converse(client, model_uid, system, _sampling(max_tokens, temperature), stream=_yes(stream))


def generate(
    model_uid: Uid,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    stream: Stream = "true",
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """Have a model go on from a text. Ctrl-C stops it, Ctrl-D leaves."""
    from api.cli.chat import continue_texts

    with connect(endpoint, api_key) as client:
        continue_texts(client, model_uid, _sampling(max_tokens, temperature), stream=_yes(stream))


def _sampling(max_tokens: int | None, temperature: float | None) -> dict[str, Any]:
    options = {"max_tokens": max_tokens, "temperature": temperature}
    return {name: value for name, value in options.items() if value is not None}


def _yes(text: str) -> bool:
    """The value of ``--stream``. Raises InvalidRequest."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"--stream {text}: give true or false", param="stream")
    return text.lower() in ("true", "1")


def lora_modules(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The adapters in ``--lora-modules NAME PATH``, as a launch's ``peft_model_config``, and the other arguments.

    ``--lora-modules`` with a JSON object is an option of the engine.
    """
    rest, listed = list(arguments), []
    for flag in ("--lora-modules", "--lora_modules", "-lm"):
        while flag in rest and not _object_follows(rest, rest.index(flag)):
            at = rest.index(flag)
            if len(rest) < at + 3:
                raise InvalidRequest(f"{flag}: give a name and a path", param="lora_modules")
            _, name, path = rest[at : at + 3]
            listed.append({"lora_name": name, "local_path": whole(path)})
            del rest[at : at + 3]
    return ({"lora_list": listed} if listed else {}), rest


def _object_follows(words: Sequence[str], at: int) -> bool:
    return len(words) > at + 1 and words[at + 1].startswith("{")


def engine_options(arguments: list[str]) -> dict[str, Any]:
    """The options in ``--key value``, ``--key=value`` and a bare ``--key`` (true). Raises InvalidRequest otherwise.

    A value that is JSON is decoded: numbers, booleans and objects need no further quoting; ``1,2`` is a list.
    """
    options: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise InvalidRequest(f"unexpected argument {word!r}: engine options are --key value")
        key, has_value, text = word[2:].partition("=")
        if not has_value:
            text = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        options[key.replace("-", "_")] = value_of(text)
    return options


def _indices(text: str | None) -> list[int] | None:
    """Numbers in a list such as ``0,1``. Raises InvalidRequest."""
    if text is None:
        return None
    try:
        return [int(one) for one in text.split(",")]
    except ValueError:
        raise InvalidRequest(f"--gpu-idx {text}: give indices of GPUs, such as 0,1", param="gpu_idx") from None


def _wait(client: "Client", uid: str) -> None:
    """Show a launch's progress, and why it waits, until the model is ready."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    start, end = TextColumn("{task.description:<12}"), TextColumn("{task.fields[download]}")
    columns = (start, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), end)
    # On stderr, as stdout has the uid alone. Without a terminal no bar is drawn.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("pending", total=1.0, download="")
        said = ""

        def show(now: "LaunchProgress") -> None:
            nonlocal said
            bar.update(task, completed=now.fraction, description=now.stage, download=now.download)
            if now.reason and now.reason != said:
                said = now.reason
                console.print(f"{now.stage}: {now.reason}", markup=False, soft_wrap=True)

        try:
            client.wait_ready(uid, show)
        except ModelFailed as error:
            known = bool(said) and said in error.message  # it stands above
            what = f"the model '{uid}' could not be loaded" if known else error.message
            raise ModelFailed(f"{what} (more: headrace logs -u {uid})") from error


def connect(endpoint: str, api_key: str) -> "Client":
    """A client of this endpoint, which may lack its scheme. ``api_key`` may be a list; its first key is presented."""
    from api.client import Client

    if "://" not in endpoint:
        endpoint = f"http://{endpoint}"
    return Client(endpoint, api_key.partition(",")[0].strip())  # the variable may hold the server's whole list


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
