"""How an answer is made: by llama.cpp's chat, which makes the prompt and takes the answer apart; or from a prompt and

under a grammar of ours, where the answer has to have a form, where calls must be made, or the template knows of none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.errors import UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.chat_tools import NamedChoice
from workers.engines import llama_cpp_wire as wire
from workers.engines.answers import Splitter
from workers.engines.constraints import Calls, Held, held
from workers.engines.dialects import Dialect, beginning, template_extras, turns
from workers.engines.llama_cpp_forms import Forms, Proof
from workers.engines.llama_cpp_load import Http
from workers.engines.templating import turn_of


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
    """For one model. ``native``: its template describes tools, and llama.cpp reads the calls that it asks for."""

    def __init__(self, http: Http, dialect: Dialect, *, native: bool) -> None:
        self._http = http
        self._dialect = dialect
        self._native = native
        self._spaced = _spaced(http)
        self._forms = Forms()
        self._proof = Proof()

    def at_once(self, request: chat.Request) -> Plan | None:
        """The plan, where there is nothing to wait for; else ``converse`` has it."""
        options = template_extras(request)
        if request.constraint is not None or (request.callable_tools and not self._reads_calls(request)):
            return None
        messages = None if self._native or self._dialect.taught else turns(request, self._dialect)
        return Plan(wire.chat_body(request, options, messages), chats=True)

    # ---- in a thread, of which there is one ----

    def converse(self, request: chat.Request) -> Plan:
        """A prompt of a conversation, and the grammar of its answer. Raises InvalidRequest."""
        prompt = self.prompt(request, taught=self._dialect.taught)
        tags, thinking = self._dialect.tags, beginning(request, prompt, self._dialect)
        form = request.constraint
        if form is not None and form.form == "grammar" and not request.must_call:
            if thinking == "open":
                raise UnsupportedParameter("this model thinks first: set 'enable_thinking' to false", param=form.param)
            tags = None
        tools = request.callable_tools
        single = request.parallel_tool_calls is False or isinstance(request.tool_choice, NamedChoice)
        calls = Calls(self._dialect.tools, tools, request.must_call, not single) if tools else None
        found = held(form, calls, tags, thinking, {})
        grammar = self._spell(found) if found is not None else ""
        body = wire.held_to(wire.prompt_body(request, prompt), grammar)
        names = frozenset(tool.function.name for tool in tools)
        splitter = partial(Splitter, tags, thinking, self._dialect.tools, names, single=single)
        return Plan(body, grammar=grammar, param=found.param if found else "", splitter=splitter)

    def form(self, request: completions.Request, plans: list[Plan]) -> list[Plan]:
        """These plans under the grammar that the request asks for. Raises InvalidRequest."""
        assert request.structured_outputs is not None
        found = held(request.structured_outputs.constraint, None, None, "over", {})
        assert found is not None
        grammar = self._spell(found)
        return [Plan(wire.held_to(one.body, grammar), False, one.echo, grammar, found.param) for one in plans]

    def close(self) -> None:
        """End the processes."""
        self._forms.close()
        self._proof.close()

    def _spell(self, found: Held) -> str:
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
            messages, tools = turns(request, self._dialect), []
        goes_on = request.continue_final_message
        body = wire.template_body(messages, tools, template_extras(request), opens=opens, goes_on=goes_on)
        return str(self._http.ask("/apply-template", body)["prompt"])

    def _reads_calls(self, request: chat.Request) -> bool:
        """Whether llama.cpp does all that is asked: it forces no call at once, and no form of arguments."""
        forced = request.must_call or any(tool.function.strict for tool in request.callable_tools)
        other = request.logprobs or request.continue_final_message or request.ignore_eos
        return self._native and not (forced or other)


def _spaced(http: Http) -> bool:
    """Whether the tokenizer puts a space before a text: then llama.cpp tells llguidance of tokens without theirs."""
    asked = {"content": "a", "add_special": False, "with_pieces": True}
    return "".join(wire.piece(one["piece"]) for one in http.ask("/tokenize", asked)["tokens"]) != "a"
