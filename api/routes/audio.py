"""OpenAI's endpoints of sound: speech to text, and text to speech. Each is a job that is waited for."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies.documents import BINARY, JSON, TEXT, answers, schema
from api.edge.errors import Envelope
from api.gateway.gateway import gateway_of
from api.jobs.endpoint import ACCEPTED, serve
from api.jobs.forms import openapi_body
from api.jobs.preparation import IdempotencyKey
from api.shapes.answers.sound import (
    SpeechEnd,
    SpeechPiece,
    Transcript,
    TranscriptEnd,
    TranscriptPiece,
    VerboseTranscript,
)
from api.shapes.as_written import AsWritten
from api.shapes.health import VoiceList
from models.errors import ModelNotFound
from models.launching.about import serves
from models.modalities import KINDS
from models.modalities.speech import MEDIA_TYPES
from models.modalities.transcription import TEXT_TYPES
from models.rows import instances

router = APIRouter(prefix="/v1/audio", tags=["audio"], route_class=AsWritten)

_WRITTEN = answers(
    {JSON: schema(VerboseTranscript | Transcript), **dict.fromkeys(TEXT_TYPES.values(), TEXT)},
    TranscriptPiece | TranscriptEnd | Envelope,
)


@router.post(
    "/transcriptions",
    summary="Transcribe",
    responses=ACCEPTED | _WRITTEN,
    openapi_extra=openapi_body(KINDS["audio.transcriptions"]),
)
async def transcriptions(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Write down what is said in a recording. Streams server-sent events where ``stream`` is true."""
    return await serve(request, "audio.transcriptions", idempotency_key)


@router.post(
    "/translations",
    summary="Translate",
    responses=ACCEPTED | _WRITTEN,
    openapi_extra=openapi_body(KINDS["audio.translations"]),
)
async def translations(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Write down in English what is said in a recording."""
    return await serve(request, "audio.translations", idempotency_key)


@router.post(
    "/speech",
    summary="Speak",
    response_class=Response,
    responses=ACCEPTED | answers(dict.fromkeys(MEDIA_TYPES.values(), BINARY), SpeechPiece | SpeechEnd | Envelope),
    openapi_extra=openapi_body(KINDS["audio.speech"]),
)
async def speech(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Say a text. The sound is streamed as it is made where ``stream`` or ``stream_format`` asks for it."""
    return await serve(request, "audio.speech", idempotency_key)


@router.get("/voices", summary="List voices")
async def list_voices(request: Request, model: str = "") -> VoiceList:
    """The voices of the models that speak, or of one. A model that was not loaded yet has its default one alone.

    404 if there is no such model.
    """
    rows = await gateway_of(request).database.look(instances.listing)
    if model and all(row.uid != model for row in rows):
        raise ModelNotFound(f"the model '{model[:100]}' does not exist", param="model")
    speak = [row for row in rows if "speech" in serves(row.engine, row.model_type) and model in ("", row.uid)]
    return {
        "voices": [
            {"id": name, "name": name, "model": row.uid}
            for row in speak
            for name in (row.about or {}).get("voices") or ["default"]
        ]
    }
