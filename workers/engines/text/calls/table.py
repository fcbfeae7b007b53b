"""The ways in which models write tool calls, and how the way is found in a chat template. Pure.

The names are those of vLLM's parsers, where one of them reads the same.
"""

from collections.abc import Sequence
from dataclasses import replace

from workers.engines.text.calls.formats import (
    HERMES,
    LLAMA3,
    MISTRAL,
    MISTRAL_ARGS,
    PYTHON_TAG,
    TOOL_FORMATS,
    BraceFormat,
    CallFormat,
    ElementFormat,
    NamedFormat,
    PythonFormat,
    ToolFormat,
)

_FUNCTION = ElementFormat(
    "qwen3_coder",
    triggers=("<function=",),
    name_ends=(">",),
    key_begins=("<parameter=",),
    key_ends=(">",),
    value_ends=("</parameter>",),
    ends=("</function>",),
    wraps=("<tool_call>",),
    closings=("</tool_call>",),
    lines=True,
)


def _invoke(
    name: str, wraps: Sequence[str], prefixes: Sequence[str] = ("",), closings: Sequence[str] = ()
) -> ElementFormat:
    """Calls as ``<invoke name="…"><parameter name="…">…``, with one of these before the names of these tags."""

    def tags(text: str) -> tuple[str, ...]:
        return tuple(text.format(prefix) for prefix in prefixes)

    return ElementFormat(
        name,
        triggers=tags("<{}invoke "),
        name_ends=(">",),
        key_begins=tags("<{}parameter "),
        key_ends=(">",),
        value_ends=tags("</{}parameter>"),
        ends=tags("</{}invoke>"),
        wraps=tuple(wraps),
        closings=tuple(closings) or tuple(one.replace("<", "</") for one in wraps),
    )


def _arguments(name: str, prefix: str = "") -> ElementFormat:
    """Calls whose arguments are ``<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>``."""
    return ElementFormat(
        name,
        triggers=(f"<{prefix}tool_call>",),
        name_ends=(f"<{prefix}tool_sep>", "\n"),
        key_begins=(f"<{prefix}arg_key>",),
        key_ends=(f"</{prefix}arg_key>",),
        value_begins=(f"<{prefix}arg_value>",),
        value_ends=(f"</{prefix}arg_value>",),
        ends=(f"</{prefix}tool_call>",),
        wraps=(f"<{prefix}tool_calls>",),
        closings=(f"</{prefix}tool_calls>",),
    )


_DSML = "\uff5cDSML\uff5c"
_PLAMO = ("<|plamo:", ":plamo|>")

_STEP = "<\uff5ctool_call_begin\uff5c>function<\uff5ctool_sep\uff5c>"

_OWN: tuple[CallFormat, ...] = (
    _FUNCTION,
    replace(_FUNCTION, name="seed_oss", wraps=("<seed:tool_call>",), closings=("</seed:tool_call>",)),
    _arguments("glm45"),
    _arguments("k2_horizon", "ifm|"),
    _invoke("minimax_m2", ["<minimax:tool_call>"]),
    _invoke("dots", ["<dots_function_call>"]),
    _invoke("muse_glimmer", ["<atem:function_calls>"], ["atem:"], ["</atem:function_calls>", "<|eom|>"]),
    _invoke(
        "deepseek_v32",
        [f"<{_DSML}{name}>" for name in ("function_calls", "tool_calls", "toolcalls", "tool", " calls")],
        [_DSML, f"{_DSML} "],
    ),
    _invoke(
        "step3",
        [f"<\uff5ctool_calls_begin\uff5c>{_STEP}", f"<\uff5ctool_calls_begin\uff5c>\n{_STEP}", _STEP],
        ["steptml:"],
        ["<\uff5ctool_call_end\uff5c>", "<\uff5ctool_calls_end\uff5c>"],
    ),
    ElementFormat(
        "minicpm5",
        triggers=("<function ",),
        name_ends=(">",),
        key_begins=("<param ",),
        key_ends=(">",),
        value_ends=("</param>",),
        ends=("</function>",),
    ),
    ElementFormat(
        "kimi_k3",
        triggers=("<|open|>call ",),
        name_ends=("<|sep|>",),
        key_begins=("<|open|>argument ",),
        key_ends=("<|sep|>",),
        value_ends=("<|close|>argument<|sep|>",),
        ends=("<|close|>call<|sep|>",),
        wraps=("<|open|>tools<|sep|>",),
        closings=("<|close|>tools<|sep|>", "<|close|>message<|sep|>"),
    ),
    NamedFormat(
        "deepseek_v3",
        triggers=("<\uff5ctool▁call▁begin\uff5c>",),
        middles=("\n```json",),
        closings=(
            "\n```<\uff5ctool▁call▁end\uff5c>",
            "```<\uff5ctool▁call▁end\uff5c>",
            "<\uff5ctool▁call▁end\uff5c>",
            "<\uff5ctool▁calls▁end\uff5c>",
        ),
        wraps=("<\uff5ctool▁calls▁begin\uff5c>",),
        prefix="function<\uff5ctool▁sep\uff5c>",
    ),
    NamedFormat(
        "deepseek_v31",
        triggers=("<\uff5ctool▁call▁begin\uff5c>",),
        middles=("<\uff5ctool▁sep\uff5c>",),
        closings=("<\uff5ctool▁call▁end\uff5c>", "<\uff5ctool▁calls▁end\uff5c>"),
        wraps=("<\uff5ctool▁calls▁begin\uff5c>",),
    ),
    NamedFormat(
        "kimi_k2",
        triggers=("<|tool_call_begin|>",),
        middles=("<|tool_call_argument_begin|>",),
        closings=("<|tool_call_end|>", "<|tool_calls_section_end|>"),
        wraps=("<|tool_calls_section_begin|>",),
        prefix="functions.",
        numbered=True,
    ),
    NamedFormat(
        "openai",
        triggers=("<|channel|>commentary to=",),
        middles=("<|message|>",),
        closings=("<|end|>", "<|call|>"),
        prefix="functions.",
    ),
    NamedFormat(
        "plamo3",
        triggers=(f"{_PLAMO[0]}begin_tool_name{_PLAMO[1]}",),
        middles=(f"{_PLAMO[0]}end_tool_name{_PLAMO[1]}",),
        closings=tuple(f"{_PLAMO[0]}end_tool_{name}{_PLAMO[1]}" for name in ("arguments", "request", "requests")),
        wraps=(
            f"{_PLAMO[0]}begin_tool_requests{_PLAMO[1]}{_PLAMO[0]}begin_tool_request{_PLAMO[1]}",
            f"{_PLAMO[0]}begin_tool_request{_PLAMO[1]}",
        ),
        gap=True,
    ),
    ToolFormat("granite", trigger="<|tool_call|>", triggers=("<tool_call>",), listed=True),
    ToolFormat("granite-20b-fc", trigger="<function_call>", listed=True),
    ToolFormat("phi4_mini_json", trigger="functools", triggers=("<|tool_call|>",), end="<|/tool_call|>", listed=True),
    ToolFormat("jamba", trigger="<tool_calls>", end="</tool_calls>", listed=True, several=True),
    ToolFormat("nemotron_json", trigger="<TOOLCALL>", end="</TOOLCALL>", listed=True),
    ToolFormat("longcat", trigger="<longcat_tool_call>", end="</longcat_tool_call>"),
    ToolFormat(
        "internlm",
        trigger="<|action_start|><|plugin|>",
        triggers=("<|action_start|> <|plugin|>",),
        end="<|action_end|>",
    ),
    ToolFormat(
        "cohere_command3",
        trigger="<|START_ACTION|>",
        end="<|END_ACTION|>",
        listed=True,
        keys=("tool_name", ("parameters",)),
    ),
    ToolFormat(
        "command_r",
        trigger="Action: ```json",
        triggers=("Action:```json", "Action:\n```json"),
        end="\n```",
        closings=("```",),
        listed=True,
        keys=("tool_name", ("parameters",)),
    ),
    ToolFormat("apertus", trigger="<|tools_prefix|>", end="<|tools_suffix|>", listed=True, keys=("", ())),
    ToolFormat(
        "gigachat3",
        trigger="function call<|role_sep|>",
        triggers=("<|message_sep|>\n\nfunction call<|role_sep|>", "<|function_call|>"),
        closings=("<|message_sep|>",),
    ),
    ToolFormat(
        "inkling",
        trigger="<|content_invoke_tool_json|>",
        end="<|end_message|>",
        keys=("name", ("args", "arguments")),
    ),
    PythonFormat("lfm2", triggers=("<|tool_call_start|>",), ends=("<|tool_call_end|>",)),
    PythonFormat("olmo3", triggers=("<function_calls>",), ends=("</function_calls>",)),
    PythonFormat("gemma3", triggers=("```tool_code\n",), ends=("```",)),
    PythonFormat("pythonic", openings=("<|python_start|>", PYTHON_TAG), ends=("<|python_end|>",)),
    PythonFormat("xlam"),
    BraceFormat("gemma4", trigger="<|tool_call>", end="<tool_call|>", quote='<|"|>'),
    BraceFormat("functiongemma", trigger="<start_function_call>", end="<end_function_call>", quote="<escape>"),
)

CALL_FORMATS: dict[str, CallFormat] = {one.name: one for one in (*TOOL_FORMATS.values(), *_OWN)}
"""All formats, by their names."""

_MARKERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("openai", ("<|channel|>", "commentary", "to=functions.")),
    ("muse_glimmer", ("atem:invoke",)),
    ("inkling", ("<|content_invoke_tool_json|>",)),
    ("kimi_k3", ("<|open|>", "<|sep|>", "argument")),
    ("kimi_k2", ("<|tool_call_argument_begin|>",)),
    ("plamo3", ("begin_tool_name",)),
    ("gemma4", ("<|tool_call>",)),
    ("functiongemma", ("<start_function_call>",)),
    ("apertus", ("<|tools_prefix|>",)),
    ("cohere_command3", ("<|START_ACTION|>",)),
    ("command_r", ("Action:", "tool_name", "```json")),
    ("deepseek_v32", (_DSML,)),
    ("deepseek_v3", ("<\uff5ctool▁call▁begin\uff5c>", "```json")),
    ("deepseek_v31", ("<\uff5ctool▁call▁begin\uff5c>",)),
    ("step3", ("steptml:invoke",)),
    ("minimax_m2", ("<minimax:tool_call>",)),
    ("dots", ("<dots_function_call>",)),
    ("seed_oss", ("<seed:tool_call>",)),
    ("k2_horizon", ("<ifm|arg_key>",)),
    ("glm45", ("<arg_key>",)),
    ("qwen3_coder", ("<function=", "<parameter=")),
    ("minicpm5", ("<function name=", "<param name=")),
    ("longcat", ("<longcat_tool_call>",)),
    ("internlm", ("<|plugin|>",)),
    ("gigachat3", ("function call<|role_sep|>",)),
    ("nemotron_json", ("<TOOLCALL>",)),
    ("lfm2", ("<|tool_call_start|>",)),
    ("olmo3", ("<function_calls>",)),
    ("phi4_mini_json", ("<|/tool|>",)),
    ("phi4_mini_json", ("functools",)),
    ("granite", ("<|tool_call|>",)),
    ("granite-20b-fc", ("<function_call>",)),
    ("jamba", ("<tool_calls>",)),
    ("mistral_args", (MISTRAL.trigger, MISTRAL_ARGS.middle)),
    ("mistral", (MISTRAL.trigger,)),
    ("xlam", ('"tool_call_name"',)),
    ("pythonic", ("func_name1(",)),
    ("gemma3", ("```tool_code",)),
)
"""What a chat template contains whose model writes calls so; the first that fits counts."""

UNREAD = {
    "minimax_m3": "]<]minimax[>[",
    "hy_v4": "<tool_calls:",
    "hy_v3": "<tool_call:",
}
"""The ways that are not read here, each with what a chat template contains that teaches it."""


def format_of(template: str) -> CallFormat | None:
    """The format that a chat template uses; None: it knows of no tools, or uses a format that is not among these."""
    if any(text in template for text in UNREAD.values()):
        return None
    found = (name for name, texts in _MARKERS if all(text in template for text in texts))
    if (name := next(found, None)) is not None:
        return CALL_FORMATS[name]
    if HERMES.trigger in template:
        return None if "<function=" in template else HERMES
    if '"parameters":' in template and ("ipython" in template or PYTHON_TAG in template):
        return LLAMA3
    return None
