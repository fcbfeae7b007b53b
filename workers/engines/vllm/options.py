"""The options of a launch as vLLM takes them: sorted, converted, adapters found.

Pure, except ``arguments``, ``read`` and ``check_parsers``, which ask vLLM. What a launch may set,
``models.launching.options.vllm`` says.
"""

import json
from argparse import ArgumentTypeError
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.options.base import did_you_mean
from models.launching.options.vllm import SERVING, refuse_unknown, settable

_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_KINDS = frozenset(["text", "image", "audio", "video", "input"])


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A launch's options, sorted: arguments of vLLM's engine, of its serving layer, and Headrace's own."""

    engine: dict[str, Any]
    serving: dict[str, Any] = field(default_factory=dict)
    adapters: dict[str, Path] = field(default_factory=dict)
    memory_bytes: int | None = None
    sleep_after_s: float | None = None


def arguments() -> frozenset[str]:
    """The names of all arguments of the installed vLLM's engine."""
    from dataclasses import fields

    from vllm.engine.arg_utils import AsyncEngineArgs

    return frozenset(field.name for field in fields(AsyncEngineArgs) if not field.name.startswith("_"))


def plan(options: Mapping[str, Any], known: Collection[str], *, trusted: bool) -> LaunchPlan:
    """Sort the options. Raises InvalidRequest with the option at fault; for a misspelt one it names the nearest."""
    own, allowed = refuse_unknown(options, known, trusted=trusted), settable(known)
    serving = {name: value for name, value in options.items() if name in SERVING}
    if serving.get("tool_call_parser"):
        serving.setdefault("enable_auto_tool_choice", True)
    engine = {name: value for name, value in options.items() if name in allowed - SERVING}
    engine.setdefault("max_logprobs", 21)  # one more than may be asked for, see ``wire.chat_body``
    if not trusted:
        engine.setdefault("load_format", "safetensors")
    asked = engine.get("structured_outputs_config") or {}
    if not isinstance(asked, dict):
        raise InvalidRequest("'structured_outputs_config' must be an object", param="structured_outputs_config")
    # llguidance compiles as it goes and gives up at its bounds; others compile all of a schema before the first token.
    structured: dict[str, Any] = {"backend": "guidance"} | asked
    if structured["backend"] in ("guidance", "xgrammar"):
        # Where blanks are allowed between the tokens of JSON, some models write nothing else until they are cut off.
        structured.setdefault("disable_any_whitespace", True)
    engine["structured_outputs_config"] = structured
    adapters = {name: _adapter(name, source) for name, source in own.lora_modules.items()}
    if adapters:
        engine.setdefault("enable_lora", True)
        engine.setdefault("max_loras", min(len(adapters), 8))
        engine.setdefault("max_lora_rank", rank(adapters.values()))
    if own.sleep_after_s is not None:
        engine["enable_sleep_mode"] = True
    return LaunchPlan(engine, serving, adapters, own.memory_bytes, own.sleep_after_s)


def read(engine: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's arguments as vLLM's command line reads them: an object becomes a configuration, and 4k becomes 4000.

    vLLM's constructor does not convert values, and fails with an AttributeError for some. Raises InvalidRequest.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(add_help=False))
    actions = {action.dest: action for action in parser._actions}
    return {name: _read(name, value, actions.get(name)) for name, value in engine.items()}


def _read(name: str, value: Any, action: Any) -> Any:
    if value is None or action is None:
        return value
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise InvalidRequest(f"'{name}' must be true or false", param=name)
        return value
    if action.nargs is None:
        return _converted(name, value, action)
    return [_converted(name, item, action) for item in (value if isinstance(value, list) else [value])]


def _converted(name: str, value: Any, action: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        raise InvalidRequest(f"'{name}' must be an object, not text", param=name)  # only objects are checked for CODE
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        converted = action.type(text) if action.type else text
    except (ArgumentTypeError, ValueError, TypeError) as error:
        raise InvalidRequest(f"'{name}' cannot be {text[:100]}: {error}", param=name) from error
    if action.choices and converted not in action.choices:
        known = [str(choice) for choice in action.choices if choice is not None]
        raise InvalidRequest(f"'{name}' cannot be '{text[:100]}', only {', '.join(known)}", param=name)
    return converted


def check_parsers(plan: LaunchPlan) -> None:
    """Raises InvalidRequest for parsers that vLLM does not have: it would report them as an internal error."""
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager

    structured = plan.engine["structured_outputs_config"]
    for name, asked, manager in (
        ("tool_call_parser", plan.serving.get("tool_call_parser"), ToolParserManager),
        ("reasoning_parser", plan.engine.get("reasoning_parser"), ReasoningParserManager),
        ("structured_outputs_config", structured.get("reasoning_parser"), ReasoningParserManager),
    ):
        known = manager.list_registered()
        if isinstance(asked, str) and asked and asked not in known and "reasoning_parser_plugin" not in plan.engine:
            raise InvalidRequest(f"vLLM has no parser '{asked}'{did_you_mean(asked, known)}", param=name)


def _adapter(name: str, source: str) -> Path:
    """The folder of a LoRA adapter. Raises InvalidRequest.

    It may not have the name of a kind of media: vLLM would use such an adapter without being asked.
    """
    if name in _KINDS or "/" in name or not name:
        raise InvalidRequest(f"'{name}' cannot be the name of an adapter", param="lora_modules")
    parsed = hub.parse(source)
    if parsed.kind not in ("path", "package"):
        raise InvalidRequest("an adapter is a path, or in a package", param="lora_modules")
    path = hub.fetch(parsed, Path(), lambda stage, fraction: None)
    if not (path / "adapter_config.json").is_file() or not (path / "adapter_model.safetensors").is_file():
        raise InvalidRequest(
            f"{path} holds no adapter_config.json with adapter_model.safetensors", param="lora_modules"
        )
    return path


def rank(adapters: Collection[Path]) -> int:
    """The lowest rank that vLLM can be set to and that is enough for these adapters. Raises InvalidRequest."""
    largest = 1
    for path in adapters:
        try:
            largest = max(largest, int(json.loads((path / "adapter_config.json").read_bytes())["r"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(f"{path}: adapter_config.json names no rank", param="lora_modules") from error
    for possible in _RANKS:
        if largest <= possible:
            return possible
    raise InvalidRequest(f"a LoRA of rank {largest} is too large for vLLM", param="lora_modules")
