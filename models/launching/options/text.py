"""What a launch may set of the engines transformers and llama.cpp."""

from typing import Annotated, Literal

from pydantic import Field

from models.launching.chat_templates import ReasoningFormatName
from models.launching.options.base import Options

ToolFormatName = Literal[
    "auto",
    "hermes",
    "llama3",
    "mistral",
    "mistral_args",
    "qwen3_coder",
    "seed_oss",
    "glm45",
    "k2_horizon",
    "minimax_m2",
    "dots",
    "muse_glimmer",
    "deepseek_v32",
    "step3",
    "minicpm5",
    "kimi_k3",
    "deepseek_v3",
    "deepseek_v31",
    "kimi_k2",
    "openai",
    "plamo3",
    "granite",
    "granite-20b-fc",
    "phi4_mini_json",
    "jamba",
    "nemotron_json",
    "longcat",
    "internlm",
    "cohere_command3",
    "command_r",
    "apertus",
    "gigachat3",
    "inkling",
    "lfm2",
    "olmo3",
    "gemma3",
    "pythonic",
    "xlam",
    "gemma4",
    "functiongemma",
]
SplitMode = Literal["layer", "row", "none"]
MOST_GPUS = 128
"""Numbers that llama.cpp reads as its ``tensor_split``, whatever the GPUs are."""
MOST_PIXELS = 1280 * 28 * 28
"""The default where a model takes any number of pixels: some 1280 tokens of Qwen2-VL."""
_CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


class TransformersOptions(Options):
    """Counts of tokens, unless said otherwise. ``None`` means what suits the device and the model."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="float32 on a CPU; on a GPU the model's own, or bfloat16, or what an old GPU computes well."
    )
    n_ctx: int = Field(4096, ge=64, le=1 << 24, description="Context of each request, prompt and answer together.")
    max_requests: int = Field(32, ge=1, le=1024, description="Requests computed at once.")
    kv_tokens: int | None = Field(
        None,
        ge=64,
        description="Cache shared by all requests; at least one full context. On a GPU what all need, or what fits.",
    )
    max_batch_tokens: int | None = Field(None, ge=32, description="Most of one step; 512 on a CPU, 2048 on a GPU.")
    n_threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; on a GPU 8 at most.")
    max_pixels: int | None = Field(
        None, ge=1, le=1 << 27, description="Of a picture; by default 1003520 where the model takes any number."
    )
    min_pixels: int | None = Field(None, ge=1, le=1 << 27, description="To which smaller pictures are scaled up.")
    clip_s: float = Field(
        30.0, ge=1, le=1800, description="Of a recording, what a model that hears transcribes at once, in seconds."
    )
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2", "flash_attention_3"] = Field(
        "auto", description="sdpa where the network has it, else eager."
    )
    chat_template: str | None = Field(None, max_length=1 << 20, description="In Jinja; by default the files' own.")
    tool_format: ToolFormatName = Field(
        "auto", description="How the model writes tool calls; found in its chat template."
    )
    reasoning_format: ReasoningFormatName = Field(
        "auto", description="The tags around the model's thoughts; found in its chat template."
    )


class LlamaCppOptions(Options):
    """Counts of tokens, unless said otherwise. ``None`` means what suits the device."""

    modality: Literal["embeddings", "rerank"] | None = Field(
        None, description="What the weights are to serve, if not text; set from the model's type."
    )
    pooling: Literal["mean", "cls", "last"] | None = Field(
        None, description="Of embeddings: how a text's tokens become one vector, if not as the file says."
    )
    n_ctx: int = Field(4096, ge=64, le=1 << 24, description="Context of each request, prompt and answer together.")
    n_parallel: int = Field(
        8, ge=1, le=256, description="Requests computed at once; each holds n_ctx of KV cache. On a GPU as many as fit."
    )
    n_threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; where a GPU has all layers 4 at most.")
    n_gpu_layers: int | None = Field(None, ge=0, description="Layers on the GPU; all by default. On a CPU 0 alone.")
    split_mode: SplitMode | None = Field(
        None, description="What several GPUs share: layers (the default), rows, or none: one GPU has the model."
    )
    tensor_split: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = Field(
        None, max_length=MOST_GPUS, description="The share of each GPU; by default as its memory is free."
    )
    main_gpu: int | None = Field(
        None, ge=0, description="With rows or none: which of the replica's GPUs, by its index."
    )
    n_batch: int | None = Field(None, ge=32, le=1 << 16, description="Most of one step; 256 on a CPU, 2048 on a GPU.")
    n_ubatch: int = Field(512, ge=32, le=1 << 16, description="Most of one computation within a step.")
    flash_attn: Literal["auto", "on", "off"] = Field("auto", description="Attention in one pass over the cache.")
    cache_type_k: _CacheType = Field("f16", description="The numbers of the cache of keys.")
    cache_type_v: _CacheType = Field("f16", description="The numbers of the cache of values.")
    cache_ram_mib: int = Field(0, ge=0, description="MiB of host memory to keep the KV cache of past prompts in.")
    mmproj: str | None = Field(
        None,
        max_length=4096,
        description="Of a model that sees: the projector's file, or 'none'; the one beside it.",
    )
    max_pixels: int = Field(MOST_PIXELS, ge=1, description="Most pixels of a picture; larger ones are scaled down.")
    min_pixels: int | None = Field(None, ge=1, le=1 << 24, description="Fewest pixels of a picture.")
    chat_template: str | None = Field(None, max_length=1 << 20, description="In Jinja; by default the file's own.")
    tool_format: Literal["auto", "hermes", "llama3", "mistral", "mistral_args"] = Field(
        "auto", description="How the model writes calls that it must make; found in its chat template."
    )
    reasoning_format: Literal["auto", "none", "think", "mistral", "seed"] = Field(
        "auto", description="The tags around the model's thoughts; found in its chat template."
    )


class StopOptions(Options):
    """What a launch may set of every model that writes text: the runner's own options, beside its engine's."""

    stop: list[Annotated[str, Field(min_length=1, max_length=1000)]] = Field(
        [], max_length=100, description="Texts at which an answer ends, where its request says none."
    )
    stop_token_ids: list[Annotated[int, Field(ge=0, strict=True)]] = Field(
        [], max_length=100, description="Tokens at which it ends, by their ids, where the engine takes them."
    )
