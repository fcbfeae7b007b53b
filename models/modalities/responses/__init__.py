"""OpenAI's ``POST /v1/responses`` (reference of November 2026): another protocol, which goes through chat.

Used by the gateway for requests, and by the runner, which writes the events of answers.
"""

from models.modalities.responses.reply import Reply, response_object
from models.modalities.responses.request import CreateResponse, Request

__all__ = ["CreateResponse", "Reply", "Request", "response_object"]
