"""Making a model of sentence-transformers resident: a bi-encoder for embeddings, or a cross-encoder for rerank."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import AutoConfig

from models.engines import FACTS
from models.errors import EngineFailure, InvalidRequest
from models.launching.engine_choice import description, fits, refuse_misfit
from models.launching.options.vectors import Modality, SentenceTransformersOptions
from models.launching.peek import peek_at
from models.modalities.embeddings import MOST_TOKENS
from workers.engines.accelerator.faults import kind_of, lasting
from workers.engines.accelerator.precision import encoder_dtype
from workers.engines.accelerator.threads import TORCH_ON_GPU, host_threads
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import Capacity, EngineSite, Report, torch_device
from workers.engines.foreign_code import foreign_code
from workers.engines.missing_weights import loading_infos, refuse_missing
from workers.engines.sentence_transformers.asking import causal_reranker, pair_frame, text_frames
from workers.engines.sentence_transformers.batcher import TokenSequence
from workers.engines.sentence_transformers.foreign import refuse_code
from workers.engines.sentence_transformers.forward import Bags, Forward, Padding, activation_of, scores, vectors
from workers.engines.sentence_transformers.frames import Frame
from workers.engines.sentence_transformers.heads import with_heads
from workers.engines.sentence_transformers.pooling import set_pooling
from workers.engines.sentence_transformers.rows import FramedReader
from workers.engines.sentence_transformers.text import SequenceReader
from workers.engines.text.tokenizer_files import refuse_unread

_log = logging.getLogger(__name__)

_MODALITIES: dict[str, Modality] = {"embedding": "embeddings", "rerank": "rerank"}
"""What a model of this type serves."""


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """A resident model. ``forward`` gives a row of float32 for each sequence; ``unit``: of length 1.

    ``prompts`` by name, the default one under ""; ``threads`` of each lane. ``dimensions`` of an embedding, of which
    ``shown`` many are given to requests that ask for none. ``told``: what is known of the model now that it is loaded.
    ``pooled_prompt``: a prompt counts for an embedding like the text itself. ``budget`` of a batch in tokens,
    ``max_batch`` in sequences; ``max_inflight`` requests at once. ``heads``: what it gives of tokens, too, by its kind,
    and how many numbers of each.
    """

    modality: Modality
    reader: SequenceReader
    forward: Forward
    lanes: int
    threads: int
    budget: int
    max_batch: int
    max_inflight: int
    dimensions: int = 0
    shown: int = 0
    unit: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    pooled_prompt: bool = True
    heads: Mapping[int, int] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

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
        if not placement.trust_remote_code:
            refuse_code(source)
        refuse_unread(source)
        read = _reranker if modality == "rerank" else _embedder
        with loading_infos() as infos:
            asked = read(source, _keywords(source, placement, options), options)
    except UnpicklingError as error:
        raise InvalidRequest(
            f"{source} has pickled weights that are more than tensors, which could run code: they are not read",
            param="model_path",
        ) from error
    except (OSError, ValueError, ImportError, KeyError, AttributeError) as error:
        if "trust_remote_code" in str(error) and not placement.trust_remote_code:
            raise foreign_code("its network") from error
        raise InvalidRequest(f"cannot load {source}: {error}", param="model_path") from error
    for network, info in infos:
        refuse_missing(network, info, pooled=modality == "rerank")
    report("loading", 1.0)
    loaded = _describe(asked, modality, placement.device, options)
    _log.info("%s: %s", source, ", ".join(f"{name} {value}" for name, value in loaded.told.items()))
    report("warming", 0.0)
    _warm(loaded)
    report("warming", 1.0)
    return loaded


def _warm(loaded: LoadedEncoder) -> None:
    """Compute a few rows: the first take seconds, for which no client should wait.

    Raises InvalidRequest where the model cannot be computed whoever tries it, EngineFailure where memory or the device
    is to blame.
    """
    ids = next(loaded.reader.ids([[0] * 8], None, str))[0]
    rows = [TokenSequence(None, n, ids, [0] * len(ids)) for n in range(4)]  # type: ignore[arg-type]  # nobody asked
    try:
        loaded.forward(rows)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        _log.exception("the model cannot be computed")
        if not lasting(error):
            raise EngineFailure(f"sentence-transformers: {kind_of(error)}") from error
        raise InvalidRequest(
            f"the sentence_transformers engine cannot compute this model ({kind_of(error)})", param="model_path"
        ) from error


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model, and what goes around its texts: ``prompts`` by name, ``frames`` by prompt (empty: none)."""

    model: Any
    prompts: dict[str, str]
    frames: Mapping[str, Frame]
    told: dict[str, Any]
    source: Path


def _keywords(source: Path, placement: EngineSite, options: SentenceTransformersOptions) -> dict[str, Any]:
    """What the library's classes are told for every model."""
    named = _dtype(source, placement.device) if options.dtype == "auto" else options.dtype
    dtype: Any = named if named == "auto" else getattr(torch, named)
    safe = any(any(folder.glob("*.safetensors")) for folder in (source, source / "0_Transformer"))
    network = {"dtype": dtype, "use_safetensors": safe}  # what is pickled transformers reads as data alone, too
    if options.attention is not None:  # else the library takes sdpa where the network has it
        network["attn_implementation"] = options.attention
    return {
        "device": placement.device,
        "local_files_only": True,
        "trust_remote_code": placement.trust_remote_code,
        "model_kwargs": network,
    }


def _embedder(source: Path, keywords: dict[str, Any], options: SentenceTransformersOptions) -> _Asked:
    model = SentenceTransformer(str(source), **keywords).eval()
    static = isinstance(model[0], StaticEmbedding)
    if not static:
        _check_text(model[0])
    told = set_pooling(model, options.pooling, assumed=not (source / "modules.json").is_file())
    prompts = _prompts(model.prompts, model.default_prompt_name, options)
    return _Asked(model, prompts, {} if static else text_frames(model[0], prompts.values()), told, source)


def _reranker(source: Path, keywords: dict[str, Any], options: SentenceTransformersOptions) -> _Asked:
    config = AutoConfig.from_pretrained(
        source, **{name: keywords[name] for name in ("local_files_only", "trust_remote_code")}
    )
    bare = not (source / "modules.json").is_file()
    if bare and str((config.architectures or [""])[0]).endswith("ForCausalLM"):
        return _causal(source, keywords, options)
    model = CrossEncoder(str(source), **keywords).eval()
    _check_text(model[0])
    if model.num_labels != 1:
        names = ", ".join(map(str, (model.config.id2label or {}).values()))[:100]
        raise ValueError(f"it sorts pairs into {model.num_labels} classes ({names}), and a reranker gives one score")
    prompts = _prompts(model.prompts, model.default_prompt_name, options)
    told = {"activation": type(activation_of(model, normalize=options.normalize)).__name__}
    found = pair_frame(model[0], prompts[""], options)
    if found is None:
        return _Asked(model, prompts, {}, told, source)
    return _Asked(model, prompts | {"": ""}, {"": found[1]}, told | {"pair_prompt": found[0]}, source)


def _causal(source: Path, keywords: dict[str, Any], options: SentenceTransformersOptions) -> _Asked:
    """A causal model that the library would ask for "yes" or "no" without the words that it was trained with."""
    own = {name: keywords[name] for name in ("local_files_only", "trust_remote_code")}
    network = Transformer(
        str(source),
        transformer_task="text-generation",
        model_kwargs=keywords["model_kwargs"] | own,
        processor_kwargs=dict(own),
        config_kwargs=dict(own),
    )
    _check_text(network)
    prompts = _prompts({}, None, options)
    model, whose, frame = causal_reranker(network, prompts[""], options)
    return _Asked(model.to(keywords["device"]).eval(), prompts | {"": ""}, {"": frame}, {"pair_prompt": whose}, source)


def _prompts(own: Any, default: str | None, options: SentenceTransformersOptions) -> dict[str, str]:
    """The prompts by name, the default one under "". Raises InvalidRequest where there is none of its name."""
    prompts = {**(own or {}), **options.prompts}
    default = options.default_prompt or default
    if default is not None and default not in prompts:
        raise InvalidRequest(f"there is no prompt '{default}'; there are {', '.join(prompts)}", param="default_prompt")
    return {"": prompts[default] if default else "", **prompts}


def _dtype(source: Path, device: str) -> str:
    """The number format for a launch that names none; on a CPU float32, since many lack the means for halves."""
    files = (source / "config.json", source / "0_Transformer" / "config.json")
    config: dict[str, Any] = next((json.loads(file.read_bytes()) for file in files if file.is_file()), {})
    own = config.get("dtype") or config.get("torch_dtype")
    return encoder_dtype(own, str(config.get("model_type")), card_of(device))


def _check_text(first: Any) -> None:
    """Raises ValueError for a model whose first module reads no text that can be batched here."""
    kind = type(first).__name__
    if not isinstance(first, Transformer):
        raise ValueError(f"it begins with {kind}, and what is served begins with a network of transformers")
    reads = type(first.processor).__name__
    if (
        isinstance(first.processor, transformers.ProcessorMixin)
        or not {"text", "message"} & first.modality_config.keys()
    ):
        raise ValueError(f"it reads pictures or sound beside text ({reads}), and only models of text are served")
    if not isinstance(first.processor, transformers.PreTrainedTokenizerFast):
        raise ValueError(f"its tokenizer ({reads}) is not a fast one, and only these are served")


def _describe(asked: _Asked, modality: Modality, device: str, options: SentenceTransformersOptions) -> LoadedEncoder:
    model, on_gpu = asked.model, device != "cpu"
    threads = host_threads(options.n_threads, torch.get_num_threads(), TORCH_ON_GPU if on_gpu else None)
    threads = threads or torch.get_num_threads()
    lanes = options.lanes or (1 if on_gpu else min(2, threads))
    static = isinstance(model[0], StaticEmbedding)
    tensors = Bags(device) if static else Padding(model[0], device)
    whole, shown = (0, 0) if modality == "rerank" else _widths(model)
    forward = (scores if modality == "rerank" else vectors)(model, tensors, normalize=options.normalize)
    heads: dict[int, int] = {}
    if shown and not static:
        forward, heads = with_heads(model, asked.source, tensors, forward, device)
    return LoadedEncoder(
        modality=modality,
        reader=_reader(asked, options),
        forward=forward,
        heads=heads,
        lanes=lanes,
        threads=max(threads // lanes, 1),
        budget=options.max_batch_tokens or (32_768 if on_gpu else 4096),
        max_batch=options.max_batch if static or _pads(model[0]) else 1,
        max_inflight=options.max_inflight,
        dimensions=whole,
        shown=shown,
        unit=options.normalize or isinstance(model[len(model) - 1], Normalize),
        prompts=asked.prompts,
        pooled_prompt=bool(asked.frames) or all(getattr(module, "include_prompt", True) for module in model),
        told=asked.told | ({"dimensions": shown} if shown else {}),
    )


def _reader(asked: _Asked, options: SentenceTransformersOptions) -> SequenceReader:
    first = asked.model[0]
    if isinstance(first, StaticEmbedding):
        first.tokenizer.post_processor = None  # the library puts no special tokens around such a text
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=first.tokenizer)  # type: ignore[no-untyped-call]
        return SequenceReader(tokenizer, options.max_length or MOST_TOKENS, first.num_embeddings)
    context, vocabulary = _context(asked.model, options), first.model.get_input_embeddings().num_embeddings
    if asked.frames:
        return FramedReader(first.tokenizer, context, vocabulary, asked.frames)
    return SequenceReader(first.tokenizer, context, vocabulary)


def _widths(model: Any) -> tuple[int, int]:
    """The numbers of an embedding: all of them, and as many as the model's configuration says are to be given."""
    cut, model.truncate_dim = model.truncate_dim, None
    whole = int(model.get_embedding_dimension() or 0)
    return whole, min(cut or whole, whole)


def _pads(first: Any) -> bool:
    """Whether sequences may share a batch. A decoder with a head finds the last token of each by the padding's id."""
    config = first.model.config
    finds = first.transformer_task == "sequence-classification" and not hasattr(first.model, "classifier")
    return not finds or config.get_text_config().pad_token_id is not None


def _context(model: Any, options: SentenceTransformersOptions) -> int:
    """Most tokens of one sequence: as the model says, or as asked, within the positions that it knows."""
    config = model[0].model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or 1 << 24
    if "roberta" in config.model_type or config.model_type in ("camembert", "mpnet"):
        positions -= (config.pad_token_id or 0) + 1  # they count from behind their padding token
    return int(min(options.max_length or model[0].max_seq_length or positions, positions))
