"""OpenAI's ``POST /v1/responses`` (reference of November 2026), as another protocol over chat."""

from models.modalities.responses.reply import Reply, described
from models.modalities.responses.request import CreateResponse, Request

__all__ = ["CreateResponse", "Reply", "Request", "described"]
