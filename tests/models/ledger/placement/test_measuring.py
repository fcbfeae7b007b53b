"""``models.ledger.placement.measuring``: which launches are one entry, and how an entry corrects a need."""

from dataclasses import replace
from typing import Any

import pytest

from models.ledger.need import GIB, Need
from models.ledger.placement.measuring import key_on, keys_of, need_of
from models.ledger.placement.needs import to_row
from models.rows.instances import NewInstance
from models.rows.records import DeviceRow

NEED = Need(2 * GIB, GIB, certain=GIB)
MODEL = NewInstance(
    "m", "m", "LLM", "llama_cpp", "/m.gguf", {"n_ctx": 1024}, need=to_row({"cpu": NEED, "cuda": NEED, "metal": NEED})
)
CARD = DeviceRow("a.cuda:0", "a", "cuda", "a card", 24 * GIB, 0, {"capability": "8.9"}, {})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"uid": "n", "model_name": "n", "replica": 3}, True),
        ({"options": {"n_ctx": 1024, "chat_template": "{{ a }}"}}, True),
        ({"options": {"n_ctx": 2048}}, False),
        ({"source": "/other.gguf"}, False),
        ({"engine": "transformers"}, False),
        ({"need": to_row({"cuda": replace(NEED, weights=GIB)})}, False),  # other files at the same place
        ({"need": to_row({"cuda": replace(NEED, overhead=0)})}, True),  # a better estimate
    ],
)
def test_launches_that_take_the_same_memory_are_one_entry(change: dict[str, Any], same: bool) -> None:
    assert (key_on(replace(MODEL, **change), CARD, 1) == key_on(MODEL, CARD, 1)) is same


def test_devices_of_one_make_are_one_entry() -> None:
    key = key_on(MODEL, CARD, 1)
    assert key_on(MODEL, replace(CARD, id="b.cuda:3", node="b"), 1) == key
    assert key_on(MODEL, replace(CARD, label="another card"), 1) != key
    assert key_on(MODEL, CARD, 2) != key
    assert keys_of([(MODEL, 1)], [CARD, replace(CARD, id="b.cuda:3")]) == {key}


def test_nothing_is_remembered_of_what_takes_all_that_it_is_given_or_is_not_known() -> None:
    vllm = replace(MODEL, engine="vllm")
    assert key_on(vllm, CARD, 1) is None
    assert key_on(replace(vllm, options={"kv_cache_memory_bytes": GIB}), CARD, 1)
    assert key_on(vllm, replace(CARD, kind="cpu"), 1)
    assert key_on(replace(MODEL, need=None), CARD, 1) is None
    assert need_of(replace(MODEL, need=None), CARD, 1, {}) is None


def test_a_need_is_corrected_where_it_was_measured() -> None:
    key = key_on(MODEL, CARD, 1)
    assert key
    assert need_of(MODEL, CARD, 1, {}) == NEED
    found = need_of(MODEL, CARD, 1, {key: 4 * GIB})
    assert found
    assert (found.total, found.measured) == (4 * GIB, 4 * GIB)
    assert need_of(MODEL, CARD, 2, {key: 4 * GIB}) == NEED
    on_cpu = replace(CARD, kind="cpu")
    key = key_on(MODEL, on_cpu, 1)
    assert key
    assert (found := need_of(MODEL, on_cpu, 1, {key: GIB}))
    assert found.total == 2 * GIB
