"""Plans how an answer is made, in one of two ways.

Either llama.cpp's own chat makes the prompt and splits the answer. Or the prompt and a grammar are made here: where a
structured answer is asked for, where calls must be made, or where the template does not know of calls.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.chat.messages import Media, Message
from models.modalities.structure import StructuredOutputs
from models.modalities.tokenize import Request as Tokenize
from models.modalities.tokenize import Tokens
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.grammars import AnswerVerifier, LlamaCppGrammars
from workers.engines.llama_cpp.load import LoadedGguf
from workers.engines.llama_cpp.scoring import AnswerTokens, PromptScore, ScoredModel
from workers.engines.llama_cpp.sight import content_of, contents
from workers.engines.structured.constraints import Calls, Constrained, constrain
from workers.engines.text.answers import Splitter
from workers.engines.text.dialects import beginning, template_extras, template_messages
from workers.engines.text.limits import ROOM, check_beginning, is_long, too_long
from workers.engines.text.templating import tool_of, turn_of

_MOST_CHARACTERS = 1 << 20
"""Most characters of a text to tokenize: llama.cpp's server has one thread, and other requests wait for it."""
_MOST_NAMED = 1 << 17
"""The same where the texts of tokens are wanted, too: it takes the interpreter long to decode their JSON."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the answers to one prompt are made. ``body`` is llama.cpp's request, without the seed.

    ``grammar``: the grammar that they must follow, if any; ``param``: the field of the request that asked for it.
    ``chats``: llama.cpp's own chat makes the prompt. ``echo``: the prompt, where it is to precede the answer;
    ``score``: where its log probabilities are to, too.
    """

    body: dict[str, Any]
    chats: bool = False
    echo: str | list[int] | None = None
    score: PromptScore | None = None
    grammar: str = ""
    param: str = ""
    splitter: Callable[[], Splitter] | None = None

    def answer_tokens(self, model: ScoredModel, ids_of: Callable[[str | list[int]], list[int]]) -> AnswerTokens | None:
        """What completes the tokens of an answer, where they are asked for and its prompt is known."""
        if not {"prompt", "logprobs"} <= self.body.keys():
            return None
        return AnswerTokens(model, partial(ids_of, self.body["prompt"]), self.body["logprobs"])


class Planner:
    """Makes the plans for one model."""

    def __init__(self, model: LoadedGguf) -> None:
        self._http = model.http
        self._dialect = model.dialect
        self._context = model.context
        self._native = model.native
        self._spaced = model.spaced
        self._pixels = model.pixels
        self._grammars = LlamaCppGrammars()
        self._verifier = AnswerVerifier()

    def at_once(self, request: chat.Request) -> Plan | None:
        """The plan, where it can be made without blocking; None: ``converse`` makes it."""
        return None if is_long(_texts(request), self._context) else self._native_plan(request)

    def waits(self, request: completions.Request) -> bool:
        """Whether the plans cannot be made without blocking: then ``complete`` makes them."""
        texts = (prompt for prompt in request.prompts if isinstance(prompt, str))
        return request.structured_outputs is not None or any(is_long(text, self._context) for text in texts)

    # ---- in a thread, of which there is one ----

    def converse(self, request: chat.Request, media: Sequence[Media] = ()) -> Plan:
        """The plan for a conversation's answer; ``media`` are its pictures. Raises InvalidRequest."""
        check_beginning(_texts(request), self._context, self._count, "messages")
        return self._native_plan(request, media) or self._own_plan(request, media)

    def complete(self, request: completions.Request, plans: list[Plan]) -> list[Plan]:
        """These plans, with the grammar that is asked for. Raises InvalidRequest, also where a prompt is too long."""
        for prompt in request.prompts:
            if isinstance(prompt, str):
                check_beginning(prompt, self._context, self._count, "prompt")
        return plans if request.structured_outputs is None else self._constrained(request.structured_outputs, plans)

    def close(self) -> None:
        """End the processes."""
        self._grammars.close()
        self._verifier.close()

    def _native_plan(self, request: chat.Request, media: Sequence[Media] = ()) -> Plan | None:
        """The plan in which llama.cpp does all; None where it cannot."""
        options = template_extras(request)
        if request.constraint is not None or (request.callable_tools and not self._reads_calls(request)):
            return None
        if request.logprobs and not media:
            return None  # llama.cpp's chat gives none of tokens that it shows nothing of
        taught = self._native or self._dialect.taught
        messages = self._turns(request, self._content(media), taught=taught) if media or not taught else None
        return Plan(wire.chat_body(request, options, self._context, messages), chats=True)

    def _own_plan(self, request: chat.Request, media: Sequence[Media]) -> Plan:
        """The plan in which the prompt of a conversation, and the grammar of its answer, are made here."""
        prompt = self.prompt(request, taught=self._dialect.taught)
        tags, thinking = self._dialect.tags, beginning(request, prompt, self._dialect)
        constraint = request.constraint
        if constraint is not None and constraint.kind == "grammar" and not request.must_call:
            if thinking == "open":
                message = "this model thinks first: set 'enable_thinking' to false"
                raise UnsupportedParameter(message, param=constraint.param)
            tags = None
        tools = request.callable_tools
        single = request.single_call
        calls = Calls(self._dialect.tools, tools, request.must_call, not single) if tools else None
        constrained = constrain(constraint, calls, tags, thinking, {})
        grammar = self._grammar(constrained) if constrained is not None else ""
        body = self._seen(request, media) if media else wire.prompt_body(request, prompt, self._context)
        body = wire.under_grammar(body, grammar)
        functions = {tool.function.name: tool.function.parameters for tool in tools}
        must = request.must_call
        splitter = partial(Splitter, tags, thinking, self._dialect.tools, functions, single=single, must=must)
        return Plan(
            body, chats=bool(media), grammar=grammar, param=constrained.param if constrained else "", splitter=splitter
        )

    def _constrained(self, asked: StructuredOutputs, plans: list[Plan]) -> list[Plan]:
        constrained = constrain(asked.constraint, None, None, "over", {})
        assert constrained is not None
        grammar, param = self._grammar(constrained), constrained.param
        return [
            replace(plan, body=wire.under_grammar(plan.body, grammar), grammar=grammar, param=param) for plan in plans
        ]

    def _count(self, text: str) -> int:
        return len(self._http.ask("/tokenize", {"content": text, "add_special": False})["tokens"])

    def _grammar(self, constrained: Constrained) -> str:
        if self._spaced:
            message = "llama.cpp cannot hold a model with this tokenizer to a form"
            raise UnsupportedParameter(message, param=constrained.param)
        return self._grammars.text_of(constrained)

    # ---- in another thread ----

    def confirm(self, plan: Plan, answer: str, *, whole: bool) -> None:
        """Raises InvalidRequest where an answer does not follow its grammar. Blocks."""
        self._verifier.verify(plan.grammar, answer, plan.param, whole=whole)

    # ---- in any thread but the event loop's ----

    def prompt(self, request: chat.Request, *, taught: bool | None = None, opens: bool = True) -> str:
        """The prompt of a conversation. ``taught``: the template describes its tools. Blocks."""
        taught = self._native if taught is None else taught
        messages = self._turns(request, content_of, taught=taught)
        tools = request.callable_tools if taught else []
        goes_on = request.continue_final_message
        body = wire.template_body(messages, tools, template_extras(request), opens=opens, goes_on=goes_on)
        return str(self._http.ask("/apply-template", body)["prompt"])

    def _turns(self, request: chat.Request, content: Callable[[Message], Any], *, taught: bool) -> list[dict[str, Any]]:
        """The messages for the template, which describes the tools itself where it is ``taught``."""
        if taught:
            return [turn_of(message, content(message)) for message in request.messages]
        return template_messages(request, self._dialect, content)

    def _seen(self, request: chat.Request, media: Sequence[Media]) -> dict[str, Any]:
        """The body of a chat with pictures, whose answer is split here."""
        taught, options = self._dialect.taught, template_extras(request)
        if taught and request.callable_tools:
            options = options | {"tools": [tool_of(tool) for tool in request.callable_tools]}
        turns = self._turns(request, self._content(media), taught=taught)
        return wire.seen_body(request, turns, options, self._context)

    def _content(self, media: Sequence[Media]) -> Callable[[Message], Any]:
        return contents(media, self._pixels)

    def prompt_tokens(self, prompt: str | list[int]) -> list[int]:
        """The tokens of a completion's prompt. Raises ContextLengthExceeded. Blocks."""
        if isinstance(prompt, str):
            asked = {"content": prompt, "add_special": True, "parse_special": True}
            prompt = list(self._http.ask("/tokenize", asked)["tokens"])
        if len(prompt) >= self._context:
            raise too_long(len(prompt), self._context, "prompt", hint=ROOM)
        return prompt

    def tokens_of(self, request: Tokenize) -> Tokens:
        """The tokens of the prompt that an answer would have. Raises InvalidRequest. Blocks."""
        for place, _ in request.media:
            message = "this engine cannot count the tokens of pictures: the usage of an answer tells them"
            raise UnsupportedParameter(message, param=place)
        text, special = request.prompt or "", request.add_special_tokens is not False
        if request.conversation is not None:  # llama.cpp takes special tokens out of its template, and adds them here
            text, special = self.prompt(request.conversation, opens=request.opens_answer), True
        named = bool(request.return_token_strs)
        most = _MOST_NAMED if named else _MOST_CHARACTERS
        if len(text) > most:
            field = "prompt" if request.conversation is None else "messages"
            raise InvalidRequest(f"this engine tokenizes at most {most} characters of text at once", param=field)
        body = {"content": text, "add_special": special, "parse_special": True, "with_pieces": named}
        tokens = self._http.ask("/tokenize", body)["tokens"]
        if not named:
            return Tokens(tokens, None, self._context)
        ids, texts = [token["id"] for token in tokens], [wire.piece(token["piece"]) for token in tokens]
        return Tokens(ids, texts, self._context)

    def _reads_calls(self, request: chat.Request) -> bool:
        """Whether llama.cpp's chat can do all that is asked for tools.

        It cannot force a call from the first token on, nor enforce the schema of arguments.
        """
        forced = request.must_call or any(tool.function.strict for tool in request.callable_tools)
        other = request.logprobs or request.continue_final_message or request.ignore_eos
        return self._native and not (forced or other)


def _texts(request: chat.Request) -> str:
    """The texts of which the prompt will be made, approximately: to estimate its length."""
    texts = [text for message in request.messages for text in (message.text, message.thought)]
    texts += [call.function.arguments for message in request.messages for call in message.tool_calls or []]
    texts += [json.dumps(tool_of(tool)) for tool in request.callable_tools]
    return "".join(texts)
