"""Speech and transcripts, as the events of a stream and as JSON."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class SpokenCharacters(TypedDict):
    """What was said, counted in characters, which stand in the place of OpenAI's tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class SpeechPiece(TypedDict):
    """A piece of the sound, in base64."""

    type: Literal["speech.audio.delta"]
    audio: str


class SpeechEnd(TypedDict):
    """The end of the sound. ``warning``: what the voice could not say as it should be said."""

    type: Literal["speech.audio.done"]
    usage: SpokenCharacters
    warning: NotRequired[str]


class HeardSeconds(TypedDict):
    """The length of a recording, in whole seconds."""

    type: Literal["duration"]
    seconds: int


class HeardWord(TypedDict):
    """A word, and the seconds between which it is said."""

    word: str
    start: float
    end: float


class HeardSegment(TypedDict):
    """A stretch of a recording, and what is said in it. ``start`` and ``end`` are in seconds.

    The numbers of Whisper's decoding stand beside them where the model has them.
    """

    id: int
    start: float
    end: float
    text: str
    seek: NotRequired[int]
    tokens: NotRequired[list[int]]
    temperature: NotRequired[float]
    avg_logprob: NotRequired[float]
    compression_ratio: NotRequired[float]
    no_speech_prob: NotRequired[float]


class Transcript(TypedDict):
    """What is said in a recording."""

    text: str
    usage: HeardSeconds


class VerboseTranscript(Transcript):
    """What is said in a recording, with its ``duration`` in seconds, and its words or segments."""

    task: Literal["transcribe", "translate"]
    language: str
    duration: float
    words: NotRequired[list[HeardWord]]
    segments: NotRequired[list[HeardSegment]]


class TranscriptPiece(TypedDict):
    """A piece of a transcript, and the seconds of the recording that it lies between."""

    type: Literal["transcript.text.delta"]
    delta: str
    start: NotRequired[float]
    end: NotRequired[float]


class TranscriptEnd(TypedDict):
    """The whole transcript."""

    type: Literal["transcript.text.done"]
    text: str
    usage: HeardSeconds
