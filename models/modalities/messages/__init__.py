"""Anthropic's ``POST /v1/messages`` (reference of November 2026): another protocol, which goes through chat.

Used by the gateway for requests, and by the runner, which writes the events of answers.
"""

from models.modalities.messages.reply import Reply
from models.modalities.messages.request import Request

__all__ = ["Reply", "Request"]
