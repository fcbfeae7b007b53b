"""Chat templates in a process of their own (``api.routes.templates.asking``): what they write, and may not do."""

import time
from typing import Any

import pytest
from transformers.utils.chat_template_utils import _compile_jinja_template

from api.routes.templates.asking import WITHIN_S, rendered
from api.routes.templates.rendering import CPU_S, MOST_TEXT

MESSAGES = [{"role": "user", "content": "<a> & 水"}, {"role": "assistant", "content": "b"}]
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
GIVEN: dict[str, Any] = {"messages": MESSAGES, "tools": TOOLS, "enable_thinking": False, "bos_token": "<s>"}

TEMPLATES = [
    "{{ bos_token }}{% for m in messages %}\n  {% if m.role == 'user' %}\n"
    "<u>{{ m['content'] }}</u>\n  {% endif %}\n{% endfor %}",
    "{{ tools | tojson }}{{ tools | tojson(indent=2) }}{{ tools[0].function | tojson(separators=(',', ':')) }}",
    "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
    "{% if ns.n > 1 %}{% break %}{% endif %}{% endfor %}{{ ns.n }}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}{{ missing }}",
    "{{ dict(a=1) }}{{ messages | map(attribute='role') | join(',') }}{{ 'off' if not enable_thinking }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_is_rendered_as_the_engines_do(template: str) -> None:
    text, fault = rendered(template, GIVEN)
    assert fault is None
    assert text == _compile_jinja_template(template).render(**GIVEN)


@pytest.mark.parametrize(
    ("template", "kind", "line", "said"),
    [
        ("a\n{% for m in messages %}\n{{ m }", "syntax", 3, "unexpected"),
        ("a\n{% if %}", "syntax", 2, "Expected an expression"),
        ("\n\n{{ raise_exception('roles must alternate') }}", "failed", 3, "roles must alternate"),
        ("a\n{{ messages[0].content.nothing.more }}", "failed", 2, "no attribute 'nothing'"),
        ("{% macro f(x) %}\n\n{{ 1 // x }}{% endmacro %}\n{{ f(0) }}", "failed", 3, "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(template: str, kind: str, line: int, said: str) -> None:
    text, fault = rendered(template, GIVEN)
    assert text is None
    assert fault is not None
    assert (fault["kind"], fault["line"]) == (kind, line)
    assert said in fault["message"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ dict.__init__.__globals__ }}",
        "{{ raise_exception.__globals__['sys'] }}",
        "{{ namespace(__class__=1) }}",
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns }}",
        "{{ self.__init__.__globals__ }}",
        "{{ ('%s' | attr('__class__')).mro }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{% include '/etc/passwd' %}",
        "{{ strftime_now('%Y' * 100000000) }}",
    ],
)
def test_it_gets_out_of_no_sandbox(template: str) -> None:
    text, fault = rendered(template, GIVEN)
    assert fault is not None or not text, text


@pytest.mark.parametrize(
    ("template", "kinds"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", {"too_slow"}),
        ("{{ 9 ** (9 ** 9) }}", {"too_slow"}),
        ("{% set a = 'x' * 2000000000 %}", {"too_large"}),
        ("{{ 'x' * 300000 }}", {"too_long"}),
        ("{% for a in range(99999) %}aaaaaaaaaa{% endfor %}", {"too_long"}),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {"failed"}),
        ("{{ '%999999999d' % 1 }}", {"too_large", "too_long", "failed"}),
        (
            "{% set ns = namespace(a='x') %}{% for i in range(99999) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
            {"too_large"},
        ),
        ("(" * 60000, set()),
        ("{{ " + "(" * 60000 + " }}", {"failed", "syntax"}),
        ("{{ " + "-" * 60000 + "1 }}", {"failed", "syntax", "too_large"}),
    ],
)
def test_it_is_bounded(template: str, kinds: set[str]) -> None:
    began = time.monotonic()
    text, fault = rendered(template, GIVEN)
    assert time.monotonic() - began < WITHIN_S + 2
    assert fault["kind"] in kinds if fault else not kinds, (fault, (text or "")[:80])


def test_half_a_sign_is_none() -> None:
    text, fault = rendered("{{ '\\ud800a' }}{{ messages[0] }}", {"messages": ["\ud800"]})
    assert fault is None
    assert text is not None
    assert text.encode()
    _, fault = rendered("{{ raise_exception('\\ud800') }}", {})
    assert fault is not None
    assert fault["message"].encode()


def test_what_it_may_write_is_what_it_can() -> None:
    text, fault = rendered("{{ 'x' * most }}", {"most": MOST_TEXT})
    assert (fault, len(text or "")) == (None, MOST_TEXT)
    assert CPU_S < WITHIN_S
