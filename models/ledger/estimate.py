"""Estimates what a model needs on an engine, from the headers of its files and the options of a launch. Pure.

What an engine takes beside weights and cache are figures that were measured on a CPU (``bench/memory.py``); on a GPU it
is the context of CUDA and the intermediate results of a step.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.launching.defaults.sizes import side_of
from models.launching.options.context import known_positions
from models.ledger import cache, precision
from models.ledger.headers import Headers
from models.ledger.need import MIB, Need, Target

LIBRARIES: dict[str, int] = {
    "llama_cpp": 60 * MIB,
    "transformers": 400 * MIB,
    "sentence_transformers": 400 * MIB,
    "diffusers": 475 * MIB,
    "faster_whisper": 94 * MIB,
    "hibari": 195 * MIB,
    "piper": 145 * MIB,
    "kokoro": 570 * MIB,
    "vllm": 1536 * MIB,
}
"""What an engine's libraries take in a process on a CPU, with what they read beside the weights."""

TOKEN_BYTES = 1 << 10
"""What a token of its vocabulary takes in a tokenizer of the host."""
NOTHING_BYTES = 40 * MIB
"""A process without a library of an engine."""
CONTEXT_BYTES = 512 * MIB
"""The context of CUDA and what its libraries take of a GPU."""
LLAMA_CPP_COMPUTE_BYTES = 512 * MIB
"""What llama.cpp takes of a GPU for intermediate results, at its default ``n_ubatch``."""
PICTURE_BYTES = 600
"""Of intermediate results, for each pixel of a picture and each byte of a number, with guidance: SDXL's, rounded up."""
_FLOATS = ("F64", "F32", "F16", "BF16")


class Defaults(NamedTuple):
    """What an engine takes where a launch does not say: tokens of a request, and how many requests at once."""

    context: int
    requests: int


DEFAULTS: dict[str, Defaults] = {"llama_cpp": Defaults(4096, 8), "transformers": Defaults(4096, 32)}
"""As the engines' own options have it; ``tests/models/ledger/test_estimate.py`` compares the two."""
_PAGE = 64
WHISPER_POSITIONS = 1500
"""The positions of a clip of 30 s."""
ARCHITECTURE = "general.architecture"


def estimate(engine: str, headers: Headers | None, options: Mapping[str, Any], target: Target) -> Need:
    """What the model needs on a device of this kind. Options that make no sense count as not given.

    ``headers``: None for an engine without weights.
    """
    if headers is None:
        return Need(0, NOTHING_BYTES)
    if engine not in _ENGINES:
        return Need(sum(headers.sizes.values()), NOTHING_BYTES, unknown=(f"what {engine} takes beside its files",))
    return _ENGINES[engine](headers, options, target)


def _transformers(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    if headers.facts:
        return _dequantised(headers, options, target)
    config, text = headers.config, cache.text_config(headers.config)
    own = _text(text.get("dtype") or text.get("torch_dtype") or config.get("dtype") or config.get("torch_dtype"))
    dtype = _named(options) or precision.of_text(own, str(text.get("model_type")), target.computes)
    number = precision.BYTES[dtype]
    layout = cache.of_config(config, number, latent=False, windows=False)
    known = known_positions(text)
    weights = _loaded(headers, number, "thinker." if "thinker_config" in config else "")
    sizes = _Sizes(_count(text, "hidden_size"), _count(text, "intermediate_size"), _count(text, "vocab_size"))
    windows = bool(_count(text, "sliding_window")) or "vision_config" in config or layout is None
    return _with_paged_cache(_Paged(weights, layout, number, dtype, known, sizes, windows), options, target)


class _Sizes(NamedTuple):
    """Widths of a network, and the size of its vocabulary; 0 where they are not known."""

    hidden: int
    inner: int
    vocabulary: int


class _Paged(NamedTuple):
    """What transformers' batching starts from.

    ``number``: bytes of one; ``known``: positions, None: any; ``windows``: some layers may keep less than is counted.
    """

    weights: int
    layout: cache.CacheLayout | None
    number: int
    dtype: str
    known: int | None
    sizes: _Sizes
    windows: bool


def _dequantised(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    """A GGUF file on transformers: all its numbers in one format."""
    facts, prefix = headers.facts, headers.facts.get(ARCHITECTURE)
    dtype = _named(options) or precision.of_text(None, str(prefix), target.computes)
    number = precision.BYTES[dtype]
    kind = {4: "f32", 2: "f16"}.get(number, "f32")
    layout = cache.of_gguf(facts, kind, kind)
    weights = sum(one.numbers for one in headers.all) * number
    sizes = _Sizes(
        _count(facts, f"{prefix}.embedding_length"),
        _count(facts, f"{prefix}.feed_forward_length"),
        _vocabulary(headers),
    )
    known = _count(facts, f"{prefix}.context_length") or None
    windows = bool(_count(facts, f"{prefix}.attention.sliding_window"))
    return _with_paged_cache(_Paged(weights, layout, number, dtype, known, sizes, windows), options, target)


def _with_paged_cache(paged: _Paged, options: Mapping[str, Any], target: Target) -> Need:
    default = DEFAULTS["transformers"]
    context = min(_option(options, "n_ctx", default.context), paged.known or 1 << 24)
    most = _option(options, "max_requests", default.requests)
    least = context + _PAGE
    tokens = max(_option(options, "kv_tokens", most * context if target.on_gpu else 2 * context), least)
    requests = max(1, tokens // context)
    layout = paged.layout or cache.CacheLayout()
    batch = max(_option(options, "max_batch_tokens", 2048 if target.on_gpu else 512), most)
    width = 8 * paged.sizes.hidden + 3 * paged.sizes.inner
    step = batch * (width * paged.number) + most * paged.sizes.vocabulary * 4
    words = 0 if target.on_gpu else paged.sizes.vocabulary * TOKEN_BYTES
    whole = layout.of(tokens, 1) + (requests - 1) * layout.state_bytes
    least_cache = layout.of(least, 1) if target.on_gpu and "kv_tokens" not in options else whole
    return Need(
        paged.weights,
        _beside("transformers", target) + step + words,
        cache=whole,
        least_cache=least_cache,
        context=context,
        requests=requests,
        certain=paged.weights + (0 if paged.windows else least_cache),
        dtype=paged.dtype,
        unknown=() if paged.layout else (_UNKNOWN_CACHE,),
    )


_UNKNOWN_CACHE = "the cache: the configuration has no numbers that are known here"


def _llama_cpp(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    facts, prefix = headers.facts, headers.facts.get(ARCHITECTURE)
    default = DEFAULTS["llama_cpp"]
    context, requests = _option(options, "n_ctx", default.context), _option(options, "n_parallel", default.requests)
    if options.get("modality") in ("embeddings", "rerank"):
        context = min(context, _count(facts, f"{prefix}.context_length") or context)
    kinds = [options.get(f"cache_type_{one}") for one in ("k", "v")]
    keys, values = (one if isinstance(one, str) and one in cache.GGML_BYTES else "f16" for one in kinds)
    layout = cache.of_gguf(facts, keys, values)
    weights = sum(headers.sizes.values())
    overhead = _beside("llama_cpp", target) + (LLAMA_CPP_COMPUTE_BYTES if target.on_gpu else 0)
    if not target.on_gpu:
        step = min(_option(options, "n_ubatch", 512), _option(options, "n_batch", 256))
        inner = _count(facts, f"{prefix}.feed_forward_length")
        overhead += step * 4 * (8 * _count(facts, f"{prefix}.embedding_length") + 3 * inner)
    whole = layout.of(context, requests) if layout else 0
    fits_itself = target.on_gpu and "n_parallel" not in options
    least = layout.of(context, 1) if layout and fits_itself else whole
    exact = not any(_count(facts, f"{prefix}.attention.{one}") for one in ("sliding_window", "key_length_mla"))
    on_card = target.on_gpu and "n_gpu_layers" not in options  # on a CPU files are mapped
    return Need(
        weights,
        overhead,
        cache=whole,
        least_cache=least,
        context=context,
        requests=requests,
        certain=(weights if on_card else 0) + (least if exact and (on_card or not target.on_gpu) else 0),
        unknown=() if layout else (_UNKNOWN_CACHE,),
    )


VLLM_CPU_CACHE_BYTES = 4 << 30
"""vLLM's cache on a CPU, where the launch does not say; less where less than four times that is free."""
_SHRINKS = ("cpu_offload_gb", "load_format", "quantization", "hf_overrides", "kv_offloading_size", "memory_bytes")
"""Options of vLLM with which less is on the device than the files have."""


def _vllm(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    """vLLM takes all that it is given for its cache; what it needs is room for one request of the full context."""
    config, text = headers.config, cache.text_config(headers.config)
    own = _text(text.get("dtype") or text.get("torch_dtype") or config.get("dtype") or config.get("torch_dtype"))
    dtype = _named(options) or (own if own in precision.BYTES else "bfloat16")
    number = precision.BYTES[dtype]
    context = _option(options, "max_model_len", _count(text, "max_position_embeddings") or 4096)
    kept = options.get("kv_cache_dtype")
    layout = cache.of_config(config, 1 if str(kept).startswith("fp8") else number, latent=True, windows=True)
    one = layout.of(context, 1) if layout else 0
    requests = min(_option(options, "max_num_seqs", 4), 4)
    given = _option(options, "kv_cache_memory_bytes", 0 if target.on_gpu else VLLM_CPU_CACHE_BYTES)
    shrinks = any(options.get(name) for name in _SHRINKS)
    weights = sum(headers.sizes.values()) if headers.facts else _loaded(headers, number)
    step = _option(options, "max_num_batched_tokens", 2048) * number
    return Need(
        weights,
        _beside("vllm", target) + step * (8 * _count(text, "hidden_size") + 3 * _count(text, "intermediate_size")),
        cache=given or one * requests,
        least_cache=given or one,
        context=context,
        requests=max(1, given // one) if given and one else requests,
        certain=0 if shrinks else weights + (one if _count(options, "max_model_len") else 0),
        dtype=dtype,
        unknown=() if layout else (_UNKNOWN_CACHE,),
    )


def _sentence_transformers(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    config = headers.config
    own = _text(config.get("dtype") or config.get("torch_dtype"))
    dtype = _named(options) or precision.of_encoder(own, str(config.get("model_type")), target.computes)
    number = precision.BYTES.get(dtype) or precision.BYTES.get(own or "", 4)
    weights = sum(one.size for one in headers.all) if dtype == "auto" else _loaded(headers, number)
    lanes = _option(options, "lanes", 1 if target.on_gpu else 2)
    batch = _option(options, "max_batch_tokens", 32_768 if target.on_gpu else 4096)
    width = 8 * _count(config, "hidden_size") + 3 * _count(config, "intermediate_size")
    step = lanes * batch * width * number
    words = 0 if target.on_gpu else _count(config, "vocab_size") * TOKEN_BYTES
    return Need(weights, _beside("sentence_transformers", target) + step + words, certain=weights, dtype=dtype)


def _diffusers(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    index = headers.seen.documents.get("model_index.json", {})
    classes = [str(what[1]) for what in index.values() if isinstance(what, list) and len(what) == 2 and what[1]]
    transformer = "transformer" in index
    dtype = _named(options) or precision.of_pictures(classes, target.computes, transformer=transformer)
    number = precision.BYTES[dtype]
    safe = options.get("safety_checker") is False
    kept = {name: found for name, found in headers.tensors.items() if not (safe and name.startswith("safety_checker/"))}
    weights = sum(
        _as_loaded(found, 4 if name.startswith("vae/") and index.get("vae") == _PRECISE else number)
        for name, found in kept.items()
    )
    width, _, height = str(options.get("default_size") or "").partition("x")
    own = (side_of(headers.seen.documents) or 1024) ** 2
    pixels = int(width) * int(height) if width.isdigit() and height.isdigit() and len(width + height) < 10 else own
    certain = 0 if options.get("cpu_offload") or options.get("base") else weights
    return Need(
        weights,
        _beside("diffusers", target) + pixels * number * PICTURE_BYTES,
        certain=certain,
        dtype=dtype,
        unknown=tuple(f"what the option {name} names" for name in ("base", "loras", "controlnet") if options.get(name)),
    )


_PRECISE = ["diffusers", "AutoencoderKLWan"]
"""What is computed in full precision, as its makers do."""


def _faster_whisper(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    asked = _text(options.get("compute_type"))
    dtype = asked or ("float16" if target.on_gpu else "int8")
    whole = 2 if target.on_gpu and "float32" not in dtype else 4
    small = 1 if dtype.startswith("int8") else 2 if "16" in dtype else 4
    sizes = {False: whole, True: small}
    weights = sum(
        one.numbers * sizes[_multiplies(one.name)] if one.dtype in (*_FLOATS, "I8") else one.size for one in headers.all
    )
    requests = _option(options, "max_inflight", 2 if target.on_gpu else 1)
    clips = requests * _option(options, "batch_size", 16 if target.on_gpu else 1)
    kept = clips * WHISPER_POSITIONS * whole * _heard(headers)
    return Need(
        weights,
        _beside("faster_whisper", target),
        cache=kept,
        least_cache=kept,
        context=WHISPER_POSITIONS,
        requests=clips,
        certain=weights // 2,
        dtype=dtype,
    )


def _heard(headers: Headers) -> int:
    """How many numbers a Whisper keeps of a position of a clip: the keys and values that its decoder looks at."""
    ends = ("/attention/linear_1/bias", ".encoder_attn.v_proj.bias")  # CTranslate2's has both, the other the values
    return sum(
        one.numbers * (2 if one.name.endswith(ends[1]) else 1) for one in headers.all if _crosses(one.name, ends)
    )


def _crosses(name: str, ends: tuple[str, ...]) -> bool:
    return name.startswith(("decoder/", "model.decoder.")) and name.endswith(ends)


def _multiplies(name: str) -> bool:
    """Whether this is a matrix of a Whisper in CTranslate2's names, or transformers', that is kept in few bits."""
    return name.endswith("weight") and "conv" not in name and "norm" not in name and "position" not in name


def _hibari(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    weights = sum(headers.sizes.values())
    return Need(weights, LIBRARIES["hibari"], certain=weights)


def _piper(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    """All voices of the folder, each a network in memory."""
    weights = sum(headers.sizes.values())
    return Need(weights, LIBRARIES["piper"], certain=weights)


def _kokoro(headers: Headers, options: Mapping[str, Any], target: Target) -> Need:
    weights = sum(headers.sizes.values())
    return Need(weights, LIBRARIES["kokoro"], certain=weights)


_ENGINES: dict[str, Callable[[Headers, Mapping[str, Any], Target], Need]] = {
    "transformers": _transformers,
    "llama_cpp": _llama_cpp,
    "vllm": _vllm,
    "sentence_transformers": _sentence_transformers,
    "diffusers": _diffusers,
    "faster_whisper": _faster_whisper,
    "hibari": _hibari,
    "piper": _piper,
    "kokoro": _kokoro,
}


def _beside(engine: str, target: Target) -> int:
    """What the engine takes of the device whatever the model is."""
    return CONTEXT_BYTES if target.on_gpu else LIBRARIES[engine]


def _loaded(headers: Headers, number: int, prefix: str = "") -> int:
    """The weights with every float in ``number`` bytes; those of other kinds, as of quantised models, as they are."""
    tensors = [one for one in headers.all if one.name.startswith(prefix)]
    unread = sum(size for name, size in headers.sizes.items() if not headers.tensors[name])  # pickles
    own = precision.BYTES.get(_text(headers.config.get("dtype") or headers.config.get("torch_dtype")) or "", 4)
    return _as_loaded(tensors, number) + unread * number // own


def _as_loaded(tensors: Any, number: int) -> int:
    return sum(one.numbers * number if one.dtype in _FLOATS else one.size for one in tensors)


def _vocabulary(headers: Headers) -> int:
    """The tokens that a GGUF model knows: its first tensor of embeddings has a row for each."""
    width = _count(headers.facts, f"{headers.facts.get(ARCHITECTURE)}.embedding_length")
    table = next((one.numbers for one in headers.all if one.name == "token_embd.weight"), 0)
    return table // width if width else 0


def _named(options: Mapping[str, Any]) -> str | None:
    """The format of numbers that a launch names."""
    found = options.get("dtype")
    return found if isinstance(found, str) and found in precision.BYTES else None


def _text(given: Any) -> str | None:
    return given.removeprefix("torch.") if isinstance(given, str) else None


def _option(options: Mapping[str, Any], name: str, default: int) -> int:
    """A number among the options, where it is one; else the default."""
    return _count(options, name) or default


def _count(values: Mapping[str, Any], name: str) -> int:
    """A sane number under this name; the most of several, and 0 where there is none."""
    found = values.get(name)
    found = max((one for one in found if isinstance(one, int)), default=0) if isinstance(found, list | tuple) else found
    sane = isinstance(found, int) and not isinstance(found, bool) and 0 < found <= 1 << 40
    return int(found) if sane and found is not None else 0
