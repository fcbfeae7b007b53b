"""Makes the text of a grammar for llama.cpp, and checks answers against it.

llama.cpp follows grammars inside the runner's process, with llguidance. It drops a grammar that it cannot read or can
no longer follow, without any error, and it hangs on some. So each grammar is tried in other processes before it is
used, and each answer is checked there afterwards.
"""

import json
import logging
import random
import re
import subprocess
import sys
from collections import OrderedDict

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from workers.engines.llama_cpp import gbnf
from workers.engines.llama_cpp.trials import Trials
from workers.engines.structured.bounded_process import TOO_COMPLEX
from workers.engines.structured.constraints import Constrained
from workers.engines.structured.grammar_wire import BYTES, Grammar, Part
from workers.engines.structured.grammars import Masks, Walk
from workers.engines.structured.memory import MemoryWatch

_log = logging.getLogger(__name__)

CONVERT_S = 10.0
_BYTES = 256
[_END] = BYTES.ends
_HEAD = '%llguidance {"no_forcing": true}\n'
"""Switches forced text off: it would be made of tokens before which some tokenizers put a space."""
_STEPS = 200
_REMEMBERED = 256
_CLOSING = frozenset(b'"}],')
_SKIPPED = re.compile(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|@(\w+)')
_QUOTED = re.compile(r" \d+ \| ")  # here an error of llguidance begins to quote the grammar, which is our own text
_IN_LARK = {"/": r"\/", "\n": r"\n", "\\\n": r"\n"} | {  # character classes are those of ASCII
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[0-9a-zA-Z_]",
    r"\W": "[^0-9a-zA-Z_]",
}
_WHITE_SPACE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""White space in JSON as in most of the JSON that models were trained on."""
_WHOLE = re.compile(r"start:\s+answer\nanswer: @(\w+)\n")


class AnswerVerifier:
    """Checks whether answers follow their grammar. For one thread, which it blocks."""

    def __init__(self, masks: Masks | None = None) -> None:
        self._masks = masks or Masks(BYTES)

    def verify(self, text: str, answer: str, param: str, *, whole: bool) -> None:
        """Raises InvalidRequest unless the grammar ``text`` derives the answer, EngineFailure if that is not known.

        An answer that is not ``whole`` need only be the beginning of a text that the grammar derives.
        """
        if not whole:
            answer = answer.rstrip("\ufffd")  # a character that was cut off
        walk = Walk(self._masks, Grammar(text), param, tokens=list(answer.encode()))
        bits = walk.look()
        walk.leave()
        if isinstance(walk.fault, EngineFailure):
            raise walk.fault
        if walk.fault is not None or (whole and not _allowed(bits, _END)):
            raise InvalidRequest("this is too complex for the engine: the answer has left its form", param=param)

    def close(self) -> None:
        """End the process."""
        self._masks.close()


class LlamaCppGrammars:
    """Makes the texts of grammars for llama.cpp. For one thread, which it blocks."""

    def __init__(self) -> None:
        self._masks = Masks(BYTES)
        self._trials = Trials()
        self._verifier = AnswerVerifier(self._masks)
        self._known: OrderedDict[Grammar, str | HeadraceError] = OrderedDict()

    def text_of(self, constrained: Constrained) -> str:
        """The grammar as one text.

        Raises InvalidRequest where it is not a grammar, or no text follows it, or it is too complex.
        """
        known = self._known.get(constrained.grammar)
        if known is None:
            try:
                known = self._make(constrained)
            except InvalidRequest as error:
                known = type(error)(_QUOTED.split(error.message)[0])
            self._known[constrained.grammar] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if isinstance(known, HeadraceError):
            raise type(known)(known.message, param=constrained.param)
        return known

    def close(self) -> None:
        """End the processes."""
        self._masks.close()
        self._trials.close()

    def _make(self, constrained: Constrained) -> str:
        text = _HEAD + _as_lark(constrained.grammar, constrained.param)
        for seed in range(2):
            self._try(text, constrained.param, random.Random(seed))  # noqa: S311
        for answer in self._trials.run(text, constrained.param):
            self._verifier.verify(text, answer.text, constrained.param, whole=answer.whole)
        return text

    def _try(self, text: str, param: str, dice: random.Random) -> None:
        """Take some steps through the grammar at random, as an answer might. Raises the error that this leads to."""
        walk = Walk(self._masks, Grammar(text), param)
        for _ in range(_STEPS):
            bits = walk.look()
            allowed = [byte for byte in range(_BYTES) if _allowed(bits, byte)] if bits else []
            if not allowed:
                break
            closing = [byte for byte in allowed if byte in _CLOSING]
            walk.take(dice.choice(closing if closing and dice.random() < 0.7 else allowed))
        walk.leave()
        if walk.fault is not None:
            raise walk.fault


def _allowed(bits: bytes, token: int) -> bool:
    return bool(bits[token >> 3] >> (token & 7) & 1)


def _as_lark(grammar: Grammar, param: str) -> str:
    parts = {part.name: part for part in grammar.parts}
    whole = _WHOLE.match(grammar.lark)
    if whole and parts[whole[1]].kind == "grammar":
        return _converted(parts[whole[1]].text, param)
    rules = [f"{part.name}_part: {_fragment(part)}" for part in grammar.parts]
    lark = _SKIPPED.sub(lambda match: f"{match[1]}_part" if match[1] else match[0], grammar.lark)
    return "\n".join([lark, *rules]) + "\n"


def _fragment(part: Part) -> str:
    if part.kind == "json":
        return f"%json {_one_way(part.text)}"
    if part.kind == "regex":
        return "/" + re.sub(r"\\.|[/\n]", _in_lark, part.text, flags=re.DOTALL) + "/"
    raise UnsupportedParameter("a grammar cannot be combined with thoughts or tools by this engine")


def _one_way(schema: str) -> str:
    """The schema, changed so that each answer can be written in one way only.

    llama.cpp's llguidance and ours treat patterns for white space differently.
    """
    changed = json.loads(schema)
    if isinstance(changed, dict):
        changed["x-guidance"] = _WHITE_SPACE
    return json.dumps(changed)


def _in_lark(match: re.Match[str]) -> str:
    return _IN_LARK.get(match[0], match[0])


def _converted(text: str, param: str) -> str:
    """A grammar in GBNF or Lark, as Lark. This is done in a process of its own, since it takes very long for some."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", gbnf.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise EngineFailure(f"the process that reads grammars could not be started: {error}") from None
    watch = MemoryWatch(process, gbnf.MEMORY)  # always, since it does not live long
    with process:
        try:
            lark, said = process.communicate(text.encode(), CONVERT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise InvalidRequest(TOO_COMPLEX, param=param) from None
        finally:
            watch.stop()
    _refuse_unconverted(process.returncode, said.decode(errors="replace").strip(), param)
    return lark.decode().replace("%llguidance {}", "")


def _refuse_unconverted(code: int, said: str, param: str) -> None:
    """Raises InvalidRequest if the grammar is why the process ended with this code, EngineFailure if that is ours."""
    if code == gbnf.REFUSED:
        raise InvalidRequest(f"no answer can be held to this: {said.rpartition(chr(10))[2][:300]}", param=param)
    if code < 0:  # it was killed, for its memory or its depth
        raise InvalidRequest(TOO_COMPLEX, param=param)
    if code:
        _log.error("the process that reads grammars ended with code %d: %s", code, said)
        raise EngineFailure(f"the process that reads grammars could not be started: it ended with code {code}")
