"""From a conversation with pictures and recordings to token ids and pixels: a processor of transformers, with care.

What the client writes stays text: a marker of the model's (for a turn's end, or a picture's place) that stands in it is
no marker. Pictures come upright, in RGB, over white where they are transparent; recordings as mono sound at 16 kHz.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MULTIMODAL_LM_MAPPING

from models.errors import InvalidRequest
from models.modalities import chat
from models.modalities.chat_messages import Media, Message, RefusalPart, TextPart

log = logging.getLogger(__name__)

_RATE = 16_000
_PARTS = {"image": frozenset(["image_url"]), "audio": frozenset(["input_audio", "audio_url"])}


def is_multimodal(config: Any) -> bool:
    """Whether a model of this configuration sees or hears."""
    if type(config) not in MODEL_FOR_MULTIMODAL_LM_MAPPING:
        return False
    parts = any(getattr(config, name, None) is not None for name in ("vision_config", "audio_config"))
    return parts or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING


class Reader:
    """A model's processor. ``takes``: the types of message parts that it reads beside text."""

    def __init__(self, source: Path, model: Any, **where: Any) -> None:
        """``where`` is as for ``from_pretrained``. Raises InvalidRequest where the processor lacks a package."""
        try:
            auto: Any = transformers.AutoProcessor
            self._processor = auto.from_pretrained(source, **where)
        except ImportError as error:
            raise InvalidRequest(f"the model's processor cannot be loaded: {error}", param="model_path") from error
        self.tokenizer = self._processor.tokenizer
        self.takes = frozenset[str]().union(*(_PARTS[kind] for kind in self._kinds(model)))

    def _kinds(self, model: Any) -> list[str]:
        offered = model.input_modalities
        found = ["image"] if "image" in offered and getattr(self._processor, "image_processor", None) else []
        hearing = getattr(self._processor, "feature_extractor", None)
        if "audio" in offered and getattr(hearing, "sampling_rate", None) == _RATE:
            found.append("audio")
        return found

    def read(
        self, body: chat.Request, media: Sequence[Media], opens: bool, more: dict[str, Any]
    ) -> tuple[list[int], dict[str, Tensor]]:
        """Token ids, and what the model takes beside them. ``more`` goes to the chat template."""
        shown = iter(media)
        messages = [_turn(one, shown) for one in body.messages]
        read = self._processor.apply_chat_template(
            messages,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=opens,
            sanitize_control_tokens=True,
            **more,
        )
        ids: list[int] = read.pop("input_ids")[0].tolist()
        read.pop("attention_mask", None)
        return ids, {name: one for name, one in read.items() if isinstance(one, Tensor)}


def _turn(message: Message, shown: Any) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    if message.name:
        turn["name"] = message.name
    turn["content"] = [_part(part, shown) for part in message.parts]
    return turn


def _part(part: Any, shown: Any) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, RefusalPart):
        return {"type": "text", "text": part.refusal}
    media: Media = next(shown)
    if media.kind == "image":
        from workers.pictures import flat, opened

        return {"type": "image", "image": flat(opened(media.data, "image_url"))}
    return {"type": "audio", "audio": _sound(media.data)}


def _sound(data: bytes) -> Any:
    from workers.engines.recording import Recording

    with Recording(data, float("inf"), "input_audio") as recording:
        return np.concatenate(list(recording.parts()))
