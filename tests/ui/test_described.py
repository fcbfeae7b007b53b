"""The descriptions of engines' options in Chinese: by the English ones, so that one whose words change is found."""

import json
import re
from pathlib import Path

from models.engines import FACTS
from models.launching.options import schemas, vllm

LAUNCH = Path("api/ui/src/features/launch")
DESCRIBED: dict[str, str] = json.loads((LAUNCH / "described" / "zh-CN.json").read_text())


def _ours() -> set[str]:
    """What our own engines say of their options."""
    others = [facts for name, facts in FACTS.items() if name != "vllm"]
    found = [schemas.schema_of(facts, kind)["properties"] for facts in others for kind in facts.model_types]
    return {str(one["description"]) for properties in found for one in properties.values()}


def _foremost() -> set[str]:
    """What vLLM's options are that the form shows first."""
    named = re.findall(r'^  "(\w+)",', (LAUNCH / "foremost.ts").read_text(), re.MULTILINE)
    properties = vllm.schema()["properties"]
    assert len(named) > 10
    return {str(properties[name]["description"]) for name in named}


def test_every_option_that_people_set_is_described_in_chinese_and_nothing_else() -> None:
    assert {*DESCRIBED} == _ours() | _foremost()


def test_what_is_described_in_chinese_is_chinese() -> None:
    assert [words for words in DESCRIBED.values() if not re.search("[\u4e00-\u9fff]", words)] == []
