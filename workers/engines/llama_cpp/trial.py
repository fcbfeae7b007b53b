"""The process that tries grammars out in llama.cpp: ``python -m workers.engines.llama_cpp.trial FD``.

The llguidance inside llama.cpp is of another version than the one in Python, and hangs on other grammars. This process
finds out such grammars, with a model that generates random text: the kernel ends it where a grammar takes more than
``CPU_S``. It says first whether the kernel bounds its memory. Then it is sent a grammar's text, and answers with the
texts that were generated under it. All answers are msgpack.
"""

import contextlib
import json
import math
import os
import resource
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from workers.engines.structured.grammar_wire import receive_bytes, send_bytes
from workers.engines.structured.memory import limit_memory

CPU_S = 2
MEMORY = 8 << 30
"""Bytes of address space where the kernel can bound it; most of it is never touched."""
_TOKENS = 24
_TRIALS = 2
_WIDTH = 32
_STRING, _ARRAY, _U32, _I32, _F32, _BOOL = 8, 9, 4, 5, 6, 7


class TrialAnswer(msgspec.Struct, frozen=True):
    """The text that one trial generated, and whether it is a whole answer; ``cpu_s``: the CPU time that it took."""

    text: str
    whole: bool
    cpu_s: float


def model() -> bytes:
    """A GGUF file with one token for each byte, one layer, and all weights zero: all tokens are equally likely."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    facts: list[tuple[str, int, Any]] = [
        ("general.architecture", _STRING, "llama"),
        ("llama.context_length", _U32, 256),
        ("llama.embedding_length", _U32, _WIDTH),
        ("llama.block_count", _U32, 1),
        ("llama.feed_forward_length", _U32, _WIDTH),
        ("llama.attention.head_count", _U32, 1),
        ("llama.attention.layer_norm_rms_epsilon", _F32, 1e-5),
        ("tokenizer.ggml.model", _STRING, "llama"),
        ("tokenizer.ggml.tokens", _ARRAY, (_STRING, tokens)),
        ("tokenizer.ggml.scores", _ARRAY, (_F32, [0.0] * len(tokens))),
        ("tokenizer.ggml.token_type", _ARRAY, (_I32, [2, 3, 3] + [6] * 256)),
        ("tokenizer.ggml.bos_token_id", _U32, 1),
        ("tokenizer.ggml.eos_token_id", _U32, 2),
        ("tokenizer.ggml.add_space_prefix", _BOOL, False),
    ]
    square, word = [_WIDTH, _WIDTH], [_WIDTH, len(tokens)]
    layer = {"attn_norm": [_WIDTH], "ffn_norm": [_WIDTH]}
    layer |= dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), square)
    tensors = {"token_embd.weight": word, "output.weight": word, "output_norm.weight": [_WIDTH]}
    tensors |= {f"blk.0.{name}.weight": shape for name, shape in layer.items()}
    head, size = [b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts))], 0
    head += [_text(name) + struct.pack("<I", kind) + _value(kind, value) for name, kind, value in facts]
    for name, shape in tensors.items():
        head.append(_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, size))
        size += 4 * math.prod(shape)  # float32, and each a multiple of 32 bytes
    whole = b"".join(head)
    return whole + bytes(-len(whole) % 32 + size)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRING:
        return _text(value)
    if kind == _ARRAY:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(_value(inner, one) for one in items)
    return struct.pack({_U32: "<I", _I32: "<i", _F32: "<f", _BOOL: "<?"}[kind], value)


def _server(path: Path) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = 256, 1, 32, 32
    params.n_gpu_layers = 0
    params.no_op_offload = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.fit_params = params.warmup = params.ui = False
    params.cache_ram_mib = 0
    params.n_threads_http = 1
    params.verbosity = 0
    return xllamacpp.Server(params)


def _try(server: Any, grammar: str, seed: int) -> TrialAnswer:
    """Generate random text under this grammar; tokens that close something are made likelier, so that it ends."""
    closing = [[token + 3, 4.0] for token in b'"}],']
    body = {"prompt": "x", "grammar": grammar, "max_tokens": _TOKENS, "seed": seed, "stream": True, "top_k": 0}
    body |= {"temperature": 1.0, "min_p": 0.0, "top_p": 1.0, "logit_bias": closing, "cache_prompt": False}
    began, texts, ends = _used_s(), [], []

    def on_chunk(data: bytes) -> bool:
        choices = json.loads(data).get("choices") or [{}]
        texts.append(choices[0].get("text") or "")
        ends.append(choices[0].get("finish_reason"))
        return False

    server.handle_completions(json.dumps(body).encode(), on_chunk)
    return TrialAnswer("".join(texts), "stop" in ends, _used_s() - began)


def _used_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(to: socket.socket) -> None:
    """Serve until the other side is gone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        path.write_bytes(model())
        server = _server(path)
    bounded = limit_memory(MEMORY)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(OSError):
        send_bytes(to, msgspec.msgpack.encode(bounded))
        while True:
            grammar = receive_bytes(to).decode()
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(_used_s()) + CPU_S, hard))
            send_bytes(to, msgspec.msgpack.encode([_try(server, grammar, seed) for seed in range(_TRIALS)]))
    os._exit(0)  # llama.cpp's server may hang when it is shut down


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
