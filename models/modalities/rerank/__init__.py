"""Rerank, as engines know it (``cohere``), and what it serves: vLLM's scores (``score``), TEI's body (``tei``).

Used by the gateway for requests, and by the runner, which ranks and writes the answers.
"""

from models.modalities.rerank.cohere import MOST_DOCUMENTS, Ranking, Reply, Request

__all__ = ["MOST_DOCUMENTS", "Ranking", "Reply", "Request"]
