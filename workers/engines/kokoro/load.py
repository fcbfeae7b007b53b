"""Reads a folder with Kokoro: the network, its vocabulary, and the styles of its voices."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from models.errors import InvalidRequest
from models.launching.options.sound import KokoroOptions
from models.ledger.headers import NETWORKS
from workers.engines.accelerator.threads import cores, host_threads
from workers.engines.base import Capacity, EngineSite, Report
from workers.engines.kokoro import languages
from workers.engines.kokoro.reading.readers import Readers
from workers.engines.kokoro.styles import Styles, voices_in
from workers.engines.media.sound import Samples

RATE = 24_000
_UNREADABLE = (
    *(failures.EPFail, failures.Fail, failures.InvalidArgument, failures.InvalidGraph, failures.InvalidProtobuf),
    *(failures.NoModel, failures.NotImplemented, failures.RuntimeException),
)
"""What onnxruntime raises for a file that is no network, or one that it cannot compute."""
_VOCABULARIES = ("config.json", "vocab.json", "tokenizer.json")
_BOPOMOFO = "ㄅ"
"""A phoneme that Kokoro 1.1 alone has."""
_THREADS = 4
"""More make a sentence hardly faster."""
_MOST_TOKENS = 510
"""Most tokens that the network takes at once, without those at its ends."""


@dataclass(frozen=True, slots=True)
class Network:
    """Kokoro's network. ``vocabulary``: the token of each phoneme; ``tokens``: what its input of them is called."""

    session: Any
    vocabulary: dict[str, int]
    tokens: str
    speed: Any

    def say(self, phonemes: str, styles: Styles, speed: float) -> Samples:
        """The sound of at most 510 phonemes, at 24 kHz. Unknown phonemes are left out. Empty where none is known."""
        known = [self.vocabulary[one] for one in phonemes if one in self.vocabulary][:_MOST_TOKENS]
        if not known:
            return np.zeros(0, np.float32)
        given = {
            self.tokens: np.asarray([[0, *known, 0]], np.int64),
            "style": style_of(styles, len(known))[None],
            "speed": np.asarray([speed], self.speed),
        }
        sound: Samples = np.asarray(self.session.run(None, given)[0], np.float32).reshape(-1)
        return np.nan_to_num(sound)


@dataclass(frozen=True, slots=True)
class LoadedKokoro:
    """``voices`` by name, ``default`` the one of requests that name none."""

    options: KokoroOptions
    network: Network
    voices: dict[str, Styles]
    default: str
    readers: Readers

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.options.max_inflight, 0)


def style_of(styles: Styles, tokens: int) -> Styles:
    """The style of a sentence of so many tokens; the last of the voice's for one that is longer. Shape (256,)."""
    style: Styles = styles[min(tokens, len(styles)) - 1]
    return style


def load(site: EngineSite, report: Report) -> LoadedKokoro:
    """Read the folder and say a word. Raises InvalidRequest."""
    options = KokoroOptions.read(site.options)
    report("loading", 0.0)
    folder = Path(site.source)
    voices = voices_in(folder)
    default = default_of(voices, options.default_voice)
    network = _network(folder, options)
    report("warming", 0.0)
    readers = Readers()
    network.say(readers[languages.of_voice(default).code]("1").phonemes, voices[default], 1.0)
    return LoadedKokoro(options, network, voices, default, readers)


def default_of(voices: dict[str, Styles], asked: str | None) -> str:
    """The voice of requests that name none. Raises InvalidRequest where there is none, or none that can speak."""
    if not voices:
        raise InvalidRequest(
            "there are no voices beside the network: voices/NAME.bin or voices.npz", param="model_path"
        )
    if asked is not None:
        if asked not in voices:
            raise InvalidRequest(f"there is no voice '{asked}'; there are {', '.join(voices)}", param="default_voice")
        languages.choose(voices, asked, asked, None)
        return asked
    able = languages.speakable(voices)
    if not able:
        languages.choose(voices, next(iter(voices)), None, None)
    return "af_heart" if "af_heart" in able else able[0]


def _network(folder: Path, options: KokoroOptions) -> Network:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = host_threads(options.n_threads, cores(), _THREADS) or 1
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(_weights(folder, options), settings, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        raise InvalidRequest("onnxruntime cannot read the network", param="model_path") from error
    inputs = {one.name: one.type for one in session.get_inputs()}
    tokens = "tokens" if "tokens" in inputs else "input_ids"
    if inputs.keys() != {tokens, "style", "speed"}:
        raise InvalidRequest(f"the network is not Kokoro's: it takes {', '.join(inputs)[:200]}", param="model_path")
    vocabulary = _vocabulary(folder)
    if _BOPOMOFO in vocabulary:
        raise InvalidRequest(
            "this is Kokoro 1.1, whose phonemes of Mandarin are not made here: launch 1.0", param="model_path"
        )
    whole = "int" in inputs["speed"]
    return Network(session, vocabulary, tokens, np.int32 if whole else np.float32)


def _weights(folder: Path, options: KokoroOptions) -> str | bytes:
    """The path of the network, or its bytes where packages carry it in parts."""
    found = {str(one.relative_to(folder)): one for one in (*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx"))}
    if options.network is not None:
        if options.network not in found:
            known = ", ".join(sorted(found)) or "none"
            raise InvalidRequest(f"there is no network '{options.network}'; there are {known}", param="network")
        return str(found[options.network])
    if found:
        return str(min(found.values(), key=lambda one: (_rank(one.name), one.name)))
    joined = b"".join(one.read_bytes() for one in _parts(folder))
    said = folder / "model.sha256"
    if not joined or not said.is_file():
        raise InvalidRequest("there is no network (.onnx) in the folder", param="model_path")
    if hashlib.sha256(joined).hexdigest() != said.read_text("ascii", "replace").strip():
        raise InvalidRequest(
            "the packages with the parts of the network do not fit: install them anew", param="model_path"
        )
    return joined


def _rank(name: str) -> int:
    return NETWORKS.index(name) if name in NETWORKS else len(NETWORKS)


def _parts(folder: Path) -> Iterator[Path]:
    """The parts of the network beside the package that the folder belongs to: ``NAME_model_1`` and so on."""
    package = folder.parent
    for number in range(1, 100):
        part = package.with_name(f"{package.name}_model_{number}") / "part.bin"
        if not part.is_file():
            return
        yield part


def _vocabulary(folder: Path) -> dict[str, int]:
    """The tokens of phonemes, as the folder says, else those of Kokoro 1.0."""
    for path in (folder / name for name in _VOCABULARIES):
        if path.is_file() and (found := _tokens_in(_json(path))):
            return found
    from hibari.tts import ASSETS

    return _tokens_in(_json(Path(ASSETS) / "vocab.json"))


def _tokens_in(document: Any) -> dict[str, int]:
    """The vocabulary in a file: by itself, under ``vocab``, or as the library tokenizers writes it; else empty."""
    for name in ("model", "vocab"):
        document = document.get(name, document) if isinstance(document, dict) else document
    held = document.items() if isinstance(document, dict) else ()
    return {one: token for one, token in held if len(one) == 1 and type(token) is int}


def _json(path: Path) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(path.read_text("utf-8"))
    return None
