"""``models.ledger.placement.files``: which machines have the files of a source."""

from dataclasses import replace

import pytest

from models.ledger.placement.files import nodes_with
from models.rows.records import DeviceRow

A = DeviceRow("a.cpu", "a", "cpu", "", 0, 0, {"cached": ["hf:org/m", "modelscope:org/n"]}, {})
B = replace(A, id="b.cpu", node="b", details={})


@pytest.mark.parametrize(
    ("source", "nodes"),
    [
        ("hf:org/m", {"a"}),
        ("hf:org/m@main/m-Q4.gguf", {"a"}),
        ("modelscope:org/n", {"a"}),
        ("hf:org/n", set()),
        ("/models/m", {"b"}),
        ("/models/n", set()),
        ("pkg:package/m", set()),
        ("", set()),
        ("an earlier version's", set()),
    ],
)
def test_machines_that_have_it_cached_or_loaded(source: str, nodes: set[str]) -> None:
    assert nodes_with(source, [A, B], {"/models/m": {"b"}}) == nodes
