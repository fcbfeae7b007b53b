"""Loads a checkpoint of Stable Diffusion in one file, as Civitai has them.

Such a file has the weights alone. Configurations and tokenizers are those that lie beside it, where it lies in a
pipeline's folder, or else the published ones of its family.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_utils import infer_diffusers_model_type
from safetensors import SafetensorError, safe_open

from models.errors import InvalidRequest
from workers.engines.diffusers.clip.layouts import Layout, layout_of
from workers.engines.diffusers.index import read_index

_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
_SMALL = re.compile(r"(?<![a-z])(?:base|turbo|512)(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class SingleFile:
    """A checkpoint in one file, and where its configuration comes from: ``layout``, or None for its own folder."""

    path: Path
    index: dict[str, Any]
    layout: Layout | None

    def load(self, dtype: torch.dtype) -> Any:
        """The pipeline. Raises what diffusers raises."""
        if self.layout is None:
            return self._from(self.path.parent, dtype)
        with tempfile.TemporaryDirectory() as folder:
            self.layout.write(Path(folder))
            return self._from(Path(folder), dtype)

    def _from(self, folder: Path, dtype: torch.dtype) -> Any:
        cls = getattr(diffusers, self.index["_class_name"])
        return cls.from_single_file(str(self.path), config=str(folder), local_files_only=True, torch_dtype=dtype)


def checkpoint_at(path: Path, *, trusted: bool) -> SingleFile:
    """The checkpoint in this file. Raises InvalidRequest where it is none that can be loaded."""
    try:
        with safe_open(path, framework="pt") as file:
            names = {name: SimpleNamespace(shape=file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            said = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InvalidRequest(f"{path.name} is not a safetensors file, or is cut off", param="model_path") from error
    if _FIRST not in names:
        raise InvalidRequest(
            f"{path.name} is no whole checkpoint of Stable Diffusion 1, 2 or XL: launch the folder of a pipeline",
            param="model_path",
        )
    if (path.parent / "model_index.json").is_file():
        return SingleFile(path, read_index(path.parent, trusted=trusted), None)
    kind, small = infer_diffusers_model_type(names), bool(_SMALL.search(path.stem.lower()))
    layout = layout_of(
        kind,
        predicts="v_prediction" if _predicts_v(kind, names, said, small=small) else "epsilon",
        zero_snr="ztsnr" in names,
        channels=names[_FIRST].shape[1],
        small=small,
    )
    if layout is None:
        raise InvalidRequest(
            f"{path.name} is a checkpoint of the kind '{kind}', for which there is no configuration here: launch the "
            "folder of a pipeline",
            param="model_path",
        )
    return SingleFile(path, layout.index, layout)


def _predicts_v(kind: str, names: dict[str, Any], said: dict[str, str], *, small: bool) -> bool:
    """Whether the network predicts velocities: as the file says, else as the larger Stable Diffusion 2 does."""
    told = said.get("modelspec.prediction_type", "").lower()
    if told in ("v", "epsilon"):
        return told == "v"
    return "v_pred" in names or (kind == "v2" and not small)
