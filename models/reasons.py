"""Reasons: what a sentence of ours says, for a reader in another language. Pure.

A sentence is made where the decision is; ``told`` puts beside it the code of what it says, and the values in it, so
that the web interface can say the same in its own words (``api/ui/src/i18n/*/reasons.json``). ``REASONS`` has them all.
Sizes are in bytes, in values whose names end with ``bytes``.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from typing_extensions import TypedDict

Value = str | int | float | list[str]

REASONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": ("text",),  # words that have no code: another program's, or the user's
        # why an engine cannot run a model
        "unserved_sound": (),
        "unserved_recognition": (),
        "unserved_pipeline": (),
        "unserved_reading": (),
        "unserved_pickle": (),
        "engine_by_files": (),
        "engine_unfit": ("engine", "model", "formats"),
        "engine_asked": (),
        "engine_asked_first": ("engine",),
        "engine_missing": ("engine", "python", "library", "extra", "command"),
        "engine_nowhere": ("engine",),
        "engine_on_some": ("engine", "working", "number"),
        "interpreter_mute": ("python", "error"),
        "vllm_for_gpus": ("version", "command"),
        "code_untrusted": ("setting",),
        # what a model needs, and what devices have
        "needs": ("model", "total_bytes", "weights_bytes", "overhead_bytes"),
        "needs_cache": (
            *("model", "total_bytes", "weights_bytes", "overhead_bytes"),
            *("cache_bytes", "context", "requests"),
        ),
        "needs_only": ("total_bytes",),
        "measured_more": ("difference_bytes",),
        "measured_less": ("difference_bytes",),
        "divided": ("number",),
        "device_total": ("device", "total_bytes"),
        "free": ("device", "free_bytes", "total_bytes"),
        "free_unknown": ("device",),
        "idle": ("idle_bytes", "models"),
        # why a replica waits for a device
        "no_device_reports": (),
        "node_silent": ("node",),
        "no_cpu": ("there",),
        "too_few_gpus": ("number", "there"),
        "no_such_gpus": ("indices", "there"),
        "cpu_instead": (),
        "mig_alone": (),
        "in_use": ("device",),
        "all_pinned": (),
        "being_freed": ("device",),
        "room_promised": (),
        "gpus_renumbered": (),
        "unreported": ("names",),
        # what happened to a model, and what follows
        "launched": ("model", "engine", "number"),
        "loaded_when_asked": (),
        "placed": ("names",),
        "takes_requests": (),
        "loaded_again": (),
        "fetching": (),
        "loading": (),
        "unloaded": (),
        "memory_free": (),
        "next_request_loads": (),
        "terminated": (),
        "cancelled": (),
        "replica_added": (),
        "replica_removed": (),
        "changed": ("settings",),
        "tried_in": ("seconds", "number", "most"),
        "tried_at_once": (),
        "tried_elsewhere": (),
        "not_tried": (),
        "given_up": ("number",),
        "tried_after": ("number",),
        "tried_after_start": (),
        "launched_anew": (),
        "unused": (),
        "memory_needed": (),
        "waits_for_turn": (),
        # what pydantic finds wrong with a field
        "fault_missing": (),
        "fault_extra_forbidden": (),
        "fault_string_type": (),
        "fault_string_too_long": ("max_length",),
        "fault_string_too_short": ("min_length",),
        "fault_string_pattern_mismatch": ("pattern",),
        "fault_int_type": (),
        "fault_int_parsing": (),
        "fault_int_from_float": (),
        "fault_float_type": (),
        "fault_float_parsing": (),
        "fault_finite_number": (),
        "fault_bool_type": (),
        "fault_bool_parsing": (),
        "fault_list_type": (),
        "fault_dict_type": (),
        "fault_too_long": ("max_length",),
        "fault_too_short": ("min_length",),
        "fault_greater_than": ("gt",),
        "fault_greater_than_equal": ("ge",),
        "fault_less_than": ("lt",),
        "fault_less_than_equal": ("le",),
        "fault_multiple_of": ("multiple_of",),
        "fault_literal_error": ("expected",),
        "fault_enum": ("expected",),
        "fault_url_parsing": (),
    }
)
"""By code the names of the values. The web interface has words for each, in every language."""


class Reason(msgspec.Struct, frozen=True):
    """What is said: a key of ``REASONS``, its values, and the devices of which it is true, where it is of some."""

    code: str
    values: dict[str, Value] = {}
    devices: list[str] = []


class ReasonTold(TypedDict):
    """What a sentence says. ``values`` have sizes in bytes; ``devices``: of which it is true, where it is of some.

    What no code is known of is ``text``, with the words as they are.
    """

    code: str
    values: dict[str, Value]
    devices: list[str]


class Told(str):
    """A sentence for people, with what it says. It is a text like any other wherever only that is wanted."""

    reasons: tuple[Reason, ...]

    def __new__(cls, text: str, reasons: Iterable[Reason] = ()) -> "Told":
        made = super().__new__(cls, text)
        made.reasons = tuple(reasons)
        return made


def told(text: str, code: str, **values: Value) -> Told:
    """A sentence that says one thing. Raises ValueError where ``REASONS`` has other values for the code, or none."""
    if REASONS.get(code) != tuple(values):
        raise ValueError(f"{code} has the values {REASONS.get(code)}, not {tuple(values)}")
    return Told(text, (Reason(code, dict(values)),))


def said(text: str) -> tuple[Reason, ...]:
    """What a text says: nothing where it is empty, and its own words where nothing else is known."""
    reasons = text.reasons if isinstance(text, Told) else ()
    return reasons or ((Reason("text", {"text": text}),) if text else ())


def joined(separator: str, texts: Iterable[str]) -> Told:
    """One sentence of several."""
    parts = list(texts)
    return Told(separator.join(parts), (one for text in parts for one in said(text)))


def of_devices(devices: Iterable[str], text: str) -> Told:
    """A sentence that is true of some devices, such as ``cuda:0, cuda:1: …``."""
    names = list(devices)
    its = (msgspec.structs.replace(one, devices=names) for one in said(text))
    return Told(f"{', '.join(names)}: {text}", its)


def as_told(text: str) -> list[ReasonTold]:
    """What a text says, as JSON; [] where nothing is known of it but its words."""
    reasons = text.reasons if isinstance(text, Told) else ()
    return [{"code": one.code, "values": dict(one.values), "devices": list(one.devices)} for one in reasons]


def read(text: str, reasons: object) -> str:
    """The sentence of which ``as_told`` made these reasons; the bare text where they cannot be read."""
    try:
        found = msgspec.convert(reasons, tuple[Reason, ...])
    except msgspec.ValidationError:
        return text
    return Told(text, found) if found else text
