"""Making a model of sentence-transformers resident: a bi-encoder for embeddings, or a cross-encoder for rerank."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy
import torch
import transformers
from pydantic import Field
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer

from models.engines import FACTS
from models.errors import InvalidRequest
from models.launching.engine_choice import description, fits, refuse_misfit
from models.launching.peek import peek_at
from workers.engines.accelerator.precision import encoder_dtype
from workers.engines.accelerator.threads import TORCH_ON_GPU, host_threads
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import Capacity, EngineSite, Options, Report, torch_device
from workers.engines.sentence_transformers.batcher import TokenSequence
from workers.engines.sentence_transformers.text import SequenceReader

Modality = Literal["embeddings", "rerank"]

_MODALITIES: dict[str, Modality] = {"embedding": "embeddings", "rerank": "rerank"}
"""What a model of this type serves."""


class SentenceTransformersOptions(Options):
    """``None`` means what suits the device and the model."""

    modality: Modality | None = Field(None, description="What the weights are to serve; set from the model's type.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="float32 on a CPU; on a GPU the model's own, or what an old GPU computes well."
    )
    max_length: int | None = Field(None, ge=4, le=1 << 24, description="Tokens of one input, the model's own included.")
    max_batch_tokens: int | None = Field(
        None, ge=64, description="Of a batch, padding included; 4096 on a CPU, 32768 on a GPU."
    )
    max_batch: int = Field(256, ge=1, le=8192, description="Sequences of a batch.")
    max_inflight: int = Field(256, ge=1, le=4096, description="Requests at once.")
    n_threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; on a GPU 8 at most.")
    lanes: int | None = Field(
        None, ge=1, le=64, description="Batches computed at once, which share the threads; 2 on a CPU, 1 on a GPU."
    )
    normalize: bool = Field(
        False, description="Embeddings of length 1, scores from 0 to 1, also where not the model's."
    )
    prompts: dict[str, str] = Field(
        {}, description="Beside the model's own: what precedes a text, or a query of rerank."
    )
    default_prompt: str | None = Field(None, description="The one for requests without 'input_type', by name.")
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """A resident model. ``forward`` gives a row of float32 for each sequence; ``unit``: of length 1.

    ``prompts`` by name, the default one under ""; ``dimensions`` of an embedding; ``threads`` of each lane.
    ``pooled_prompt``: a prompt counts for an embedding like the text itself. ``budget`` of a batch in tokens,
    ``max_batch`` in sequences; ``max_inflight`` requests at once.
    """

    modality: Modality
    reader: SequenceReader
    forward: Callable[[Sequence[TokenSequence]], Any]
    lanes: int
    threads: int
    budget: int
    max_batch: int
    max_inflight: int
    dimensions: int = 0
    unit: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    pooled_prompt: bool = True

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.max_inflight, self.reader.context)


def load_model(placement: EngineSite, options: SentenceTransformersOptions, report: Report) -> LoadedEncoder:
    """Load and warm a model. Raises InvalidRequest where the weights are not what was asked for."""
    placement = replace(placement, device=torch_device(placement.device))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false" if placement.device == "cpu" else "true")
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    source = Path(placement.source)
    modality = _modality(source, options.modality)
    report("loading", 0.0)
    if placement.device.startswith("cuda"):
        torch.set_float32_matmul_precision("high")  # tensor cores multiply float32 as TF32, of 10 bits of fraction
    try:
        model = _read(source, modality, placement, options)
        _check(model, modality)
    except (OSError, ValueError, ImportError, KeyError, AttributeError) as error:
        raise InvalidRequest(f"cannot load {source}: {error}", param="model_path") from error
    report("loading", 1.0)
    loaded = _describe(model, modality, placement.device, options)
    report("warming", 0.0)
    ids = next(loaded.reader.ids([[0] * 8], None, str))[0]
    rows = [TokenSequence(None, n, ids, [0] * len(ids)) for n in range(4)]  # type: ignore[arg-type]  # nobody asked for them
    loaded.forward(rows)
    report("warming", 1.0)
    return loaded


def _modality(source: Path, asked: Modality | None) -> Modality:
    """What the weights are for. Raises InvalidRequest where they are evidently for another use than asked."""
    if not source.is_dir():
        raise InvalidRequest(
            f"{source} is no directory: sentence-transformers reads no single files", param="model_path"
        )
    seen, facts = peek_at(source), FACTS["sentence_transformers"]
    refuse_misfit(seen, facts)
    types = {_MODALITIES[fit.model_type]: fit.model_type for fit in fits(seen) if fit.engine is facts}
    if not types:
        raise InvalidRequest(
            f"{source} is {description(seen)}, which gives neither one vector for a text nor a score",
            param="model_path",
        )
    evident, model_type = next(iter(types.items()))
    if asked is not None and asked not in types:
        raise InvalidRequest(
            f"these weights serve {evident}: launch them with model_type '{model_type}'", param="model_type"
        )
    return asked or evident


def _read(source: Path, modality: Modality, placement: EngineSite, options: SentenceTransformersOptions) -> Any:
    named = _dtype(source, placement.device) if options.dtype == "auto" else options.dtype
    dtype: Any = named if named == "auto" else getattr(torch, named)
    keywords: dict[str, Any] = {
        "device": placement.device,
        "local_files_only": True,
        "trust_remote_code": placement.trust_remote_code,
        "model_kwargs": {"dtype": dtype, "use_safetensors": True, "attn_implementation": options.attention},
    }
    if modality == "rerank":
        return CrossEncoder(str(source), **keywords).eval()
    return SentenceTransformer(str(source), **keywords).eval()


def _dtype(source: Path, device: str) -> str:
    """The number format for a launch that names none; on a CPU float32, since many lack the means for halves."""
    files = (source / "config.json", source / "0_Transformer" / "config.json")
    config: dict[str, Any] = next((json.loads(file.read_bytes()) for file in files if file.is_file()), {})
    own = config.get("dtype") or config.get("torch_dtype")
    return encoder_dtype(own, str(config.get("model_type")), card_of(device))


def _check(model: Any, modality: Modality) -> None:
    """Raises ValueError for what cannot be batched here."""
    first = model[0]
    if not isinstance(first, Transformer) or "text" not in first.modality_config or "message" in first.modality_config:
        raise ValueError("its input is not plain text for a transformer")
    if not isinstance(first.processor, transformers.PreTrainedTokenizerFast):
        raise ValueError("it has no fast tokenizer")
    if modality == "rerank" and model.num_labels != 1:
        raise ValueError(f"a reranker gives one score, and this model gives {model.num_labels}")


def _describe(model: Any, modality: Modality, device: str, options: SentenceTransformersOptions) -> LoadedEncoder:
    network, tokenizer = model[0].model, model[0].tokenizer
    on_gpu = device != "cpu"
    threads = host_threads(options.n_threads, torch.get_num_threads(), TORCH_ON_GPU if on_gpu else None)
    threads = threads or torch.get_num_threads()
    lanes = options.lanes or (1 if on_gpu else min(2, threads))
    unit = options.normalize or isinstance(model[len(model) - 1], Normalize)
    prompts = {**(model.prompts or {}), **options.prompts}
    default = options.default_prompt or model.default_prompt_name
    if default is not None and default not in prompts:
        raise InvalidRequest(f"there is no prompt '{default}'; there are {', '.join(prompts)}", param="default_prompt")
    reader = SequenceReader(tokenizer, _context(model, options), network.get_input_embeddings().num_embeddings)
    pad = _Padding(tokenizer, device)
    return LoadedEncoder(
        modality=modality,
        reader=reader,
        forward=_scores(model, pad, options) if modality == "rerank" else _vectors(model, pad, options),
        lanes=lanes,
        threads=max(threads // lanes, 1),
        budget=options.max_batch_tokens or (32_768 if on_gpu else 4096),
        max_batch=options.max_batch,
        max_inflight=options.max_inflight,
        dimensions=0 if modality == "rerank" else model.get_embedding_dimension() or 0,
        unit=unit,
        prompts={"": prompts[default] if default else "", **prompts},
        pooled_prompt=all(getattr(module, "include_prompt", True) for module in model),
    )


def _context(model: Any, options: SentenceTransformersOptions) -> int:
    """Most tokens of one sequence: as the model says, or as asked, within the positions that it knows."""
    config = model[0].model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or 1 << 24
    if "roberta" in config.model_type or config.model_type in ("camembert", "mpnet"):
        positions -= (config.pad_token_id or 0) + 1  # they count from behind their padding token
    return int(min(options.max_length or model[0].max_seq_length or positions, positions))


class _Padding:
    """Makes a batch's tensors, padded to its longest sequence."""

    def __init__(self, tokenizer: Any, device: str) -> None:
        self._token = tokenizer.pad_token_id or 0
        self._left = tokenizer.padding_side == "left"
        self._types = "token_type_ids" in tokenizer.model_input_names
        self._device = device

    def __call__(self, rows: Sequence[TokenSequence]) -> dict[str, Any]:
        shape = len(rows), max(len(row.ids) for row in rows)
        ids = numpy.full(shape, self._token, numpy.int64)
        mask = numpy.zeros(shape, numpy.int64)
        types = numpy.zeros(shape, numpy.int64)
        for number, row in enumerate(rows):
            part = slice(shape[1] - len(row.ids), None) if self._left else slice(len(row.ids))
            ids[number, part] = row.ids
            mask[number, part] = 1
            if self._types and row.types:
                types[number, part] = row.types
        arrays = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._types else {})
        found: dict[str, Any] = {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}
        found["modality"] = "text"
        if rows[0].kind:
            found["prompt_length"] = rows[0].kind
        return found


def _vectors(
    model: Any, pad: _Padding, options: SentenceTransformersOptions
) -> Callable[[Sequence[TokenSequence]], Any]:
    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        found = model(pad(rows))["sentence_embedding"].float()
        if options.normalize:
            found = torch.nn.functional.normalize(found, dim=-1)
        return _finite(found)

    return forward


def _scores(
    model: Any, pad: _Padding, options: SentenceTransformersOptions
) -> Callable[[Sequence[TokenSequence]], Any]:
    activation = model.activation_fn
    if options.normalize and isinstance(activation, torch.nn.Identity):
        activation = torch.nn.Sigmoid()

    @torch.inference_mode()
    def forward(rows: Sequence[TokenSequence]) -> Any:
        return _finite(activation(model(pad(rows))["scores"].float()).reshape(len(rows)))

    return forward


def _finite(found: torch.Tensor) -> Any:
    """On the CPU, as numpy. Raises FloatingPointError."""
    values = found.cpu().numpy()
    if not numpy.isfinite(values).all():
        raise FloatingPointError("the model's numbers overflow: another dtype may help")
    return values
