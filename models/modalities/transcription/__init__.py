"""Transcription and translation of recordings: the body, and what clients are answered."""

from models.modalities.transcription.body import Request, ServerVad, Stream, render

__all__ = ["Request", "ServerVad", "Stream", "render"]
