"""How an answer is made, in one of two ways.

Either llama.cpp's own chat makes the prompt and takes the answer apart. Or the prompt and a grammar are made here:
where the answer has to have a form, where calls must be made, or where the template knows of none.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.chat.tools import NamedChoice
from models.modalities.structure import StructuredOutputs
from models.modalities.tokenize import Request as Tokenize
from models.modalities.tokenize import Tokens
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.grammars import LlamaCppGrammars, Proof
from workers.engines.llama_cpp.load import LoadedGguf
from workers.engines.structured.constraints import Calls, Constrained, held
from workers.engines.text.answers import Splitter
from workers.engines.text.dialects import beginning, template_extras, template_messages
from workers.engines.text.limits import check_beginning, is_long
from workers.engines.text.templating import tool_of, turn_of

_MOST_CHARACTERS = 1 << 20
"""Characters of a text to tokenize: llama.cpp's server has one thread, and other requests wait for it."""
_MOST_NAMED = 1 << 17
"""The same where tokens are wanted by name: their JSON takes the interpreter long to read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One prompt's answers. ``body`` lacks the seed. ``grammar`` is what they are held to, and ``param`` who asked."""

    body: dict[str, Any]
    chats: bool = False
    echo: str | list[int] | None = None
    grammar: str = ""
    param: str = ""
    splitter: Callable[[], Splitter] | None = None


class Planner:
    """Makes the plans for one model."""

    def __init__(self, model: LoadedGguf) -> None:
        self._http = model.http
        self._dialect = model.dialect
        self._context = model.context
        self._native = model.native
        self._spaced = model.spaced
        self._forms = LlamaCppGrammars()
        self._proof = Proof()

    def at_once(self, request: chat.Request) -> Plan | None:
        """The plan, where there is nothing to wait for; else ``converse`` has it."""
        return None if is_long(_said(request), self._context) else self._native_plan(request)

    def waits(self, request: completions.Request) -> bool:
        """Whether there is something to wait for: then ``complete`` has the plans."""
        texts = (one for one in request.prompts if isinstance(one, str))
        return request.structured_outputs is not None or any(is_long(one, self._context) for one in texts)

    # ---- in a thread, of which there is one ----

    def converse(self, request: chat.Request) -> Plan:
        """The plan of a conversation's answer. Raises InvalidRequest."""
        check_beginning(_said(request), self._context, self._count, "messages")
        return self._native_plan(request) or self._own_plan(request)

    def complete(self, request: completions.Request, plans: list[Plan]) -> list[Plan]:
        """These plans, whose prompts are none too long, under the form that is asked for. Raises InvalidRequest."""
        for prompt in request.prompts:
            if isinstance(prompt, str):
                check_beginning(prompt, self._context, self._count, "prompt")
        return plans if request.structured_outputs is None else self._formed(request.structured_outputs, plans)

    def close(self) -> None:
        """End the processes."""
        self._forms.close()
        self._proof.close()

    def _native_plan(self, request: chat.Request) -> Plan | None:
        """To have llama.cpp do it all; None where it cannot."""
        options = template_extras(request)
        if request.constraint is not None or (request.callable_tools and not self._reads_calls(request)):
            return None
        messages = None if self._native or self._dialect.taught else template_messages(request, self._dialect)
        return Plan(wire.chat_body(request, options, self._context, messages), chats=True)

    def _own_plan(self, request: chat.Request) -> Plan:
        """A prompt of a conversation, and the grammar of its answer."""
        prompt = self.prompt(request, taught=self._dialect.taught)
        tags, thinking = self._dialect.tags, beginning(request, prompt, self._dialect)
        constraint = request.constraint
        if constraint is not None and constraint.kind == "grammar" and not request.must_call:
            if thinking == "open":
                raise UnsupportedParameter(
                    "this model thinks first: set 'enable_thinking' to false", param=constraint.param
                )
            tags = None
        tools = request.callable_tools
        single = request.parallel_tool_calls is False or isinstance(request.tool_choice, NamedChoice)
        calls = Calls(self._dialect.tools, tools, request.must_call, not single) if tools else None
        found = held(constraint, calls, tags, thinking, {})
        grammar = self._spell(found) if found is not None else ""
        body = wire.held_to(wire.prompt_body(request, prompt, self._context), grammar)
        names = frozenset(tool.function.name for tool in tools)
        must = request.must_call
        splitter = partial(Splitter, tags, thinking, self._dialect.tools, names, single=single, must=must)
        return Plan(body, grammar=grammar, param=found.param if found else "", splitter=splitter)

    def _formed(self, asked: StructuredOutputs, plans: list[Plan]) -> list[Plan]:
        found = held(asked.constraint, None, None, "over", {})
        assert found is not None
        grammar = self._spell(found)
        return [Plan(wire.held_to(one.body, grammar), False, one.echo, grammar, found.param) for one in plans]

    def _count(self, text: str) -> int:
        return len(self._http.ask("/tokenize", {"content": text, "add_special": False})["tokens"])

    def _spell(self, found: Constrained) -> str:
        if self._spaced:
            raise UnsupportedParameter("llama.cpp cannot hold a model with this tokenizer to a form", param=found.param)
        return self._forms.spell(found)

    # ---- in another ----

    def confirm(self, plan: Plan, said: str, *, whole: bool) -> None:
        """Raises InvalidRequest where an answer is not what its grammar derives."""
        self._proof.read(plan.grammar, said, plan.param, whole=whole)

    # ---- in any thread but the event loop's ----

    def prompt(self, request: chat.Request, *, taught: bool | None = None, opens: bool = True) -> str:
        """The prompt that a conversation becomes. ``taught``: the template describes its tools. Blocks."""
        if self._native if taught is None else taught:
            messages, tools = [turn_of(one, one.text) for one in request.messages], request.callable_tools
        else:
            messages, tools = template_messages(request, self._dialect), []
        goes_on = request.continue_final_message
        body = wire.template_body(messages, tools, template_extras(request), opens=opens, goes_on=goes_on)
        return str(self._http.ask("/apply-template", body)["prompt"])

    def tokens_of(self, request: Tokenize) -> Tokens:
        """The tokens that an answer would read. Raises InvalidRequest. Blocks."""
        text, special = request.prompt or "", request.add_special_tokens is not False
        if request.conversation is not None:  # special tokens are added there, too, and taken out of the template
            text, special = self.prompt(request.conversation, opens=request.opens_answer), True
        named = bool(request.return_token_strs)
        most = _MOST_NAMED if named else _MOST_CHARACTERS
        if len(text) > most:
            field = "prompt" if request.conversation is None else "messages"
            raise InvalidRequest(f"this engine tokenizes at most {most} characters of text at once", param=field)
        body = {"content": text, "add_special": special, "parse_special": True, "with_pieces": named}
        found = self._http.ask("/tokenize", body)["tokens"]
        if not named:
            return Tokens(found, None, self._context)
        return Tokens([one["id"] for one in found], [wire.piece(one["piece"]) for one in found], self._context)

    def _reads_calls(self, request: chat.Request) -> bool:
        """Whether llama.cpp does all that is asked: it forces no call at once, and no form of arguments."""
        forced = request.must_call or any(tool.function.strict for tool in request.callable_tools)
        other = request.logprobs or request.continue_final_message or request.ignore_eos
        return self._native and not (forced or other)


def _said(request: chat.Request) -> str:
    """About what the prompt will be made of."""
    said = [text for message in request.messages for text in (message.text, message.thought)]
    said += [call.function.arguments for message in request.messages for call in message.tool_calls or []]
    said += [json.dumps(tool_of(tool)) for tool in request.callable_tools]
    return "".join(said)
