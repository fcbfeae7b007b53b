"""Chat templates for models whose own knows nothing of tools or thoughts, in the way of Hermes and of Qwen 3."""

_SYSTEM = """\
{%- set ns = namespace(system='You are a helpful assistant.') -%}
{%- if messages[0].role == 'system' -%}{%- set ns.system = messages[0].content -%}{%- endif -%}
{{- '<|im_start|>system\\n' + ns.system -}}
{%- if tools -%}
{{- '\\n\\nYou may call these functions:\\n<tools>' -}}
{%- for tool in tools -%}{{- '\\n' -}}{{- tool | tojson -}}{%- endfor -%}
{{- '\\n</tools>\\nA call is written so:\\n<tool_call>\\n{"name": NAME, "arguments": OBJECT}\\n</tool_call>' -}}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
"""
_TURNS = """\
{%- for message in messages if message.role != 'system' -%}
{%- if message.role == 'tool' -%}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.reasoning_content -%}{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' -}}{%- endif -%}
{%- if message.content -%}{{- message.content -}}{%- endif -%}
{%- for call in message.tool_calls or [] -%}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' -}}
{{- call.function.arguments | tojson -}}{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
"""
_BEGIN = "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
_SILENT = """\
{%- if add_generation_prompt and enable_thinking is defined and enable_thinking is false -%}
{{- '<think>\\n\\n</think>\\n\\n' -}}
{%- endif -%}
"""
_LOUD = "{%- if add_generation_prompt -%}{{- '<think>\\n' -}}{%- endif -%}"

TOOLS = _SYSTEM + _TURNS + _BEGIN
"""Knows tools, and turns with thoughts."""
THINKS = TOOLS + _SILENT
"""Its model may think, unless it is told not to."""
THINKS_FIRST = TOOLS + _LOUD
"""Its model always begins by thinking."""
