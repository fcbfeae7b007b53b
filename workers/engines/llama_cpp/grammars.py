"""What an answer is held to, as llama.cpp takes it: one grammar of llguidance's, which it follows in this process.

llama.cpp drops a grammar in silence that it cannot read, or can no longer follow, and hangs on some. So a grammar is
tried in processes of their own before, and each answer is read there once more after.
"""

import json
import random
import re
import subprocess
import sys
from collections import OrderedDict

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from workers.engines.llama_cpp.trials import Trials
from workers.engines.structured.constraints import Constrained
from workers.engines.structured.grammar_wire import BYTES, Grammar, Part
from workers.engines.structured.grammars import Masks, Walk

CONVERT_S = 10.0
_BYTES = 256
[_END] = BYTES.ends
_HEAD = '%llguidance {"no_forcing": true}\n'
"""Forced text would be made of tokens that some tokenizers put a space before."""
_STEPS = 200
_REMEMBERED = 256
_CLOSING = frozenset(b'"}],')
_SKIPPED = re.compile(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|@(\w+)')
_QUOTED = re.compile(r" \d+ \| ")  # what llguidance quotes of a grammar is ours
_IN_LARK = {"/": r"\/", "\n": r"\n", "\\\n": r"\n"} | {  # and classes are those of ASCII
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[0-9a-zA-Z_]",
    r"\W": "[^0-9a-zA-Z_]",
}
_SPELLED = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As most of the JSON is that models have read."""
_WHOLE = re.compile(r"start:\s+answer\nanswer: @(\w+)\n")


class Proof:
    """Reads answers again. For one thread, which may wait."""

    def __init__(self, masks: Masks | None = None) -> None:
        self._masks = masks or Masks(BYTES)

    def read(self, text: str, said: str, param: str, *, whole: bool) -> None:
        """Raises InvalidRequest unless grammar ``text`` derives what was said, or if not ``whole``, its beginning."""
        if not whole:
            said = said.rstrip("\ufffd")  # a character that was cut
        walk = Walk(self._masks, Grammar(text), param, tokens=list(said.encode()))
        bits = walk.look()
        walk.leave()
        if walk.fault is not None or (whole and not _allowed(bits, _END)):
            raise InvalidRequest("this is too complex for the engine: the answer has left its form", param=param)

    def close(self) -> None:
        """End the process."""
        self._masks.close()


class LlamaCppGrammars:
    """Spells grammars for llama.cpp. For one thread, which may wait."""

    def __init__(self) -> None:
        self._masks = Masks(BYTES)
        self._trials = Trials()
        self._proof = Proof(self._masks)
        self._known: OrderedDict[Grammar, str | HeadraceError] = OrderedDict()

    def spell(self, held: Constrained) -> str:
        """The grammar as one text. Raises InvalidRequest: it is none, or nothing obeys it, or it is too complex."""
        found = self._known.get(held.grammar)
        if found is None:
            try:
                found = self._spell(held)
            except InvalidRequest as error:
                found = type(error)(_QUOTED.split(error.message)[0])
            self._known[held.grammar] = found
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if isinstance(found, HeadraceError):
            raise type(found)(found.message, param=held.param)
        return found

    def close(self) -> None:
        """End the processes."""
        self._masks.close()
        self._trials.close()

    def _spell(self, held: Constrained) -> str:
        text = _HEAD + _spelled(held.grammar, held.param)
        for seed in range(2):
            self._try(text, held.param, random.Random(seed))  # noqa: S311
        for one in self._trials.run(text, held.param):
            self._proof.read(text, one.text, held.param, whole=one.whole)
        return text

    def _try(self, text: str, param: str, dice: random.Random) -> None:
        """Go some way through the grammar, as an answer might."""
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


def _spelled(grammar: Grammar, param: str) -> str:
    parts = {part.name: part for part in grammar.parts}
    whole = _WHOLE.match(grammar.lark)
    if whole and parts[whole[1]].kind == "grammar":
        return _converted(parts[whole[1]].text, param)
    rules = [f"{part.name}_part: {_fragment(part)}" for part in grammar.parts]
    lark = _SKIPPED.sub(lambda found: f"{found[1]}_part" if found[1] else found[0], grammar.lark)
    return "\n".join([lark, *rules]) + "\n"


def _fragment(part: Part) -> str:
    if part.kind == "json":
        return f"%json {_one_way(part.text)}"
    if part.kind == "regex":
        return "/" + re.sub(r"\\.|[/\n]", _in_lark, part.text, flags=re.DOTALL) + "/"
    raise UnsupportedParameter("a grammar cannot be combined with thoughts or tools by this engine")


def _one_way(schema: str) -> str:
    """The schema, made so that each answer can be spelled in one way only.

    llama.cpp's llguidance and ours treat patterns for white space differently.
    """
    found = json.loads(schema)
    if isinstance(found, dict):
        found["x-guidance"] = _SPELLED | {
            name: one for name, one in found.get("x-guidance", {}).items() if name == "lenient"
        }
    return json.dumps(found)


def _in_lark(found: re.Match[str]) -> str:
    return _IN_LARK.get(found[0], found[0])


def _converted(text: str, param: str) -> str:
    """GBNF as Lark; Lark as it is. In a process of its own, for it takes long over some."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workers.engines.llama_cpp.gbnf"],
            input=text.encode(),
            capture_output=True,
            timeout=CONVERT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidRequest("this is too complex for an answer to be held to it", param=param) from None
    except OSError as error:
        raise EngineFailure(f"the process that reads grammars cannot be started: {error}") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise InvalidRequest(f"no answer can be held to this: {why[:300]}", param=param)
    return done.stdout.decode().replace("%llguidance {}", "")
