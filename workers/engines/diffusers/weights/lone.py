"""Loads the network of a pipeline from a file that holds nothing else; other parts come from the pipeline's folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.engine_choice import lone_network
from models.launching.lone.networks import refuse_alone
from models.launching.options.pipelines import DiffusersOptions
from models.launching.peek import peek_at
from models.launching.peek_source import peek
from workers.engines.accelerator.faults import out_of_memory
from workers.engines.base import EngineSite, Report
from workers.engines.diffusers.index import parts_of, read_index

_LISTING_S = 30.0
_NETWORKS = ("transformer", "unet")


@dataclass(frozen=True, slots=True)
class LoneNetwork:
    """A network in one file, and the folder of the pipeline, with what its index says."""

    path: Path
    folder: Path
    index: dict[str, Any]

    def load(self, dtype: torch.dtype) -> dict[str, Any]:
        """The network, by the name that it has in the pipeline. Raises InvalidRequest where it is of another one."""
        parts, pipeline = parts_of(self.index), self.index["_class_name"]
        name = next((one for one in _NETWORKS if one in parts), "")
        cls: Any = getattr(diffusers, parts[name][1], None) if name else None
        if not hasattr(cls, "from_single_file"):
            raise InvalidRequest(f"diffusers reads no network of a {pipeline} from one file", param="base")
        more: dict[str, Any] = {"config": str(self.folder), "subfolder": name, "local_files_only": True}
        if self.path.suffix == ".gguf":
            more["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
        try:
            network = cls.from_single_file(str(self.path), torch_dtype=dtype, **more)
        except (LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            if out_of_memory(error):
                raise
            raise self._misfit(str(error).strip().partition("\n")[0][:200]) from error
        gaps = [one for one, tensor in network.named_parameters() if tensor.is_meta]
        if gaps:  # they would be drawn with as they are, which is noise
            raise self._misfit(f"it lacks {', '.join(gaps[:3])}")
        return {name: network}

    def _misfit(self, why: str) -> InvalidRequest:
        pipeline = self.index["_class_name"]
        return InvalidRequest(f"{self.path.name} is no network of 'base', a {pipeline} ({why})", param="base")


def lone_at(path: Path, site: EngineSite, options: DiffusersOptions, report: Report) -> LoneNetwork | None:
    """The network that lies alone in this file; None for a folder, or a whole checkpoint. May fetch its pipeline.

    Raises InvalidRequest where ``base`` is missing, or given in vain, and ModelFailed where it cannot be fetched.
    """
    network = lone_network(peek_at(path)) if path.is_file() else ""
    if not network:
        if options.base is not None:
            raise InvalidRequest("the weights have all parts: leave 'base' out", param="base")
        return None
    if options.base is None:
        raise refuse_alone(path.name, network)
    folder = _fetched(options.base, site, report)
    if not (folder / "model_index.json").is_file():
        raise InvalidRequest("'base' is no folder of a diffusers pipeline: it has no model_index.json", param="base")
    return LoneNetwork(path, folder, read_index(folder, trusted=site.trust_remote_code))


def _fetched(base: str, site: EngineSite, report: Report) -> Path:
    """The folder of the pipeline, which is fetched without the weights of its own network."""
    try:
        source = hub.parse(base)
        seen = peek(source, _LISTING_S)
        return hub.fetch(
            source,
            Path(site.cache),
            report,
            engine="diffusers",
            files=seen.files if seen else (),
            half=site.device != "cpu",
            without="transformer",
        )
    except InvalidRequest as error:
        raise InvalidRequest(f"'base': {error.message}", param="base") from error
