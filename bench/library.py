"""The engines' own libraries, without our adapters: llama.cpp's HTTP server, transformers' batching manager.

``python -m bench.library llama_cpp FILE OPTIONS`` prints a URL and serves there; ``transformers FOLDER OPTIONS`` reads
commands as ``bench.bare`` does.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any

import uvloop

from bench.bare import Bare, fresh
from bench.client import Answer
from bench.load import closed_loop


def llama_cpp(path: str, options: dict[str, Any]) -> None:
    """llama.cpp's own server, with the settings that our adapter gives it."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_parallel = options["n_parallel"]
    params.n_ctx = options["n_ctx"] * options["n_parallel"]
    params.n_batch, params.n_ubatch = 256, 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["n_threads"]
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(json.dumps({"ready": True, "url": server.listening_address}), flush=True)
    while True:
        time.sleep(60)


def _manager(path: str, options: dict[str, Any]) -> tuple[Any, Any]:
    """The tokenizer and a manager of a model; ``dtype`` and ``device`` are float32 and the CPU by default."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, ContinuousBatchingConfig, GenerationConfig

    torch.set_num_threads(options["n_threads"])
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=getattr(torch, options.get("dtype", "float32")),
        attn_implementation="sdpa",
        device_map={"": options.get("device", "cpu")},
    )
    generation = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, eos_token_id=-1, pad_token_id=0, max_new_tokens=32
    )
    manager = model.init_continuous_batching(
        generation_config=generation,
        continuous_batching_config=ContinuousBatchingConfig(max_memory_percent=0.2, max_batch_tokens=512),
    )
    return tokenizer, manager


async def transformers(path: str, options: dict[str, Any]) -> None:
    """A persistent ContinuousBatchingManager, used as its documentation shows, with greedy sampling."""
    tokenizer, manager = _manager(path, options)
    manager.start()
    served = 0

    async def send(body: dict[str, Any]) -> Answer:
        nonlocal served
        served += 1
        name, began, over = f"r{served}", time.perf_counter(), asyncio.get_running_loop().create_future()
        answer = Answer(200)

        def on_output(output: Any) -> None:
            if output.generated_tokens and not answer.first_s:
                answer.first_s = time.perf_counter() - began
            if output.is_finished() and not over.done():
                answer.tokens = len(output.generated_tokens)
                over.set_result(None)

        ids: Any = tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=False)
        manager.register_result_handler(name, on_output)
        manager.add_request(ids, request_id=name, max_new_tokens=body["max_tokens"], streaming=True)
        await over
        answer.total_s, answer.complete = time.perf_counter() - began, True
        return answer

    await send({"messages": [{"role": "user", "content": "warm"}], "max_tokens": 4})
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    while line := await lines.readline():
        command = json.loads(line)
        batch = await closed_loop(
            lambda body=command["body"]: send(fresh(body)),  # type: ignore[misc]
            command["clients"],
            command["requests"],
        )
        print(json.dumps({"elapsed_s": batch.elapsed_s, "answers": [asdict(a) for a in batch.answers]}), flush=True)


async def start(name: str, path: str, options: dict[str, Any]) -> tuple[Bare, str]:
    """Start one of the above; returns a handle on its process, and its URL where it has one."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.library", name, path, json.dumps(options), stdin=pipe, stdout=pipe, limit=1 << 26
    )
    bare = Bare(process)
    ready = await bare.answer()
    return bare, ready.get("url", "")


if __name__ == "__main__":
    if sys.argv[1] == "llama_cpp":
        llama_cpp(sys.argv[2], json.loads(sys.argv[3]))
    else:
        uvloop.run(transformers(sys.argv[2], json.loads(sys.argv[3])))
