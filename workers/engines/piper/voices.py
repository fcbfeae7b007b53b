"""The voices of a folder, by what is written beside their networks, and which of them a request means. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from models.errors import InvalidRequest
from models.modalities.speech import OPENAI_VOICES

_LISTED = 20
"""So many voices an error names."""

_Scale = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
_Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,80}$")]
_Ids = Annotated[list[Annotated[int, Field(ge=0, lt=1 << 20)]], Field(max_length=16)]


class _Sound(BaseModel):
    sample_rate: int = Field(ge=8000, le=48_000)


class _Espeak(BaseModel):
    voice: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,40}$")


class _Inference(BaseModel):
    noise_scale: _Scale = 0.667
    length_scale: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0
    noise_w: _Scale = 0.8


class _Named(BaseModel):
    code: str = Field("", max_length=40)
    family: str = Field("", max_length=40)
    name_english: str = Field("", max_length=80)


class VoiceFile(BaseModel):
    """What ``NAME.onnx.json`` says, as far as it is used, within bounds."""

    audio: _Sound
    espeak: _Espeak
    language: _Named = _Named()
    inference: _Inference = _Inference()
    phoneme_type: Literal["espeak", "text"] = "espeak"
    phoneme_id_map: dict[str, _Ids] = Field(min_length=3, max_length=10_000)
    num_symbols: int = Field(ge=1, lt=1 << 20)
    num_speakers: int = Field(1, ge=1, le=10_000)
    speaker_id_map: dict[_Name, Annotated[int, Field(ge=0)]] = Field(default_factory=dict, max_length=10_000)
    default_speaker_id: int = Field(0, ge=0)
    vowel_clusters: list[list[_Name]] | None = Field(None, max_length=1000)


@dataclass(frozen=True, slots=True)
class VoiceLanguage:
    """The language of a voice: ``en-us``, of the family ``en``, called English."""

    code: str
    family: str
    name: str

    def fits(self, asked: str) -> int:
        """How well it is the one that a request names: 2, to the country; 1, the language; 0, another."""
        wanted = asked.strip().lower().replace("_", "-")
        if wanted == self.code:
            return 2
        return int(wanted in (self.family, self.name.lower()) or wanted.partition("-")[0] == self.family)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: the network of this file, and its speaker of this number; None where it has one alone."""

    name: str
    network: str
    number: int | None
    language: VoiceLanguage


def described(name: str, document: Any) -> VoiceFile:
    """What a voice's description says. Raises InvalidRequest, for the launch, where it does not describe a voice."""
    if not isinstance(document, dict):
        raise InvalidRequest(f"{name} is not a JSON object of at most 4 MiB", param="model_path")
    kind = document.get("phoneme_type")
    if kind in ("pinyin", "hebrew", "japanese", "thai"):
        raise InvalidRequest(f"{name} reads {kind}, for which Piper wants more than is installed", param="model_path")
    try:
        found = VoiceFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))[:80] or "it"
        raise InvalidRequest(f"{name} describes no voice: {place}: {first['msg']}", param="model_path") from error
    if missing := {one for one in ("_", "^", "$") if not found.phoneme_id_map.get(one)}:
        raise InvalidRequest(f"{name} describes no voice: {min(missing)} has no number", param="model_path")
    if max((*found.speaker_id_map.values(), found.default_speaker_id)) >= found.num_speakers:
        raise InvalidRequest(f"{name} has more speakers than it says: {found.num_speakers}", param="model_path")
    return found


def language_of(described: VoiceFile) -> VoiceLanguage:
    """The language of a voice: as its file says, else as espeak's name of it does."""
    named = described.language
    code = (named.code or described.espeak.voice).lower().replace("_", "-")
    return VoiceLanguage(code, (named.family or code.partition("-")[0]).lower(), named.name_english or code)


def speakers(network: str, described: VoiceFile) -> Iterator[Speaker]:
    """The voices of one file: itself, and where it has several speakers, each of these, ``file/speaker``."""
    language, several = language_of(described), described.num_speakers > 1
    yield Speaker(network, network, described.default_speaker_id if several else None, language)
    if several:
        named = described.speaker_id_map or {str(number): number for number in range(described.num_speakers)}
        for name, number in sorted(named.items(), key=lambda one: one[1]):
            yield Speaker(f"{network}/{name}", network, number, language)


def choose(there: Mapping[str, Speaker], default: str, voice: str | None, language: str | None) -> Speaker:
    """Who speaks: the voice that is named, else the default, or one that speaks the language that is asked for.

    Raises InvalidRequest, with ``voice`` or ``language`` as its parameter.
    """
    if voice is None or (voice not in there and voice in OPENAI_VOICES | {"default", "piper"}):
        return _speaking(there, default, language) if language else there[default]
    if voice not in there:
        known = ", ".join([*_some(there), "default", *sorted(OPENAI_VOICES)])
        raise InvalidRequest(f"there is no voice '{voice[:80]}'; there are {known}", param="voice")
    own = there[voice].language
    if language and not own.fits(language):
        raise InvalidRequest(
            f"the voice {voice} speaks {own.name} ({own.code}), not '{language[:40]}'; {_spoken(there)}",
            param="language",
        )
    return there[voice]


def _speaking(there: Mapping[str, Speaker], default: str, language: str) -> Speaker:
    """The voice that speaks a language best; of several the default, else the first."""
    ranked = sorted(there.values(), key=lambda one: (-one.language.fits(language), one.name != default))
    if not ranked[0].language.fits(language):
        raise InvalidRequest(f"no voice here speaks '{language[:40]}'; {_spoken(there)}", param="language")
    return ranked[0]


def _spoken(there: Mapping[str, Speaker]) -> str:
    """Which languages are spoken, in words."""
    spoken = dict.fromkeys(f"{one.language.name} ({one.language.code})" for one in there.values())
    return f"spoken here are {', '.join(_some(spoken))}"


def _some(names: Mapping[str, Any]) -> list[str]:
    """The first of the names, and how many more there are."""
    return [*list(names)[:_LISTED], *([f"{len(names) - _LISTED} more"] if len(names) > _LISTED else [])]
