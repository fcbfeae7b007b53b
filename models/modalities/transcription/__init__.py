"""Transcription and translation of recordings: the body, and the answer in each of its formats.

Used by gateway, steward and runner.
"""

from models.modalities.transcription.body import Request, ServerVad, Stream, render

__all__ = ["Request", "ServerVad", "Stream", "render"]
