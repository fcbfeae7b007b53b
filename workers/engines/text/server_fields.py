"""The fields by which llama.cpp's server and vLLM's are asked alike: both follow OpenAI's API, and add to it."""

from typing import Any

from models.modalities.text import TextRequest


def sampling_fields(request: TextRequest) -> dict[str, Any]:
    """How tokens are picked, and what ends an answer. None: the request does not say."""
    return {
        "stop": request.stops,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "min_p": request.min_p,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "logit_bias": request.logit_bias,
    }


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Those of the fields that have a value: what a request does not say is left to the server."""
    return {name: value for name, value in fields.items() if value is not None}
