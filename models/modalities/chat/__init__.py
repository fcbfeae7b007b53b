"""OpenAI's ``POST /v1/chat/completions``: the body, its messages and tools, and the reply.

Used by the gateway for requests, and by the runner, which writes the chunks of answers.
"""

from models.modalities.chat.body import Request
from models.modalities.chat.reply import Reply

__all__ = ["Reply", "Request"]
