"""The fields that the servers of llama.cpp and vLLM have in common: both follow OpenAI's API, and add to it."""

from typing import Any

from models.modalities.text import TextRequest


def sampling_fields(request: TextRequest) -> dict[str, Any]:
    """The fields for how tokens are picked, and for what ends an answer. None: the request does not set it."""
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
    """The fields that have a value: the others are left to the server."""
    return {name: value for name, value in fields.items() if value is not None}
