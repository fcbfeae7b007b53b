"""Loads a transformers model: weights, tokenizer, and what computes its answers, with a bounded cache."""

import logging
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import transformers
from jinja2 import TemplateSyntaxError

from models.engines import refuse_unserved
from models.errors import EngineFailure, InvalidRequest, UnsupportedParameter
from models.launching.about import PROCESSORS
from models.launching.options.text import TransformersOptions
from workers.engines.accelerator.card import Card
from workers.engines.accelerator.memory import Attention, kv_tokens
from workers.engines.accelerator.precision import text_dtype
from workers.engines.accelerator.threads import TORCH_ON_GPU, cores, host_threads
from workers.engines.accelerator.torch_card import card_of
from workers.engines.base import Capacity, EngineSite, Report, torch_device
from workers.engines.foreign_code import foreign_code
from workers.engines.media.pixels import PixelRange
from workers.engines.missing_packages import lacking, package_in
from workers.engines.missing_weights import refuse_absurd, refuse_half, refuse_missing
from workers.engines.structured.grammar_wire import Setup
from workers.engines.structured.grammars import Grammars
from workers.engines.text.dialects import Dialect, dialect_of, probed
from workers.engines.text.tokenizer_files import refuse_unread
from workers.engines.transformers.hearing.asking import Asker, asker_of, tried
from workers.engines.transformers.router import Router
from workers.engines.transformers.scoring import Scorer
from workers.engines.transformers.seeing.processor import templated
from workers.engines.transformers.seeing.reader import PromptReader, Read, is_multimodal
from workers.engines.transformers.starting import PAGE, batching_of, warm
from workers.engines.transformers.stepper import Bounds
from workers.engines.transformers.vocabulary import Name, name_of
from workers.engines.transformers.ways import Way, context_of, settle_positions, way_of

log = logging.getLogger(__name__)

_Decode = Callable[[list[int]], str]


@dataclass(frozen=True, slots=True)
class LoadedTransformer:
    """A loaded model. ``manager`` is a running ContinuousBatchingManager, ``tokenizer`` a fast tokenizer.

    ``router`` gets the manager's outputs; ``most`` requests are computed at once; ``scorer`` computes the log
    probabilities of prompts. For a model that sees or hears,
    ``manager`` is a Stepper, and ``reader`` reads its prompts. ``decode`` leaves special tokens out;
    ``decode_marked`` leaves them out, except those that mark tool calls and thoughts (``marks``: their ids). For one
    that hears ``asker`` asks for the text of clips, of ``clip_s`` seconds at most.
    """

    manager: Any
    router: Router
    scorer: Scorer
    tokenizer: Any
    most: int
    context: int
    vocabulary: int
    ends: list[int]
    sampling: dict[str, Any]
    decode: _Decode
    decode_marked: _Decode
    name_of: Callable[[int], Name]
    dialect: Dialect
    marks: dict[str, int]
    grammars: Grammars
    way: Way
    reader: PromptReader | None = None
    asker: Asker | None = None
    clip_s: float = 0.0

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.most, self.context)

    @property
    def takes(self) -> frozenset[str]:
        """The types of message parts that the model takes beside text."""
        return frozenset() if self.reader is None else self.reader.takes


def _unreadable(site: EngineSite, error: Exception) -> InvalidRequest:
    """Why the files cannot be read."""
    if "trust_remote_code" in str(error) and not site.trust_remote_code:
        return foreign_code("its network")
    return InvalidRequest(f"cannot load {site.source}: {error}", param="model_path")


def load_model(site: EngineSite, options: TransformersOptions, report: Report) -> LoadedTransformer:
    """Load, start and warm a model."""
    site = replace(site, device=torch_device(site.device))
    card = _card(site, options)
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    report("loading", 0.0)
    try:
        model, tokenizer, reader, way = _read(site, options, card)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise _unreadable(site, error) from error
    report("loading", 1.0)
    dialect = _dialect(templated(tokenizer, reader and reader.processor, options.chat_template), options)
    text = model.config.get_text_config()
    context = context_of(text, options.n_ctx)
    ends = _ends(model, tokenizer)
    router = Router()
    batch, tokens = _bounds(model, options, context)
    bounds = Bounds(options.max_requests, tokens, batch)
    asker = None if reader is None else asker_of(reader, model.config.model_type)
    manager = batching_of(way, model, tokenizer.pad_token_id, bounds, ends, router)
    manager.start()
    try:
        report("warming", 0.0)
        warm(manager, router, *(_some_ids(text.vocab_size) if reader is None else tried(reader, asker)))
    except BaseException:
        manager.stop(block=True, timeout=10, hard_stop=True)
        raise
    decode, decode_marked, marks = _decoders(tokenizer, dialect)
    names = cache(partial(name_of, tokenizer))
    return LoadedTransformer(
        manager=manager,
        router=router,
        scorer=Scorer(model, manager, names),
        most=options.max_requests,
        tokenizer=tokenizer,
        context=context,
        vocabulary=text.vocab_size,
        ends=ends,
        sampling=_default_sampling(model.generation_config),
        decode=decode,
        decode_marked=decode_marked,
        name_of=names,
        way=way,
        reader=reader,
        asker=asker,
        clip_s=min(options.clip_s, reader.hears_s) if reader and reader.hears_s else options.clip_s,
        dialect=dialect,
        marks=marks,
        grammars=Grammars(lambda: _setup(tokenizer, text.vocab_size, ends)),
    )


def _some_ids(vocabulary: int) -> Read:
    """A prompt to try a model with that takes text alone."""
    return [number % vocabulary for number in range(1, 33)], {}


def _card(site: EngineSite, options: TransformersOptions) -> Card | None:
    """The GPU, None for a CPU; from now on PyTorch has the threads that suit it."""
    card = card_of(site.device)
    threads = host_threads(options.n_threads, cores(), None if card is None else TORCH_ON_GPU)
    if threads is not None:
        torch.set_num_threads(threads)
    return card


def _dialect(tokenizer: Any, options: TransformersOptions) -> Dialect:
    dialect = dialect_of(tokenizer.chat_template, options.tool_format, options.reasoning_format)
    if not tokenizer.chat_template:
        return dialect
    render = partial(tokenizer.apply_chat_template, tokenize=False)
    _refuse_unreadable(render)
    return probed(dialect, render)


def _refuse_unreadable(render: Callable[[list[dict[str, str]]], Any]) -> None:
    """Raise InvalidRequest for a chat template that is not written in Jinja, which every chat would fail with."""
    try:
        render([{"role": "user", "content": "Look."}])
    except TemplateSyntaxError as error:
        raise InvalidRequest(f"the chat template cannot be read: {error}", param="model_path") from error
    except Exception as error:  # noqa: BLE001  # it may refuse these turns, and take others
        log.debug("the chat template refuses a short chat: %r", error)


def _decoders(tokenizer: Any, dialect: Dialect) -> tuple[_Decode, _Decode, dict[str, int]]:
    """``decode`` and ``decode_marked`` of ``LoadedTransformer``, and the ids of those marks that are special tokens."""
    added = tokenizer.added_tokens_decoder
    marks = {
        token.content: number
        for number, token in added.items()
        if token.content in dialect.marks or (token.special and any(token.content in mark for mark in dialect.marks))
    }
    hidden = {number for number, token in added.items() if token.special} - set(marks.values())

    def decode(ids: list[int]) -> str:
        text: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def decode_marked(ids: list[int]) -> str:
        shown = [token for token in ids if token not in hidden]
        text: str = tokenizer.decode(shown, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    return decode, decode_marked if any(added[token].special for token in marks.values()) else decode, marks


def _read(
    site: EngineSite, options: TransformersOptions, card: Card | None
) -> tuple[Any, Any, PromptReader | None, Way]:
    source = Path(site.source)
    where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": site.trust_remote_code}
    more: dict[str, Any] = {"use_safetensors": True}
    if source.suffix == ".gguf":
        where |= {"gguf_file": source.name}
        more = {"quantization_config": transformers.GgufConfig(dequantize=True)}
        source = source.parent
    elif not source.is_dir():
        raise InvalidRequest(f"{source} is neither a directory nor a GGUF file", param="model_path")
    else:
        refuse_unread(source)
    whole = transformers.AutoConfig.from_pretrained(source, **where)
    config = _that_writes(whole)
    refuse_absurd(getattr(config.get_text_config(), "num_hidden_layers", None), Path(site.source))
    multimodal = is_multimodal(config)
    if config.is_encoder_decoder:
        raise InvalidRequest(
            f"{config.model_type} has an encoder and a decoder, which is not served", param="model_path"
        )
    refuse_unserved(site.source, config.to_dict())
    attention = None if options.attention == "auto" else options.attention
    way = way_of(config, attention, multimodal=multimodal)
    log.info("the answers of %s are computed by the %s%s", site.source, way.batching, f": {way.why}" * bool(way.why))
    if settle_positions(config, options.n_ctx) or config is not whole:
        more |= {"config": config}
    own = str(getattr(config, "dtype", None)).removeprefix("torch.")
    dtype = text_dtype(own, config.get_text_config().model_type, card) if options.dtype == "auto" else options.dtype
    if card is not None:
        more |= {"device_map": {"": site.device}}  # straight to the card, not through the host's memory
    reader = _reader(source, whole, options, where) if multimodal else None
    auto: Any = transformers.AutoModelForMultimodalLM if multimodal else transformers.AutoModelForCausalLM
    more |= {"ignore_mismatched_sizes": True, "output_loading_info": True}
    try:
        model, info = auto.from_pretrained(
            source, dtype=getattr(torch, dtype), attn_implementation=attention, **where, **more
        )
    except ImportError as error:
        raise _unread(site.source, config, error) from error
    refuse_missing(type(model).__name__, info)
    model.eval()
    refuse_half(model, info)
    tokenizer = reader.tokenizer if reader else _tokenizer(source, where)
    if tokenizer.vocab_size < 2:  # some classes make an empty one where there is no file
        raise InvalidRequest(
            f"beside the weights in {site.source} lies no tokenizer: fetch them whole", param="model_path"
        )
    return model, tokenizer, reader, way


def _that_writes(whole: Any) -> Any:
    """The configuration of the part that writes: all of it, but of Qwen-Omni not what speaks. Raises InvalidRequest."""
    thinker = getattr(whole, "thinker_config", None)
    if isinstance(thinker, dict):  # Qwen3-ASR, in a layout that transformers has under another name
        raise InvalidRequest(
            f"this {whole.model_type} is laid out for its makers' own package: take the one for transformers, "
            "whose name ends in '-hf', or launch it on vllm (model_engine 'vllm')",
            param="model_path",
        )
    return thinker or whole


def _reader(source: Path, config: Any, options: TransformersOptions, where: dict[str, Any]) -> PromptReader | None:
    """What reads the prompts of a model that could see or hear; None where no processor lies beside it."""
    if any((source / name).is_file() for name in PROCESSORS):
        return PromptReader(source, config, PixelRange(options.min_pixels, options.max_pixels), **where)
    log.info("beside %s lies no processor for pictures or sound: it takes text alone", source)
    return None


def _tokenizer(source: Path, where: dict[str, Any]) -> Any:
    """The tokenizer in a folder, a fast one, also where Mistral's own library is installed."""
    return transformers.AutoTokenizer.from_pretrained(source, mistral_format=False, **where)


def _unread(source: str, config: Any, error: ImportError) -> InvalidRequest:
    """The error for weights that a package would be needed for: nearly always quantised ones."""
    quantised = getattr(config, "quantization_config", None)
    method = quantised.get("quant_method") if isinstance(quantised, dict) else None
    if method is None and (package := package_in(error)):
        return lacking(package, "this model")
    if method is None:
        return InvalidRequest(f"cannot load {source}: {error}", param="model_path")
    return InvalidRequest(
        f"the weights are quantised by {str(method)[:40]}, which the transformers engine does not read: launch them on "
        f"vllm (model_engine 'vllm'), or as a GGUF file on llama_cpp",
        param="model_engine",
    )


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """The token ids that end an answer."""
    ends: set[int] = set()
    for named in (
        model.generation_config.eos_token_id,
        model.config.get_text_config().eos_token_id,
        tokenizer.eos_token_id,
    ):
        ends.update([named] if isinstance(named, int) else named or [])
    return sorted(ends)


def _setup(tokenizer: Any, vocabulary: int, ends: list[int]) -> Setup:
    """The first message to the process that follows grammars. Raises UnsupportedParameter."""
    if not ends or not tokenizer.is_fast:
        raise UnsupportedParameter("this model's answers cannot be held to a form: its tokenizer lacks what it takes")
    plain = copy(tokenizer.backend_tokenizer)
    plain.no_padding()
    plain.no_truncation()
    return Setup(plain.to_str(), max(vocabulary, len(tokenizer)), ends)


def _default_sampling(config: Any) -> dict[str, Any]:
    """The model's own defaults for what a request does not set; OpenAI's where the model has none."""
    set_there = config.to_diff_dict()
    names = {
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "min_p": "min_p",
        "repetition": "repetition_penalty",
    }
    advised = {ours: set_there[theirs] for ours, theirs in names.items() if set_there.get(theirs) is not None}
    return {"temperature": 1.0} | advised


def _bounds(model: Any, options: TransformersOptions, context: int) -> tuple[int, int]:
    """The most tokens of one step, and of the cache. Raises EngineFailure where the card has no room for a context."""
    card = card_of(model.device)
    batch = max(options.max_batch_tokens or (512 if card is None else 2048), options.max_requests)
    least = context + PAGE
    if options.kv_tokens is not None or card is None:
        return batch, max(options.kv_tokens or 2 * context, least)
    attention, number = _attention(model.config.get_text_config()), model.dtype.itemsize
    if attention is None:
        return batch, max(8 * context, least)
    most = max(options.max_requests * context, least)
    logits = options.max_requests if model._supports_logits_to_keep() else batch
    fitting = kv_tokens(card, attention, number, most=most, batch=batch, logits=logits)
    if fitting < least:
        raise EngineFailure(
            f"there is no room for the cache of one context: {least} tokens take "
            f"{least * attention.token_bytes(number) / 1e9:.1f} GB, and of the GPU's {card.total_bytes / 1e9:.1f} GB "
            f"{card.free_bytes / 1e9:.1f} are free beside the weights; a smaller 'n_ctx' needs less",
            param="n_ctx",
        )
    return batch, fitting


def _attention(config: Any) -> Attention | None:
    """The numbers of a text configuration; None where it has others, as those of state spaces have."""
    layers, heads = getattr(config, "num_hidden_layers", None), getattr(config, "num_attention_heads", None)
    if not isinstance(layers, int) or not isinstance(heads, int) or heads <= 0:
        return None
    sizes = [getattr(config, name, None) or 0 for name in ("head_dim", "qk_head_dim", "v_head_dim")]
    return Attention(
        layers=layers,
        heads=heads,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_size=max(sizes) or config.hidden_size // heads,
        hidden_size=config.hidden_size,
        vocabulary=config.vocab_size,
        masks=len(set(getattr(config, "layer_types", None) or ["full_attention"])),
    )
