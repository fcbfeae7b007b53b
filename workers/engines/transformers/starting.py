"""Starts what computes the answers of a loaded model, and tries it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import transformers
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessorList

from models.errors import EngineFailure, InvalidRequest
from workers.engines.accelerator.faults import lasting
from workers.engines.transformers.router import Router
from workers.engines.transformers.sampling import Sampler
from workers.engines.transformers.stepper import Bounds, Stepper
from workers.engines.transformers.ways import Way

PAGE = 64  # tokens; the smallest piece of cache a request takes


def batching_of(way: Way, model: Any, pad: int | None, bounds: Bounds, ends: Sequence[int], router: Router) -> Any:
    """What computes the answers of a model: transformers' batching, or our own. It is not started yet."""
    if way.batching == "manager":
        return _manage(model, bounds, ends, router)
    return Stepper(model, pad or 0, bounds, router)


def _manage(model: Any, bounds: Bounds, ends: Sequence[int], router: Router) -> Any:
    greedy = transformers.GenerationConfig(do_sample=False, eos_token_id=list(ends) or -1)  # type: ignore[no-untyped-call]
    manager = model.init_continuous_batching(
        generation_config=greedy,
        continuous_batching_config=transformers.ContinuousBatchingConfig(
            page_size=PAGE,
            num_blocks=math.ceil(bounds.kv_tokens / PAGE),
            max_batch_tokens=bounds.batch_tokens,
            max_requests_per_batch=bounds.rows,
            # Our sampler runs in Python between steps; a captured graph or overlapped steps would not allow that.
            use_cuda_graph=False,
            use_async_batching=False,
            auto_switch_to_flash=False,  # it may fetch a kernel from a hub
        ),
    )
    processors = ContinuousBatchingLogitsProcessorList(transformers.LogitsProcessorList([Sampler(router.fail)]))
    processors.tensors_required = 1
    manager.logit_processor = processors
    manager.output_router = router
    return manager


def warm(manager: Any, router: Router, ids: list[int], inputs: Mapping[str, Any]) -> None:
    """Compute one request: the first takes seconds, for which no client should wait.

    Raises InvalidRequest where the model cannot be computed whoever tries it, EngineFailure where memory or the device
    is to blame.
    """
    rules = {"inputs": inputs} if inputs else {}
    manager.add_request(ids, request_id="warm", max_new_tokens=3, streaming=False, eos_token_id=-1, **rules)
    output = router.early.get(timeout=600)
    if output.error is None:
        return
    fault = router.fault
    if fault is not None and not lasting(fault):
        raise EngineFailure(f"transformers: {output.error}")
    raise InvalidRequest(
        f"the transformers engine cannot compute this model ({output.error}): another engine may",
        param="model_path",
    )
