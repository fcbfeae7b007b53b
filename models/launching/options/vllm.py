"""What a launch may set of vLLM: all of its engine's arguments, and those of its serving layer that make sense here.

A launch may not set arguments that would fetch, run or unpickle something; where it trusts the repository's code, it
may also name code of its own. Pure, but for ``arguments``, which reads what ``vllm.json`` has of vLLM's: names, types,
defaults and choices, written by ``python -m workers.engines.vllm.arguments`` in its environment.
"""

from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from pydantic import BaseModel, Field, ValidationError

from models.errors import InvalidRequest
from models.launching.options.base import did_you_mean

SERVING = frozenset(
    [
        *("chat_template", "chat_template_content_format", "default_chat_template_kwargs"),
        *("enable_auto_tool_choice", "exclude_tools_when_tool_choice_none", "tool_call_parser", "tool_strict_level"),
    ]
)
"""Arguments of vLLM's serving layer that a launch may set."""

PLATFORM = frozenset(
    [
        *("model", "model_weights", "served_model_name", "tokenizer", "hf_config_path", "download_dir", "hf_token"),
        *("revision", "code_revision", "tokenizer_revision", "trust_remote_code", "runner", "convert", "tokens_only"),
        *("allowed_local_media_path", "allowed_media_domains", "device_ids", "nnodes", "node_rank", "master_addr"),
        *("master_port", "skip_tokenizer_init", "logging_config", "log_config_file", "enable_log_requests"),
        *("otlp_traces_endpoint", "profiler_config", "kv_events_config", "weight_transfer_config"),
    ]
)
"""Engine arguments that Headrace sets itself, or has no use for.

Those of data parallelism are refused as well: Headrace has replicas instead.
"""

CODE = frozenset(
    [
        *("worker_cls", "worker_extension_cls", "scheduler_cls", "logits_processors", "model_class_overrides"),
        *("reasoning_parser_plugin", "tool_parser_plugin", "io_processor_plugin", "enable_prompt_embeds"),
        *("kv_transfer_config", "ec_transfer_config", "additional_config", "model_loader_extra_config"),
        *("kv_connector_module_path", "enable_mm_embeds"),
    ]
)
"""Arguments that name code to import, or allow pickles. Some of them are fields of other arguments."""

SAFE_FORMATS = frozenset(["auto", "safetensors", "dummy", "bitsandbytes", "gguf", "sharded_state", "mistral"])


class OwnOptions(BaseModel):
    """Headrace's own options, beside vLLM's arguments."""

    lora_modules: dict[str, str] = Field({}, max_length=64, description="Adapters by name: where each lies.")
    memory_bytes: int | None = Field(None, ge=1 << 20, description="Of the GPU, weights and cache together.")
    sleep_after_s: float | None = Field(
        None, gt=0, description="After so long without a request it gives its GPU's memory back; the next one waits."
    )


def refuse_unknown(
    options: Mapping[str, Any], known: Collection[str], *, trusted: bool, beside: Collection[str] = ()
) -> OwnOptions:
    """Headrace's own among the options, where all may be set. ``known`` are the names of vLLM's arguments.

    ``beside``: the fields of a launch that are no options, of which one may be misspelt. Raises InvalidRequest with the
    option at fault; for a misspelt one it names the nearest.
    """
    try:
        own = OwnOptions.model_validate({name: one for name, one in options.items() if name in OwnOptions.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidRequest(f"the engine's option '{name}': {first['msg']}", param=name) from error
    allowed = settable(known)
    for name, value in options.items():
        if name not in OwnOptions.model_fields:
            _check(name, value, known, allowed, trusted, beside)
    return own


def settable(known: Collection[str]) -> frozenset[str]:
    """Those of vLLM's arguments that a launch may set."""
    ours = (name for name in known if name in PLATFORM or name.startswith("data_parallel_"))
    return frozenset(known) - frozenset(ours) | SERVING


def _check(
    name: str, value: Any, known: Collection[str], allowed: Collection[str], trusted: bool, beside: Collection[str]
) -> None:
    code = {name, *(value if isinstance(value, dict) else ())} & CODE
    pickles = name == "load_format" and (not isinstance(value, str) or value not in SAFE_FORMATS)
    if (code or pickles) and not trusted:
        raise InvalidRequest(f"'{name}' may bring code: it needs trust_remote_code", param=name)
    if name in allowed:
        return
    if name in known or name in PLATFORM:
        raise InvalidRequest(f"'{name}' is Headrace's to set", param=name)
    hint = did_you_mean(name, [*allowed, *OwnOptions.model_fields, *beside])
    raise InvalidRequest(f"vLLM has no argument '{name}'{hint}", param=name)


@cache
def arguments() -> dict[str, dict[str, Any]]:
    """vLLM's arguments by name, each as JSON Schema."""
    text = files("models.launching.options").joinpath("vllm.json").read_bytes()
    found: dict[str, dict[str, Any]] = msgspec.json.decode(text)
    return found


def schema() -> dict[str, Any]:
    """What a launch may set, as JSON Schema: Headrace's own options, and vLLM's arguments."""
    own = OwnOptions.model_json_schema()["properties"]
    known = arguments()
    theirs = {name: {**known[name], **_told(name)} for name in sorted(settable(known) & known.keys())}
    serving = {name: {**_SERVED[name], **_told(name)} for name in sorted(SERVING)}
    return {"type": "object", "properties": own | serving | theirs, "additionalProperties": False}


def _told(name: str) -> dict[str, str]:
    said = _SAID.get(name) or f"vLLM's argument --{name.replace('_', '-')}."
    return {"description": said + (" It needs trust_remote_code." if name in CODE else "")}


_SERVED: dict[str, dict[str, Any]] = {
    "chat_template": {"type": ["string", "null"], "default": None},
    "chat_template_content_format": {"enum": ["auto", "string", "openai"], "default": "auto"},
    "default_chat_template_kwargs": {"type": ["object", "null"], "default": None},
    "enable_auto_tool_choice": {"type": "boolean", "default": False},
    "exclude_tools_when_tool_choice_none": {"type": "boolean", "default": False},
    "tool_call_parser": {"type": ["string", "null"], "default": None},
    "tool_strict_level": {},
}
_SAID = {
    "block_size": "Tokens of a block of the KV cache.",
    "chat_template": "In Jinja, or a file of it; by default the model's own.",
    "cpu_offload_gb": "GiB of the weights that stay in the host's memory.",
    "default_chat_template_kwargs": "What its chat template is told where a request does not say, as enable_thinking.",
    "disable_custom_all_reduce": "GPUs exchange their parts through NCCL alone.",
    "dtype": "In which numbers it computes; auto: the model's own.",
    "enable_chunked_prefill": "A long prompt is computed in parts, between the steps of others.",
    "enable_expert_parallel": "Experts are divided among the GPUs, not each of them.",
    "enable_lora": "Set by itself where lora_modules are named.",
    "enable_prefix_caching": "What prompts begin with is computed once.",
    "enforce_eager": "No CUDA graphs: it starts sooner, and computes slower.",
    "gpu_memory_utilization": "The part of the GPU's memory that it takes, 0 to 1; computed from what is free.",
    "kv_cache_dtype": "The numbers of the KV cache; fp8 halves it.",
    "kv_cache_memory_bytes": "Bytes of the KV cache, whatever gpu_memory_utilization says.",
    "limit_mm_per_prompt": "How many pictures, recordings and videos a request may have, by kind.",
    "load_format": "How weights are read; safetensors, unless the repository's code is trusted.",
    "max_lora_rank": "The highest rank of an adapter; by itself that of lora_modules.",
    "max_model_len": "Tokens of a request, prompt and answer together; by default what the model was trained for.",
    "max_num_batched_tokens": "Most tokens of one step.",
    "max_num_seqs": "Requests computed at once.",
    "mm_processor_kwargs": "What the model's processor is told, as max_pixels.",
    "pipeline_parallel_size": "GPUs that have a part of the layers each; set from n_gpu.",
    "quantization": "How the weights are quantised, where their configuration does not say it.",
    "reasoning_parser": "By which name of vLLM's thoughts are told from the answer.",
    "scheduling_policy": "Which request is next: the one that waits longest, or the one of the lowest priority.",
    "seed": "Of the random numbers, where a request has none.",
    "speculative_config": "A draft model, or another way to guess tokens that are then checked.",
    "structured_outputs_config": "How answers are held to a form.",
    "tensor_parallel_size": "GPUs that have a part of each layer; set from n_gpu.",
    "tokenizer_mode": "auto, slow, or mistral.",
    "tool_call_parser": "By which name of vLLM's calls of tools are read.",
}
