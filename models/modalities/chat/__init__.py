"""OpenAI's ``POST /v1/chat/completions``: the body, its messages and tools, and the reply."""

from models.modalities.chat.body import Reply, Request

__all__ = ["Reply", "Request"]
