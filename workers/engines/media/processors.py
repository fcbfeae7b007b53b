"""Opens a processor of transformers, also where the part of it for videos is not available.

The processors of many models that see pictures take videos, too. Some folders lack the settings for that, and without
torchvision there is no such part at all. Pictures do not need it, so a stand-in takes the place of the part for videos.
"""

import sys
from pathlib import Path
from typing import Any

import transformers
from transformers.image_processing_utils import BaseImageProcessor

from models.errors import InvalidRequest
from workers.engines.missing_packages import lacking, package_in

_PARTS = {
    "tokenizer": transformers.AutoTokenizer,
    "image_processor": transformers.AutoImageProcessor,
    "feature_extractor": transformers.AutoFeatureExtractor,
}


class _NoVideos(BaseImageProcessor):
    """Takes the place of a video processor. Processors read these attributes of it."""

    model_input_names: list[str] = []  # noqa: RUF012  # transformers' own is one


def without_videos(base: Any, source: Path, where: dict[str, Any], error: Exception) -> Any:
    """A processor of the class ``base`` (None: unknown), which could not be opened because of ``error``.

    ``where`` is as for ``from_pretrained``. Raises InvalidRequest where the stand-in does not help.
    """
    if base is None or not {"video_processor"} < {*base.get_attributes()} <= {"video_processor", *_PARTS}:
        raise _unusable(error) from error
    stand_in: Any = _NoVideos
    videos = stand_in(merge_size=2, temporal_patch_size=2, num_frames=1, fps=1)

    class Processor(base):  # type: ignore[misc]
        """The model's own processor, except that it accepts the stand-in."""

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument is videos:
                return _NoVideos
            return super().check_argument_for_proper_class(argument_name, argument)

    parts: Any = _PARTS
    names = base.get_attributes()
    home: Any = sys.modules[base.__module__]
    if getattr(home, "num2words", videos) is None:  # SmolVLM's words for the times of frames
        home.num2words = _no_words
    try:
        arguments = [
            videos if name == "video_processor" else parts[name].from_pretrained(source, **where) for name in names
        ]
        settings, _ = base.get_processor_dict(source, **where)
        return Processor.from_args_and_dict(arguments, settings)
    except (ImportError, ValueError, OSError, AttributeError, TypeError) as another:
        raise _unusable(another) from another


def _unusable(error: Exception) -> InvalidRequest:
    if isinstance(error, ImportError) and "torchvision" in str(error).lower():
        why = "it needs torchvision: install the build that fits this PyTorch, beside the engine"
    elif isinstance(error, ImportError) and (package := package_in(error)):
        return lacking(package, "the model's processor")
    else:
        why = str(error).strip().splitlines()[0]
    return InvalidRequest(f"the model's processor cannot be loaded: {why}", param="model_path")


def _no_words(number: int) -> str:
    raise InvalidRequest(f"videos are not taken, and so frame {number} has no name")
