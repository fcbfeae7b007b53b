"""Transcription and translation of recordings: the body, and the answer in each of its formats.

Used by gateway, steward and runner.
"""

from models.modalities.transcription.body import TEXT_TYPES, Request, ServerVad, Stream, render
from models.modalities.transcription.pieces import HeardPiece, piece_of

__all__ = ["TEXT_TYPES", "HeardPiece", "Request", "ServerVad", "Stream", "piece_of", "render"]
