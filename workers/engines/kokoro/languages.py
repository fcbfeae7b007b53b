"""The languages of Kokoro's voices, and which of them can be read here. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from models.errors import InvalidRequest
from models.modalities.speech import OPENAI_VOICES


@dataclass(frozen=True, slots=True)
class Language:
    """A language. ``letter`` begins the names of its voices; ``read``: whether there is a reader for it."""

    code: str
    letter: str
    name: str
    read: bool = False
    also: tuple[str, ...] = ()


LANGUAGES = (
    Language("en-us", "a", "American English", True, ("en", "english")),
    Language("en-gb", "b", "British English", True, ("british",)),
    Language("ja", "j", "Japanese", True, ("jp", "japanese")),
    Language("zh", "z", "Mandarin Chinese", True, ("cmn", "mandarin", "chinese")),
    Language("es", "e", "Spanish", False, ("spanish",)),
    Language("fr", "f", "French", False, ("french",)),
    Language("hi", "h", "Hindi", False, ("hindi",)),
    Language("it", "i", "Italian", False, ("italian",)),
    Language("pt", "p", "Portuguese", False, ("portuguese",)),
)
_ENGLISH = LANGUAGES[0]
_SCRIPTS = {"ja": re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9d]"), "zh": re.compile(r"[\u3400-\u9fff]")}
"""What no text of these languages is without."""
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]{2,}")
_FEW = 3
_READ = ", ".join(f"{one.name} ({one.code})" for one in LANGUAGES if one.read)


def of_voice(name: str) -> Language:
    """The language of a voice, by its name: ``jf_alpha`` is Japanese. A name that does not say it: English."""
    named = len(name) > 2 and name[1] in "fm" and name[2] == "_"
    return next((one for one in LANGUAGES if named and one.letter == name[0]), _ENGLISH)


def named(asked: str) -> Language:
    """The language that a request names: ``ja``, ``ja-JP``, ``Japanese``. Raises InvalidRequest."""
    wanted = asked.lower().replace("_", "-")
    ways = (wanted, wanted.partition("-")[0])
    found = next((one for way in ways for one in LANGUAGES if way in (one.code, *one.also)), None)
    if found is None:
        raise InvalidRequest(f"Kokoro has no language '{asked[:40]}'; read here are {_READ}", param="language")
    return _readable(found, "language", f"{found.name} cannot be read here")


def speakable(names: Iterable[str]) -> list[str]:
    """The voices whose own language can be read, in their order."""
    return [name for name in names if of_voice(name).read]


def choose(voices: Collection[str], default: str, voice: str | None, language: str | None) -> tuple[str, Language]:
    """The voice that speaks, and the language in which the text is read: the voice's, or the one that is asked for.

    Raises InvalidRequest, with ``voice`` or ``language`` as its parameter.
    """
    asked = named(language) if language else None
    if voice is None or (voice not in voices and voice in OPENAI_VOICES | {"default", "kokoro"}):
        voice = default
    if voice not in voices:
        known = ", ".join([*speakable(voices), "default", *sorted(OPENAI_VOICES - set(voices))])
        raise InvalidRequest(f"there is no voice '{voice[:80]}'; there are {known}", param="voice")
    own = of_voice(voice)
    return voice, asked or _readable(own, "voice", f"the voice {voice} speaks {own.name}, which cannot be read here")


def foreign(text: str, language: Language) -> str:
    """The name of this language where a text has several words, and none in its script; else ""."""
    if language.code not in _SCRIPTS or _SCRIPTS[language.code].search(text) or len(_LATIN_WORD.findall(text)) < _FEW:
        return ""
    return language.name


def _readable(language: Language, param: str, complaint: str) -> Language:
    if language.read:
        return language
    raise InvalidRequest(
        f"{complaint}: that needs a library that turns {language.name} into phonemes, and the one that Kokoro was "
        f"trained with, espeak-ng, is under the GPL; read here are {_READ}",
        param=param,
    )
