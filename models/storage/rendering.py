"""The answer of a job that succeeded, as its endpoint gives it: for clients, and for the output files of batches."""

from collections.abc import Callable
from typing import Any

import msgspec

from models.modalities import KINDS, MEDIA, modality, module_of
from models.modalities.media import Answer

StoredArtifact = dict[str, Any]
"""What is known of an artifact: ``key``, ``media_type``, ``bytes``."""


def rendered(
    kind: str,
    request: dict[str, Any],
    stored: dict[str, Any],
    link: Callable[[str, StoredArtifact], str],
    read: Callable[[StoredArtifact], bytes],
) -> Answer:
    """The answer of a job of this kind with this row of ``results``. May block.

    ``link(name, kept)`` is the URL to be given for an artifact, ``read(kept)`` its bytes.
    """
    name = KINDS[kind].modality
    if name not in MEDIA:
        return Answer(msgspec.json.encode(stored["body"]))
    artifacts: dict[str, StoredArtifact] = stored["artifacts"]
    answer: Answer = module_of(name).render(
        modality(name).request.model_validate(request),
        stored["body"],
        lambda one: link(one, artifacts[one]),
        lambda one: read(artifacts[one]),
    )
    return answer
