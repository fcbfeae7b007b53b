"""How a model that hears is asked to write down what is said, by what its processor offers.

* Qwen3-ASR: the processor writes the prompt; a language is forced, and words to expect are the system's turn.
* GLM-ASR, Audio Flamingo 3: the processor writes the prompt, with an instruction of its own.
* Voxtral: the tokens that Mistral's own library writes, with ``[TRANSCRIBE]`` at the end.
* all others: a turn of a chat, with the recording and an instruction.
"""

from inspect import signature
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.errors import InvalidRequest
from models.modalities.transcription import Request
from models.modalities.transcription.languages import NAMES
from workers.engines.media.recording import RATE, Sound
from workers.engines.transformers.seeing.reader import PromptReader, Read

_FIELDS = frozenset(["language", "prompt", "temperature", "max_new_tokens", "keywords", "hotwords"])
_EXPECTED = frozenset(["prompt", "keywords", "hotwords"])
_INSTRUCTIONS = {
    "granite_speech": "can you transcribe the speech into a written format?",
    "granite_speech_plus": "can you transcribe the speech into a written format?",
}
"""What the makers of these models ask, by the type of the network."""
_INSTRUCTION = "Transcribe the speech into text, word for word, and write nothing else."


class Asker(Protocol):
    """Writes the prompts of one model. ``honours``: the fields of a request that change them.

    ``language_first``: the model writes the language before the text, unless the request names one.
    """

    honours: frozenset[str]
    language_first: bool

    def read(self, sound: Sound, request: Request) -> Read:
        """The prompt that asks for the text of a clip. Raises InvalidRequest."""


def asker_of(reader: PromptReader, network: str) -> Asker | None:
    """How a model with this processor is asked; None where it does not hear. ``network``: its type."""
    request = getattr(reader.processor, "apply_transcription_request", None)
    if hasattr(reader.processor, "_retrieve_input_features"):
        return _Voxtral(reader)
    if reader.hears_s == 0:
        return None
    fields = frozenset(signature(request).parameters) if request else frozenset[str]()
    if {"audio", "language", "prompt"} <= fields:
        return _Forced(reader)
    own = getattr(reader.processor, "default_transcription_prompt", None)
    return _Instructed(reader, own or _INSTRUCTIONS.get(network, _INSTRUCTION))


def tried(reader: PromptReader, asker: Asker | None) -> Read:
    """A prompt with all that the model takes, to try it with. Raises InvalidRequest where it cannot be made."""
    if asker is None or reader.processor.chat_template:
        return reader.sample()
    return asker.read(np.zeros(RATE, np.float32), Request(model="-"))


class _Forced:
    """A processor that forces a language, as Qwen3-ASR's."""

    honours = _FIELDS
    language_first = True

    def __init__(self, reader: PromptReader) -> None:
        self._reader = reader

    def read(self, sound: Sound, request: Request) -> Read:
        """See ``Asker``."""
        ask = self._reader.processor.apply_transcription_request
        language = NAMES[request.language] if request.language else None
        try:
            words = self._reader.broken(expected(request))
            asked = ask(sound, language=language, prompt=words, return_tensors="pt")
        except ValueError as error:
            if language is None:
                raise
            raise InvalidRequest(f"this model does not know {language}", param="language") from error
        return self._reader.taken_apart(asked)


class _Instructed:
    """A model that is told in words what to do."""

    honours = _FIELDS
    language_first = False

    def __init__(self, reader: PromptReader, instruction: str) -> None:
        self._reader = reader
        self._instruction = instruction

    def read(self, sound: Sound, request: Request) -> Read:
        """See ``Asker``."""
        language = f"The language of the speech is {NAMES[request.language].title()}." if request.language else None
        words = "\n".join(one for one in (self._instruction, language, expected(request)) if one)
        parts = [{"type": "audio", "audio": sound}, {"type": "text", "text": words}]
        return self._reader.read([{"role": "user", "content": parts}])


class _Voxtral:
    """Mistral's tokens: ``[BEGIN_AUDIO]``, one for each 80 ms, a language if one is named, ``[TRANSCRIBE]``."""

    honours = _FIELDS - _EXPECTED
    language_first = False
    _WINDOW = 30 * RATE
    _TOKENS = 375
    """Of a window, which every clip is filled up to."""

    def __init__(self, reader: PromptReader) -> None:
        self._processor, self._tokenizer = reader.processor, reader.tokenizer
        marks = ("<s>", "[INST]", "[BEGIN_AUDIO]", "[AUDIO]", "[/INST]", "[TRANSCRIBE]")
        self._marks: list[int] = self._tokenizer.convert_tokens_to_ids(list(marks))
        if None in self._marks or len(set(self._marks)) < len(marks):
            raise InvalidRequest("the model's tokenizer lacks the markers of Voxtral", param="model_path")

    def read(self, sound: Sound, request: Request) -> Read:
        """See ``Asker``."""
        settings = self._processor._merge_kwargs()["audio_kwargs"]
        longest = settings.pop("max_source_positions")
        heard: Tensor = self._processor._retrieve_input_features([sound], longest, **settings)
        start, opens, begins, audio, closes, transcribe = self._marks
        language: list[int] = []
        if request.language:
            language = list(self._tokenizer(f"lang:{request.language}", add_special_tokens=False).input_ids)
        tokens = [audio] * (self._TOKENS * heard.shape[0])
        ids = [start, opens, begins, *tokens, closes, *language, transcribe]
        return ids, {"input_features": torch.as_tensor(heard)}


def expected(request: Request) -> str | None:
    """What a request says of what to expect: its prompt, and single words; None if nothing."""
    return "\n".join(one for one in (request.prompt, request.expected_words) if one) or None
