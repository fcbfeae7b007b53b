"""Opens a model's processor, also where a part of it that is never used here is not available.

The processors of many models that see pictures take videos, too, for which transformers needs torchvision. The usual
registry has no build of it that fits torch's build for CPUs. Pictures do not need it, so a stand-in takes the place of
the part for videos.
"""

from pathlib import Path
from typing import Any

import transformers
from transformers.image_processing_utils import BaseImageProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from models.errors import InvalidRequest

_PARTS = {
    "tokenizer": transformers.AutoTokenizer,
    "image_processor": transformers.AutoImageProcessor,
    "feature_extractor": transformers.AutoFeatureExtractor,
}


class _NoVideos(BaseImageProcessor):
    """Takes the place of a video processor. Processors read these attributes of it."""

    model_input_names: list[str] = []  # noqa: RUF012  # transformers' own is one


def open_processor(source: Path, config: Any, **where: Any) -> Any:
    """The processor in a model's folder. ``where`` is as for ``from_pretrained``. Raises InvalidRequest."""
    auto: Any = transformers.AutoProcessor
    try:
        processor = auto.from_pretrained(source, **where)
    except ImportError as error:
        if "torchvision" not in str(error).lower():
            raise InvalidRequest(f"the model's processor cannot be loaded: {error}", param="model_path") from error
        processor = _without_videos(source, config, where, error)
    if getattr(processor, "tokenizer", None) is None:
        raise InvalidRequest("beside the model lies no processor for pictures or sound", param="model_path")
    if not processor.chat_template:
        processor.chat_template = processor.tokenizer.chat_template
    return processor


def _without_videos(source: Path, config: Any, where: dict[str, Any], error: ImportError) -> Any:
    base: Any = PROCESSOR_MAPPING.get(type(config), None)
    if base is None or not {"video_processor"} < {*base.get_attributes()} <= {"video_processor", *_PARTS}:
        raise InvalidRequest(f"the model's processor needs torchvision: {error}", param="model_path") from error
    stand_in: Any = _NoVideos
    videos = stand_in(merge_size=2, temporal_patch_size=2)

    class Processor(base):  # type: ignore[misc]
        """The model's own processor, except that it accepts the stand-in."""

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument is videos:
                return _NoVideos
            return super().check_argument_for_proper_class(argument_name, argument)

    parts: Any = _PARTS
    names = base.get_attributes()
    arguments = [
        videos if name == "video_processor" else parts[name].from_pretrained(source, **where) for name in names
    ]
    settings, _ = base.get_processor_dict(source, **where)
    return Processor.from_args_and_dict(arguments, settings)
