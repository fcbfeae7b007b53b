"""From a conversation with pictures and recordings to token ids and pixels, by a processor of transformers.

What the client writes stays text: where it contains one of the model's markers (for a turn's end, or for a picture's
place), that does not count as a marker. Pictures come upright, in RGB, over white where they are transparent;
recordings come as mono sound at 16 kHz.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError
from PIL import Image
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MULTIMODAL_LM_MAPPING
from transformers.utils.chat_template_utils import _get_template_variables

from models.errors import InvalidRequest
from models.modalities.chat.messages import Media, Message, RefusalPart, TextPart
from workers.engines.media.pictures import flat, opened
from workers.engines.media.pixels import LOW, PixelRange
from workers.engines.transformers.seeing import markers
from workers.engines.transformers.seeing.markers import Breaker
from workers.engines.transformers.seeing.pixels import bound
from workers.engines.transformers.seeing.processor import open_processor

log = logging.getLogger(__name__)

_RATE = 16_000
_ROUNDED = 0.1
"""Seconds by which a recording may seem longer than it is."""
_PARTS = {"image": frozenset(["image_url"]), "audio": frozenset(["input_audio", "audio_url"])}
_OWN = frozenset(["tools", "continue_final_message"])
_ANY = PixelRange()
_UNUSED = frozenset(["attention_mask", "labels"])
_TYPES_PREFIX = frozenset(["paligemma"])
"""Models that look at a prompt in both directions, which zeros mark; their processors do not always give them."""
_PROBES = (("system", "PROBE-S"), ("user", "PROBE-U"), ("assistant", "PROBE-A"), ("user", "PROBE-V"))
"""A conversation with which a chat template is tried: roles and texts."""

Read = tuple[list[int], dict[str, Tensor]]
"""Token ids, and what the model takes beside them."""


def is_multimodal(config: Any) -> bool:
    """Whether a model of this configuration sees or hears."""
    if type(config) not in MODEL_FOR_MULTIMODAL_LM_MAPPING:
        return False
    parts = any(getattr(config, name, None) is not None for name in ("vision_config", "audio_config"))
    return parts or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING


class PromptReader:
    """A model's processor. ``takes``: the types of message parts that it reads beside text.

    ``hears_s``: how many seconds of sound it takes at once; 0: none.
    """

    def __init__(self, source: Path, config: Any, pixels: PixelRange = _ANY, **where: Any) -> None:
        """``where`` is as for ``from_pretrained``. Raises InvalidRequest where the processor cannot be used."""
        self.processor = open_processor(source, config, **where)
        self._pixels = bound(getattr(self.processor, "image_processor", None), pixels)
        self.tokenizer = self.processor.tokenizer
        self.processor.tokenizer = markers.dropping(self.tokenizer) or self.tokenizer
        self._breaks = self.processor.tokenizer is not self.tokenizer
        kinds = list(self._kinds(MODEL_FOR_MULTIMODAL_LM_MAPPING[type(config)]))
        self.hears_s = _heard_at_once(self.processor) if "audio" in kinds else 0.0
        template = self.processor.chat_template
        self.takes = frozenset[str]().union(*(_PARTS[kind] for kind in kinds if template))
        self._lists = self._keeps(lambda text: [{"type": "text", "text": text}])
        self._known = _get_template_variables(template or "") | _OWN
        self._guards = True
        self._breaker = Breaker([])
        self._all_markers = markers.of_media(self.processor) | markers.of_turns(self.tokenizer, template or "")
        self._types_prefix = config.model_type in _TYPES_PREFIX

    def contents(self, media: Sequence[Media], pixels: PixelRange = _ANY) -> Callable[[Message], Any]:
        """A function that makes the content of a message. It must be called with all messages, in their order.

        ``pixels``: how many the request wants of each picture; no more than the model was launched for.
        """
        shown = iter(media)
        return lambda message: self._content(message, shown, pixels.within(self._pixels))

    def read(self, turns: list[dict[str, Any]], *, add_generation_prompt: bool = True, **template: Any) -> Read:
        """The prompt of these turns. ``template``: arguments for the chat template, where it has such variables.

        Others are left out: transformers would pass them to the processor, and so a client could name files and sizes.
        """
        read = self.processor.apply_chat_template(
            self._breaker.broken(turns),
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=add_generation_prompt,
            sanitize_control_tokens=self._guards,
            **{name: self._breaker.broken(value) for name, value in template.items() if name in self._known},
        )
        return self.taken_apart(read)

    def broken(self, text: str | None) -> str | None:
        """The text of a client, in which markers do not count as such."""
        return None if text is None else str(self._breaker.broken(text))

    def taken_apart(self, read: Any) -> Read:
        """What the processor made, as token ids and what the model takes beside them."""
        ids: list[int] = read.pop("input_ids")[0].tolist()
        inputs = {name: one for name, one in read.items() if isinstance(one, Tensor) and name not in _UNUSED}
        if self._types_prefix and "token_type_ids" not in inputs:
            inputs["token_type_ids"] = torch.zeros(1, len(ids), dtype=torch.long)
        return ids, inputs

    def sample(self) -> Read:
        """A prompt with everything that the model takes, to try it with. Raises InvalidRequest where it cannot be read.

        Also finds out whether the processor can keep markers out of what clients write.
        """
        parts: list[dict[str, Any]] = [{"type": "text", "text": "What is this?"}]
        if "image_url" in self.takes:
            parts.insert(0, {"type": "image", "image": Image.new("RGB", (64, 64), "grey")})
        if "input_audio" in self.takes:
            parts.insert(0, {"type": "audio", "audio": np.zeros(_RATE, np.float32)})
        turns = [{"role": "user", "content": parts}]
        problem: Exception | None = None
        for self._guards in (True, False):
            if self._breaks:
                self._breaker = Breaker(markers.of_media(self.processor) if self._guards else self._all_markers)
            try:
                prompt = self.read(turns)
            except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
                problem = error
            else:
                if not (self._guards or self._breaks):
                    log.warning("this processor cannot keep markers out of what clients write: %s", problem)
                return prompt
        raise InvalidRequest(f"the model's processor cannot be used: {problem}", param="model_path") from problem

    def _kinds(self, model: Any) -> Iterator[str]:
        if "image" in model.input_modalities and getattr(self.processor, "image_processor", None) is not None:
            yield "image"
        if "audio" in model.input_modalities and getattr(_listener(self.processor), "sampling_rate", None) == _RATE:
            yield "audio"

    def _keeps(self, content: Callable[[str], Any]) -> bool:
        """Whether the chat template writes the texts of contents that are made by ``content``."""
        try:
            prompt = self.processor.apply_chat_template(
                [{"role": role, "content": content(text)} for role, text in _PROBES], tokenize=False
            )
        except Exception:  # noqa: BLE001  # a template may raise anything: then it is not made for such contents
            return False
        return all(text in prompt for _, text in _PROBES) and "'text'" not in prompt

    def _content(self, message: Message, shown: Iterator[Media], pixels: PixelRange) -> Any:
        if not self._lists and not any(message.media):
            return message.text
        return [self._part(part, shown, pixels) for part in message.parts]

    def _part(self, part: Any, shown: Iterator[Media], pixels: PixelRange) -> dict[str, Any]:
        if isinstance(part, TextPart):
            return {"type": "text", "text": part.text}
        if isinstance(part, RefusalPart):
            return {"type": "text", "text": part.refusal}
        media = next(shown)
        if media.kind == "image":
            if part.image_url.detail == "low":
                pixels = PixelRange(most=LOW).within(pixels)
            return {"type": "image", "image": pixels.fitted(flat(opened(media.data, "messages")))}
        return {"type": "audio", "audio": _sound(media.data, self.hears_s)}


def _listener(processor: Any) -> Any:
    """The part of a processor that reads sound; None where there is none."""
    return getattr(processor, "feature_extractor", None) or getattr(processor, "audio_processor", None)


def _heard_at_once(processor: Any) -> float:
    """How many seconds of sound a processor takes; what is longer it would cut in silence."""
    if longest := getattr(processor, "max_audio_len", None):
        return float(longest)
    listener = _listener(processor)
    defaults = {name: one.default for name, one in signature(type(listener).__call__).parameters.items()}
    windows = hasattr(processor, "_retrieve_input_features")  # as many as the sound is long
    if windows or not defaults.get("truncation", False):
        return float("inf")
    samples = defaults.get("max_length")
    return float(getattr(listener, "chunk_length", 0) or (samples / _RATE if isinstance(samples, int) else "inf"))


def _sound(data: bytes, most_s: float) -> Any:
    from workers.engines.media.recording import Recording

    with Recording(data, most_s + _ROUNDED, "messages") as recording:
        return np.concatenate(list(recording.parts()))
