"""What Xinference's clients may ask for, and is not served here: said so, where a path would not be there."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from models.errors import NotFound

router = APIRouter(prefix="/v1", tags=["models"])

UNSERVED = {
    "/images/ocr": "models for OCR alone are not served: ask a model that sees, in a message with image_url",
    "/flexible/infers": "models of type flexible are not served: no code of a launcher is run",
    "/audio/embeddings": "embeddings of voices are not served: no engine here tells speakers apart",
    "/worlds/generations": "models of type world are not served",
    "/convert_ids_to_tokens": "ids become text at POST /detokenize, of a model that writes text",
}
"""Paths of Xinference, and what is said of each."""


def _refusing(message: str) -> Callable[[], Awaitable[None]]:
    async def refuse() -> None:
        """Refuse with a 404 that says what there is instead."""
        raise NotFound(message)

    return refuse


for _path, _message in UNSERVED.items():
    router.add_api_route(_path, _refusing(_message), methods=["POST"], summary="Not served", include_in_schema=False)
