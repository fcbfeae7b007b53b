"""Loads a diffusers pipeline in the precision that suits the device, with what a launch puts beside it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError

from models.errors import InvalidRequest
from models.launching.options.pipelines import DiffusersOptions, PipelineOptions, VideoOptions
from models.launching.variants import variant
from models.modalities import samplers
from workers.engines.accelerator.card import Card
from workers.engines.accelerator.faults import out_of_memory
from workers.engines.accelerator.precision import picture_dtype
from workers.engines.accelerator.threads import TORCH_ON_GPU, cores, host_threads
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import EngineSite, Report, torch_device
from workers.engines.diffusers import adapters
from workers.engines.diffusers.index import parts_of, read_index
from workers.engines.diffusers.model import Model
from workers.engines.diffusers.single_file import SingleFile, checkpoint_at
from workers.engines.diffusers.tasks import refuse_other
from workers.engines.diffusers.video import families
from workers.engines.diffusers.video.model import VideoModel
from workers.engines.diffusers.weights.lone import LoneNetwork, lone_at
from workers.engines.diffusers.weights.processors import processors_of, refuse_lacking


def _threads(options: PipelineOptions, device: str) -> int | None:
    """CPU threads; None: as many as PyTorch takes by itself."""
    return host_threads(options.n_threads, cores(), None if device == "cpu" else TORCH_ON_GPU)


def load_model(site: EngineSite, report: Report) -> Model | VideoModel:
    """Load the weights. Raises InvalidRequest where they, or the options, cannot be used."""
    films = site.options.get("modality") == "videos"
    options: DiffusersOptions | VideoOptions = (VideoOptions if films else DiffusersOptions).read(site.options)
    site = replace(site, device=torch_device(site.device))
    card = card_of(site.device)
    _refuse(options, card)
    threads = _threads(options, site.device)
    if threads is not None:
        torch.set_num_threads(threads)
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = Path(site.source)
    lone = lone_at(folder, site, options, report) if isinstance(options, DiffusersOptions) else None
    alone = checkpoint_at(folder, trusted=site.trust_remote_code) if folder.is_file() and lone is None else None
    found = lone or alone
    index = read_index(folder, trusted=site.trust_remote_code) if found is None else found.index
    if isinstance(index["_class_name"], str):
        (families.refuse_other if films else refuse_other)(index["_class_name"])
        refuse_lacking(index["_class_name"])
    dtype = _dtype(options, index, card)
    report("loading", 0.05)
    base = _base(folder, index, dtype, options, site, found)
    report("loading", 0.6)
    for name, source in options.loras.items():
        adapters.add_lora(base, name, source)
    if options.loras:
        base.disable_lora()
    if options.vae_tiling and hasattr(getattr(base, "vae", None), "enable_tiling"):
        base.vae.enable_tiling()
    if isinstance(options, VideoOptions):
        if not options.cpu_offload:
            base.to(site.device)
        return VideoModel(base, options, site.device, threads, folder)
    return _of_pictures(base, options, site, dtype, threads)


def _refuse(options: DiffusersOptions | VideoOptions, card: Card | None) -> None:
    """Raise InvalidRequest for options that make no sense here."""
    if isinstance(options, DiffusersOptions) and options.scheduler and samplers.find(options.scheduler) is None:
        known = ", ".join(one.name for one in samplers.SAMPLERS)
        raise InvalidRequest(f"no sampler '{options.scheduler}'; there are {known}", param="scheduler")
    if options.cpu_offload and (card is None or card.unified):
        raise InvalidRequest("'cpu_offload' needs a GPU with memory of its own", param="cpu_offload")


def _of_pictures(
    base: Any, options: DiffusersOptions, site: EngineSite, dtype: torch.dtype, threads: int | None
) -> Model:
    control = adapters.controlnet(options.controlnet, dtype) if options.controlnet is not None else None
    if card_of(site.device) is not None and hasattr(getattr(base, "vae", None), "enable_slicing"):
        base.vae.enable_slicing()  # one picture after another: decoding takes more memory than drawing
    if not options.cpu_offload:
        base.to(site.device)
        if control is not None:
            control.to(site.device)
    model = Model(base, control, options, site.device, dtype, threads, Path(site.source))
    if options.scheduler:
        model.sampling.refuse(options.scheduler, param="scheduler")
    return model


def _dtype(options: PipelineOptions, index: dict[str, Any], card: Card | None) -> torch.dtype:
    named: str = options.dtype
    if named == "auto":
        classes = [cls for _, cls in parts_of(index).values()]
        named = picture_dtype(classes, card, transformer="transformer" in index)
    dtype: torch.dtype = getattr(torch, named)
    return dtype


def _base(
    folder: Path,
    index: dict[str, Any],
    dtype: torch.dtype,
    options: DiffusersOptions | VideoOptions,
    site: EngineSite,
    alone: SingleFile | LoneNetwork | None,
) -> Any:
    extra: dict[str, Any] = {}
    source, folder = folder, alone.folder if isinstance(alone, LoneNetwork) else folder
    if isinstance(options, DiffusersOptions) and not options.safety_checker and "safety_checker" in index:
        extra = {"safety_checker": None, "requires_safety_checker": False}
    files = [path.relative_to(folder).as_posix() for path in folder.glob("*/*.safetensors")]
    chosen = variant(files, half=site.device != "cpu" and dtype.itemsize == 2)
    if chosen is not None:
        extra["variant"] = chosen
    try:
        if isinstance(alone, SingleFile):
            return alone.load(dtype)
        if alone is not None:
            extra |= alone.load(dtype)
        return diffusers.DiffusionPipeline.from_pretrained(
            folder,
            dtype=_dtypes(index, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=site.trust_remote_code,
            **processors_of(folder, parts_of(index)),
            **extra,
        )
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError, ImportError) as error:
        raise InvalidRequest(f"cannot load {source}: {_first_line(error)}", param="model_path") from error
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        raise InvalidRequest(f"cannot load {source}: {_first_line(error)}", param="model_path") from error


def _dtypes(index: dict[str, Any], dtype: torch.dtype) -> Any:
    """The precision of each part. Wan's autoencoder is computed in full precision, as its makers do."""
    precise = parts_of(index).get("vae") == ("diffusers", "AutoencoderKLWan")
    return {"default": dtype, "vae": torch.float32} if precise else dtype


def _first_line(error: Exception) -> str:
    """What a library says of its failure, in short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
