"""What a model is taught whose template knows of no tools."""

from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.launching.chat_templates import REASONING_FORMATS, tags_of
from models.modalities.chat import Request
from workers.engines.text.calls.formats import HERMES
from workers.engines.text.calls.table import CALL_FORMATS, UNREAD, format_of
from workers.engines.text.dialects import Dialect, dialect_of, probed, takes_system, template_messages, template_options

TAKING = {"name": "get", "parameters": {"type": "object", "properties": {"city": {}}}}
BARE: list[dict[str, Any]] = [
    {"name": "now"},
    {"name": "now", "parameters": {}},
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
ANY = {"name": "any", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("functions", "argument", "none"),
    [([TAKING], True, False), ([ANY], True, False), ([TAKING, BARE[0]], True, True)]
    + [([one], False, True) for one in BARE],
)
def test_arguments_are_taught_for_functions_that_have_parameters(
    functions: list[Any], argument: bool, none: bool
) -> None:
    tools = [{"type": "function", "function": one} for one in functions]
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    [system, _] = template_messages(Request.model_validate(asked), Dialect(HERMES, None, taught=False))
    assert ('{"ARGUMENT": "VALUE"}' in system["content"]) == argument
    assert ('{"name": "NAME", "arguments": {}}' in system["content"]) == none


def asked(**fields: Any) -> Request:
    return Request.model_validate({"model": "m", "messages": [{"role": "user", "content": "hi"}]} | fields)


TOOLS = [{"type": "function", "function": TAKING}]
GLM = "{{ tools }}<tool_call>NAME\n<arg_key>KEY</arg_key>\n<arg_value>VALUE</arg_value>\n</tool_call>"


@pytest.mark.parametrize(
    ("template", "calls", "thoughts"),
    [
        (GLM + "<think></think>", "glm45", "think"),
        ("<tool_call>\n<function=NAME>\n<parameter=KEY>\n", "qwen3_coder", None),
        ("<seed:tool_call><function=NAME><parameter=KEY></seed:think>", "seed_oss", "seed"),
        ("<minimax:tool_call>\n<invoke name=", "minimax_m2", None),
        (
            "<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>function<\uff5ctool▁sep\uff5c>\n```json</think>",
            "deepseek_v3",
            "deepseek_r1",
        ),
        ("<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>x<\uff5ctool▁sep\uff5c>", "deepseek_v31", None),
        ("{%- set dsml = '\uff5cDSML\uff5c' %}", "deepseek_v32", None),
        ("<|tool_calls_section_begin|><|tool_call_argument_begin|></think>", "kimi_k2", "kimi_k2"),
        ("<|channel|>analysis<|message|><|channel|>commentary to=functions.", "openai", "harmony"),
        ("respond with <|tool_call|> followed by a JSON list. Here is my thought process:", "granite", "granite"),
        ("'tools' in message %}<|tool|>{{ message['tools'] }}<|/tool|>", "phi4_mini_json", None),
        ("<tool_calls>\n</think>\n<answer><think>", "jamba", "hunyuan"),
        ("<TOOLCALL>[", "nemotron_json", None),
        ("<|START_ACTION|><|START_THINKING|>", "cohere_command3", "cohere"),
        ("Write 'Action:' followed by ```json with tool_name", "command_r", None),
        ("<|tools_prefix|><|inner_prefix|>", "apertus", "apertus"),
        ("<|tool_call>call:<|channel>", "gemma4", "gemma4"),
        ("<start_function_call>call:", "functiongemma", None),
        ("<|tool_call_start|>[", "lfm2", None),
        ("<function_calls>", "olmo3", None),
        ("in the format [func_name1(params_name1=params_value1)]", "pythonic", None),
        ('[{"name": "tool_call_name", "arguments": {}}]', "xlam", None),
        ("<longcat_tool_call>", "longcat", None),
        ("<tool_call>{{ tools }}<think></think><response>", "hermes", "ernie"),
        ("[TOOL_CALLS][ARGS]", "mistral_args", None),
        *((mark, None, None) for mark in UNREAD.values()),
    ],
)
def test_a_template_shows_how_its_model_writes(template: str, calls: str | None, thoughts: str | None) -> None:
    assert format_of(template) == (CALL_FORMATS[calls] if calls else None)
    assert tags_of(template) == (REASONING_FORMATS[thoughts] if thoughts else None)


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "required"},
        {"tools": [{"type": "function", "function": TAKING | {"strict": True}}]},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_where_a_grammar_is_followed_a_format_is_taught_that_can_be_written(fields: dict[str, Any]) -> None:
    dialect = dialect_of(GLM)
    free, held = asked(tools=TOOLS), asked(**{"tools": TOOLS} | fields)

    assert template_options(free, dialect)["tools"] is not None
    assert len(template_messages(free, dialect)) == 1
    assert template_options(held, dialect)["tools"] is None
    assert "<tool_call>" in template_messages(held, dialect)[0]["content"]
    assert dialect.under(held).written == HERMES


def test_a_template_that_looks_for_tools_in_the_system_turn_finds_them() -> None:
    dialect = dialect_of("'tools' in message %}<|tool|>{{ message['tools'] }}<|/tool|>")
    [system, _] = template_messages(asked(tools=TOOLS), dialect)

    assert '"name": "get"' in system["tools"]
    assert "tools" not in template_messages(asked(), dialect)[0]


@pytest.mark.parametrize(
    ("template", "ids"),
    [
        ("{{ tools }}<|tool_call_argument_begin|>", ["functions.get:0", "functions.go:1"]),
        ("{{ tools }}[TOOL_CALLS]{% if id|length != 9 %}", ["000000000", "000000001"]),
        (GLM, ["call_a", "call_b"]),
    ],
)
def test_calls_have_the_ids_that_a_template_wants(template: str, ids: list[str]) -> None:
    calls = [
        {"id": f"call_{one}", "function": {"name": name, "arguments": "{}"}}
        for one, name in (("a", "get"), ("b", "go"))
    ]
    results = [{"role": "tool", "tool_call_id": f"call_{one}", "content": one} for one in "ab"]
    turns: list[Any] = [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": calls}, *results]
    [_, turn, *told] = template_messages(asked(messages=turns), dialect_of(template))

    assert [call["id"] for call in turn["tool_calls"]] == ids
    assert [one["tool_call_id"] for one in told] == ids


def test_where_the_system_has_no_turn_the_user_is_told_of_tools() -> None:
    def refuses(messages: list[dict[str, Any]]) -> str:
        if messages[0]["role"] == "system":
            raise ValueError("System role not supported")
        return str(messages)

    def drops(messages: list[dict[str, Any]]) -> str:
        return str([one for one in messages if one["role"] != "system"])

    assert not takes_system(refuses)
    assert not takes_system(drops)
    assert takes_system(str)
    assert takes_system(lambda messages: "it shows parts alone")
    [user] = template_messages(asked(tools=TOOLS), Dialect(HERMES, None, taught=False, system=False))
    assert user["role"] == "user"
    assert user["content"].startswith("You can call these functions:")
    assert user["content"].endswith("\nhi")


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("{{ tools }}{{ '```json' + call.function.arguments }}", True),
        ("{{ tools }}{{ call.function.arguments | tojson }}", False),
        ("{{ tools }}{% for name, value in call.function.arguments.items() %}{{ name }}{% endfor %}", False),
        ("{{ tools }}{{ raise_exception('no calls') }}", False),
    ],
)
def test_arguments_are_given_as_a_template_takes_them(template: str, texts: bool) -> None:
    each = "{% for turn in messages %}{% for call in turn.tool_calls or [] %}" + template + "{% endfor %}{% endfor %}"
    compiled = ImmutableSandboxedEnvironment().from_string(each)
    dialect = probed(dialect_of(each, "deepseek_v3"), lambda messages: compiled.render(messages=messages))
    called = {"id": "c", "function": {"name": "get", "arguments": '{"city": "Rome"}'}}
    turns: list[Any] = [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [called]}]
    [_, turn] = template_messages(asked(messages=turns), dialect)

    assert dialect.texts == texts
    assert turn["tool_calls"][0]["function"]["arguments"] == ('{"city": "Rome"}' if texts else {"city": "Rome"})


def test_a_template_is_given_the_thoughts_before_a_call_under_its_own_name() -> None:
    dialect = dialect_of("{{ tools }}{{ message.thinking }}<|channel|>analysis<|channel|>commentary to=functions.")
    called = {"id": "c", "function": {"name": "get", "arguments": "{}"}}
    thought = {"role": "assistant", "reasoning_content": "Hm.", "tool_calls": [called]}
    for turn, given in ((thought, "Hm."), (thought | {"content": "So."}, None)):
        turns: list[Any] = [{"role": "user", "content": "hi"}, turn]
        assert template_messages(asked(messages=turns), dialect)[1].get("thinking") == given
