"""Loads a diffusers pipeline: its options, its weights, and the modes in which it can draw."""

import contextlib
import inspect
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import diffusers
import torch
import transformers
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.variants import variant
from models.modalities import samplers
from workers.engines.accelerator.card import Card
from workers.engines.accelerator.memory import pictures_at_once
from workers.engines.accelerator.precision import picture_dtype
from workers.engines.accelerator.threads import TORCH_ON_GPU, cores, host_threads
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import Capacity, EngineSite, Options, Report, torch_device
from workers.engines.diffusers.batch import Mode, Shape

_SAFE_LIBRARIES = frozenset({None, "diffusers", "transformers"})
_PIPELINES: dict[Mode, Any] = {
    "text": diffusers.AutoPipelineForText2Image,
    "image": diffusers.AutoPipelineForImage2Image,
    "inpaint": diffusers.AutoPipelineForInpainting,
}
_Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class DiffusersOptions(Options):
    """What a launch may set. Size, steps, guidance and sampler are the model's own by default."""

    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    max_batch: int | None = Field(
        None, ge=1, le=64, description="Images drawn at once; by default 4, on a GPU 8, or as many as fit."
    )
    n_threads: int | None = Field(None, ge=1, le=256, description="CPU threads; on a GPU 8 at most.")
    default_size: _Size | None = None
    default_steps: int | None = Field(None, ge=1, le=250)
    default_guidance: float | None = Field(None, ge=0, le=100)
    scheduler: str | None = Field(None, max_length=100, description="The sampler of requests that name none.")
    max_pixels: int | None = Field(None, ge=4096, description="Of one image; by default 4 times the default size.")
    loras: dict[_Name, str] = Field({}, description="Adapters that requests may name: where each lies.")
    controlnet: str | None = Field(None, max_length=1000)
    cpu_offload: bool = Field(False, description="Keep on the GPU only the part that computes.")
    vae_tiling: bool = Field(False, description="Decode large images in tiles.")
    safety_checker: bool = Field(True, description="Run the model's own, where it has one.")
    preview_every_s: float | None = Field(1.0, ge=0, description="None: no previews.")


class Model:
    """A loaded model: one pipeline for each mode that it can draw in, all with the same weights."""

    def __init__(self, base: Any, control: Any, options: DiffusersOptions, device: str, dtype: torch.dtype) -> None:
        self.options = options
        self.threads = _threads(options, device)
        self._device = device
        self._number_bytes = dtype.itemsize
        self.base = base
        self.pipes = _pipes(base, control)
        for pipe in self.pipes.values():
            pipe.set_progress_bar_config(disable=True)
            if options.cpu_offload:
                pipe.enable_model_cpu_offload(device=device)
        self._arguments: dict[Mode, Any] = {
            mode: inspect.signature(pipe.__call__).parameters for mode, pipe in self.pipes.items()
        }
        self.loras = frozenset(options.loras)
        self._active_loras: tuple[tuple[str, float], ...] | None = None
        self._sampling: Any = base.scheduler
        unet = hasattr(base, "unet")
        self.multiple = getattr(base, "vae_scale_factor", 8) * (1 if unet else 2)  # a transformer joins 2x2 latents
        self.size = _default_size(base, options)
        self.most_pixels = options.max_pixels or 4 * self.size[0] * self.size[1]
        usual: Mode = next(iter(self.pipes))
        self.steps: int = options.default_steps or self.default(usual, "num_inference_steps", 30)
        guidance = options.default_guidance
        self.guidance = float(self.default(usual, self.guidance_name(usual), 0.0) if guidance is None else guidance)
        self.max_batch = options.max_batch or (4 if device == "cpu" else 8)
        self._images_together = unet  # other models take several given images as parts of one picture
        self.own_sampler = samplers.name_of(type(self._sampling).__name__, dict(self._sampling.config))

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``: one batch is drawn while another waits."""
        return Capacity(2 * self.max_batch, 0)

    def accepts(self, mode: Mode, name: str) -> bool:
        """Whether the pipeline has an argument of this name."""
        return name in self._arguments.get(mode, {})

    def default(self, mode: Mode, name: str, otherwise: Any) -> Any:
        """The pipeline's default for an argument; ``otherwise`` where it has none."""
        argument = self._arguments.get(mode, {}).get(name)
        if argument is None or argument.default in (None, inspect.Parameter.empty):
            return otherwise
        return argument.default

    def guidance_name(self, mode: Mode) -> str:
        """The pipeline's name for guidance: some call ``true_cfg_scale`` what others call ``guidance_scale``."""
        named = self._arguments.get(mode, {}).get("guidance_scale")
        true = named is None or named.default is None
        return "true_cfg_scale" if true and self.accepts(mode, "true_cfg_scale") else "guidance_scale"

    def batch_of(self, shape: Shape) -> int:
        """How many images of this shape may be drawn at once: on a GPU as many as now fit, unless the launch says."""
        if shape.mode != "text" and not self._images_together:
            return 1
        card = None if self.options.max_batch else card_of(self._device)
        if card is None:
            return self.max_batch
        return pictures_at_once(card, shape.width * shape.height, self._number_bytes, most=self.max_batch)

    def refuse_sampler(self, name: str) -> None:
        """Raises InvalidRequest where the model cannot be run with this sampler."""
        if type(self._sampling).__name__.startswith("FlowMatch") and name != "Euler":
            raise InvalidRequest("a flow matching model is sampled with 'Euler' alone", param="scheduler")

    def prepare(self, shape: Shape) -> Any:
        """The pipeline for this shape, with its sampler and its LoRAs. To be called in the drawing thread alone."""
        pipe = self.pipes[shape.mode]
        pipe.scheduler = self._scheduler(shape.sampler or self.options.scheduler)
        self._activate_loras(shape.loras)
        return pipe

    def _scheduler(self, name: str | None) -> Any:
        config = self._sampling.config
        sampler = samplers.find(name) if name else None
        if sampler is None or type(self._sampling).__name__.startswith("FlowMatch"):
            return type(self._sampling).from_config(config)  # a new one, since it keeps state from step to step
        return getattr(diffusers, sampler.scheduler).from_config(config, **sampler.options)

    def _activate_loras(self, loras: tuple[tuple[str, float], ...]) -> None:
        if loras == self._active_loras or not self.loras:
            return
        self._active_loras = None
        if loras:
            self.base.enable_lora()
            self.base.set_adapters([name for name, _ in loras], [scale for _, scale in loras])
        else:
            self.base.disable_lora()
        self._active_loras = loras


def _threads(options: DiffusersOptions, device: str) -> int | None:
    """CPU threads; None: as many as PyTorch takes by itself."""
    return host_threads(options.n_threads, cores(), None if device == "cpu" else TORCH_ON_GPU)


def load_model(site: EngineSite, report: Report) -> Model:
    """Load the weights. Raises InvalidRequest where they, or the options, cannot be used."""
    options = DiffusersOptions.read(site)
    site = replace(site, device=torch_device(site.device))
    if options.scheduler and samplers.find(options.scheduler) is None:
        known = ", ".join(one.name for one in samplers.SAMPLERS)
        raise InvalidRequest(f"no sampler '{options.scheduler}'; there are {known}", param="scheduler")
    card = card_of(site.device)
    if options.cpu_offload and (card is None or card.unified):
        raise InvalidRequest("'cpu_offload' needs a GPU with memory of its own", param="cpu_offload")
    threads = _threads(options, site.device)
    if threads is not None:
        torch.set_num_threads(threads)
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = Path(site.source)
    index = _read_index(folder, trusted=site.trust_remote_code)
    dtype = _dtype(options, index, card)
    report("loading", 0.05)
    base = _base(folder, index, dtype, options, site)
    report("loading", 0.6)
    control = _controlnet(options, dtype)
    for name, source in options.loras.items():
        _add_lora(base, name, source)
    if options.loras:
        base.disable_lora()
    report("loading", 0.8)
    if options.vae_tiling and hasattr(base, "vae"):
        base.vae.enable_tiling()
    if card is not None and hasattr(getattr(base, "vae", None), "enable_slicing"):
        base.vae.enable_slicing()  # one picture after another: decoding takes more memory than drawing
    if not options.cpu_offload:
        base.to(site.device)
        if control is not None:
            control.to(site.device)
    return Model(base, control, options, site.device, dtype)


def _read_index(folder: Path, *, trusted: bool) -> dict[str, Any]:
    """The content of ``model_index.json``. Raises InvalidRequest for a model with code that is not ``trusted``.

    diffusers would run any code that lies in the folder.
    """
    try:
        index: dict[str, Any] = json.loads((folder / "model_index.json").read_bytes())
        parts = {name: part for name, part in index.items() if isinstance(part, list)}
        libraries = {part[0] for part in parts.values()}
    except (OSError, ValueError, AttributeError, IndexError) as error:
        raise InvalidRequest(f"{folder} is not a diffusers pipeline: {error}", param="model_path") from None
    code = sorted(map(str, libraries - _SAFE_LIBRARIES)) or sorted(one.name for one in folder.rglob("*.py"))
    if (code or not isinstance(index.get("_class_name"), str)) and not trusted:
        raise InvalidRequest(
            f"the model brings code of its own ({', '.join(code)}); that needs trust_remote_code",
            param="trust_remote_code",
        )
    return index


def _dtype(options: DiffusersOptions, index: dict[str, Any], card: Card | None) -> torch.dtype:
    named: str = options.dtype
    if named == "auto":
        classes = [str(part[1]) for part in index.values() if isinstance(part, list) and len(part) > 1]
        named = picture_dtype(classes, card, transformer="transformer" in index)
    dtype: torch.dtype = getattr(torch, named)
    return dtype


def _base(folder: Path, index: dict[str, Any], dtype: torch.dtype, options: DiffusersOptions, site: EngineSite) -> Any:
    extra: dict[str, Any] = {}
    if not options.safety_checker and "safety_checker" in index:
        extra = {"safety_checker": None, "requires_safety_checker": False}
    files = [path.relative_to(folder).as_posix() for path in folder.glob("*/*.safetensors")]
    chosen = variant(files, half=site.device != "cpu" and dtype.itemsize == 2)
    if chosen is not None:
        extra["variant"] = chosen
    try:
        return diffusers.DiffusionPipeline.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=site.trust_remote_code,
            **extra,
        )
    except (OSError, SafetensorError, AttributeError, KeyError) as error:
        raise InvalidRequest(f"cannot load {folder}: {error}", param="model_path") from error


def _pipes(base: Any, control: Any) -> dict[Mode, Any]:
    """The modes that these weights can draw in, each with its pipeline."""
    channels = getattr(getattr(base, "unet", None), "config", {}).get("in_channels", 4)
    classes = {"inpaint": _PIPELINES["inpaint"]} if channels == 9 else _PIPELINES
    pipes: dict[Any, Any] = {}
    for mode, cls in classes.items():
        with contextlib.suppress(ValueError):  # this family of models has no such pipeline
            pipes[mode] = cls.from_pipe(base)
    if control is not None:
        try:
            pipes["control"] = _PIPELINES["text"].from_pipe(base, controlnet=control)
        except ValueError as error:
            raise InvalidRequest(f"this model takes no ControlNet: {error}", param="controlnet") from error
    return pipes or {"text": base}


def _default_size(base: Any, options: DiffusersOptions) -> tuple[int, int]:
    if options.default_size:
        width, _, height = options.default_size.partition("x")
        return int(width), int(height)
    network = getattr(base, "unet", None) or getattr(base, "transformer", None)
    sample = getattr(base, "default_sample_size", None) or getattr(network, "config", {}).get("sample_size") or 128
    side = (sample if isinstance(sample, int) else max(sample)) * getattr(base, "vae_scale_factor", 8)
    return side, side


def _local(source: str, param: str) -> Path:
    parsed = hub.parse(source)
    path = Path(parsed.name)
    if parsed.kind != "path" or not path.exists():
        raise InvalidRequest(f"'{param}' must be a path on this machine, and exist: {source}", param=param)
    return path


def _controlnet(options: DiffusersOptions, dtype: torch.dtype) -> Any:
    if options.controlnet is None:
        return None
    folder = _local(options.controlnet, "controlnet")
    try:
        name = json.loads((folder / "config.json").read_bytes())["_class_name"]
        if not re.fullmatch(r"[A-Za-z0-9]*ControlNet[A-Za-z]*Model", name):
            raise InvalidRequest(f"{folder} holds a {name}, not a ControlNet", param="controlnet")
        return getattr(diffusers, name).from_pretrained(folder, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        raise InvalidRequest(f"cannot load the ControlNet {folder}: {error}", param="controlnet") from error


def _add_lora(base: Any, name: str, source: str) -> None:
    path = _local(source, "loras")
    if path.is_dir():
        inside = sorted(path.glob("*.safetensors"))
        if len(inside) != 1:
            raise InvalidRequest(f"{path} holds {len(inside)} safetensors: name one", param="loras")
        path = inside[0]
    if not hasattr(base, "load_lora_weights"):
        raise InvalidRequest("this model takes no LoRA", param="loras")
    try:
        base.load_lora_weights(load_file(path), adapter_name=name)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidRequest(f"cannot load the LoRA {path}: {error}", param="loras") from error
