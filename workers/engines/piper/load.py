"""Reads a folder of Piper's voices: for each its network, and the description beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures
from piper import PiperConfig, PiperVoice, SynthesisConfig

from models.errors import InvalidRequest
from models.launching.options.sound import PiperOptions
from workers.engines.accelerator.threads import cores, host_threads
from workers.engines.base import Capacity, EngineSite, Report
from workers.engines.media.sound import Samples
from workers.engines.piper.voices import Speaker, VoiceFile, described, speakers

_UNREADABLE = (
    *(failures.EPFail, failures.Fail, failures.InvalidArgument, failures.InvalidGraph, failures.InvalidProtobuf),
    *(failures.NoModel, failures.NotImplemented, failures.RuntimeException),
)
"""What onnxruntime raises for a file that is no network, or one that it cannot compute."""
_THREADS = 4
"""More make a sentence hardly faster."""
_DESCRIPTION_BYTES = 4 << 20
_SILENT = 1e-6


@dataclass(frozen=True, slots=True)
class PiperNetwork:
    """One network, with what its description says. ``rate`` in Hz."""

    voice: Any
    described: VoiceFile

    @property
    def rate(self) -> int:
        """The rate of its sound, in Hz."""
        return self.described.audio.sample_rate

    def sentences(self, text: str) -> list[list[str]]:
        """The phonemes of each sentence, those alone that the network knows."""
        known = self.described.phoneme_id_map
        return [[one for one in sentence if one in known] for sentence in self.voice.phonemize(text)]

    def has_sound(self, one: str) -> bool:
        """Whether a character has a sound."""
        return any(any(map(str.isalpha, phoneme)) for sentence in self.sentences(one) for phoneme in sentence)

    def say(self, phonemes: Sequence[str], number: int | None, speed: float) -> Samples:
        """The sound of some phonemes by the speaker of this number, as loud as can be, at ``rate``."""
        scale = self.described.inference.length_scale / speed
        return self.compute(self.voice.phonemes_to_ids(list(phonemes)), number, scale)

    def compute(self, ids: list[int], number: int | None, scale: float) -> Samples:
        """The sound of the phonemes of these numbers. ``scale``: how long they are, for their usual length."""
        made = self.voice.phoneme_ids_to_audio(ids, SynthesisConfig(speaker_id=number, length_scale=scale))
        sound: Samples = np.nan_to_num(np.asarray(made, np.float32).reshape(-1))
        peak = float(np.abs(sound).max(initial=0.0))
        return sound / np.float32(peak) if peak > _SILENT else np.zeros_like(sound)


@dataclass(frozen=True, slots=True)
class LoadedPiper:
    """``networks`` by their files' names, ``speakers`` by the names of the voices, ``default`` one of these."""

    options: PiperOptions
    networks: dict[str, PiperNetwork]
    speakers: dict[str, Speaker]
    default: str

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.options.max_inflight, 0)


def load(site: EngineSite, report: Report) -> LoadedPiper:
    """Read the folder, and say a word with every network. Raises InvalidRequest."""
    options = PiperOptions.read(site.options)
    report("loading", 0.0)
    files = {one.name.removesuffix(".onnx"): one for one in sorted(Path(site.source).glob("*.onnx"))}
    files = {name: one for name, one in files.items() if _beside(one).is_file()}
    if not files:
        raise InvalidRequest("there is no voice: NAME.onnx, and NAME.onnx.json beside it", param="model_path")
    facts = {name: described(_beside(one).name, _document(_beside(one))) for name, one in files.items()}
    there = {one.name: one for name, fact in facts.items() for one in speakers(name, fact)}
    default = _default(there, options.default_voice)
    networks = {}
    for done, (name, path) in enumerate(files.items()):
        networks[name] = _network(path, facts[name], options)
        report("loading", (done + 1) / len(files))
    report("warming", 0.0)
    for name, network in networks.items():
        _warm(name, network)
    return LoadedPiper(options, networks, there, default)


def _default(there: dict[str, Speaker], asked: str | None) -> str:
    """The voice of requests that name none: as asked, else the first. Raises InvalidRequest."""
    if asked is not None and asked not in there:
        known = ", ".join(list(there)[:20])
        raise InvalidRequest(f"there is no voice '{asked}'; there are {known}", param="default_voice")
    return asked or next(iter(there))


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _document(path: Path) -> Any:
    """What a description holds; None where it is no JSON, or not small."""
    with path.open("rb") as file:
        data = file.read(_DESCRIPTION_BYTES + 1)
    try:
        return json.loads(data) if len(data) <= _DESCRIPTION_BYTES else None
    except (ValueError, RecursionError):
        return None


def _network(path: Path, fact: VoiceFile, options: PiperOptions) -> PiperNetwork:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = host_threads(options.n_threads, cores(), _THREADS) or 1
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        raise InvalidRequest(f"onnxruntime cannot read {path.name}", param="model_path") from error
    inputs = {one.name for one in session.get_inputs()}
    wanted = {"input", "input_lengths", "scales", *(["sid"] if fact.num_speakers > 1 else [])}
    if inputs != wanted:
        raise InvalidRequest(
            f"{path.name} is not the network that is described beside it: it takes {', '.join(sorted(inputs))[:200]}",
            param="model_path",
        )
    return PiperNetwork(PiperVoice(session, PiperConfig.from_dict(fact.model_dump())), fact)


def _warm(name: str, network: PiperNetwork) -> None:
    """Say a word, with the last phoneme and the last speaker that are described. Raises InvalidRequest."""
    fact = network.described
    try:
        [word] = network.sentences("1")
    except RuntimeError as error:
        raise InvalidRequest(
            f"espeak-ng has no voice '{fact.espeak.voice}', which {name} wants", param="model_path"
        ) from error
    last = max(number for numbers in fact.phoneme_id_map.values() for number in numbers)
    number = max(fact.speaker_id_map.values(), default=fact.num_speakers - 1) if fact.num_speakers > 1 else None
    try:
        network.compute([*network.voice.phonemes_to_ids(word), last], number, 1.0)
    except _UNREADABLE as error:
        raise InvalidRequest(
            f"the network of {name} does not compute what is described beside it", param="model_path"
        ) from error
