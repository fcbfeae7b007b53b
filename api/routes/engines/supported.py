"""Which language models vLLM runs, by name, as Xinference's clients ask."""

from fastapi import APIRouter, Request

from api.gateway.gateway import gateway_of
from models.catalogue.entries import families

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("/vllm-supported", summary="Language models that vLLM runs")
async def vllm_supported(request: Request) -> dict[str, list[str]]:
    """The names of the catalogue that the engine vllm runs in some format: those that chat, and the others."""
    return await gateway_of(request).blocking(_on_vllm)


def _on_vllm() -> dict[str, list[str]]:
    known = [one for one in families("LLM") if "vllm" in one.engines]
    return {
        "chat": [one.name for one in known if "chat" in one.abilities],
        "generate": [one.name for one in known if "chat" not in one.abilities],
    }
