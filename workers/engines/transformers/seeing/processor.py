"""Opens a model's processor, also where a part of it that is never used here is not available.

The processors of many models that see pictures take videos, too. Some folders lack the settings for that, and without
torchvision there is no such part at all. Pictures do not need it, so a stand-in takes the place of the part for videos.
"""

from pathlib import Path
from typing import Any

import transformers
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from models.errors import InvalidRequest
from workers.engines.media.processors import without_videos


def open_processor(source: Path, config: Any, **where: Any) -> Any:
    """The processor in a model's folder. ``where`` is as for ``from_pretrained``. Raises InvalidRequest."""
    auto: Any = transformers.AutoProcessor
    try:
        processor = auto.from_pretrained(source, mistral_format=False, **where)  # whose tokenizer is no fast one
    except (ImportError, ValueError, OSError, AttributeError, TypeError) as error:
        processor = without_videos(PROCESSOR_MAPPING.get(type(config), None), source, where, error)
    if getattr(processor, "tokenizer", None) is None:
        raise InvalidRequest("beside the model lies no processor for pictures or sound", param="model_path")
    if not getattr(processor, "chat_template", None):
        processor.chat_template = processor.tokenizer.chat_template
    return processor


def templated(tokenizer: Any, processor: Any, chat_template: str | None) -> Any:
    """The tokenizer, and with it the processor that there may be, with another chat template; None: with its own."""
    if chat_template is not None:
        for one in filter(None, (tokenizer, processor)):
            one.chat_template = chat_template
    return tokenizer
