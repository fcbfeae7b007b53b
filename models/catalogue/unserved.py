"""Why none of our engines runs a family, as its catalogue entry says it, with what that says. Pure."""

from types import MappingProxyType

from models.reasons import Told, told

_CODES = MappingProxyType(
    {
        "its network of sound is none that an engine here has": "unserved_sound",
        "its network of speech recognition is none that an engine here has": "unserved_recognition",
        "its pipeline is none of those that the diffusers engine serves": "unserved_pipeline",
        "it reads text in pictures, and models of type image draw them": "unserved_reading",
        "its authors publish it as a pickle (.pth), which is not read": "unserved_pickle",
    }
)
"""The codes of the catalogue's own sentences; whoever registers a model writes another."""


def unserved(text: str) -> Told | str:
    """The sentence of an entry, with its code where it is one of the catalogue's."""
    code = _CODES.get(text)
    return told(text, code) if code else text
