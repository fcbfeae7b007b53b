"""Tokenizers that a package must read: the one that is missing is named, before any weights are read."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import transformers

from models.errors import InvalidRequest
from tests.families.residents import launched
from workers.engines.missing_packages import lacking, package_in
from workers.engines.text import tokenizer_files
from workers.engines.text.tokenizer_files import package_for

make: Any = transformers
BYTES = "".join(f"{base64.b64encode(bytes([one])).decode()} {one}\n" for one in range(256)).encode()


@pytest.mark.parametrize(
    ("files", "package"),
    [
        ({"tokenizer.model": b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02"}, "sentencepiece"),
        ({"tokenizer.model": BYTES}, "tiktoken"),
        ({"qwen.tiktoken": BYTES}, "tiktoken"),
        ({"tekken.json": json.dumps({"special_tokens": []}).encode()}, ""),
        ({"tekken.json": b"{}"}, "mistral-common"),
        ({"tekken.json": b"no"}, "mistral-common"),
        ({"tokenizer.model": BYTES, "tokenizer.json": b"{}"}, ""),
        ({"tekken.json": b"{}", "tokenizer.json": b"{}"}, ""),
        ({}, ""),
    ],
)
def test_the_package_that_reads_a_tokenizer_is_found(tmp_path: Path, files: dict[str, bytes], package: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert package_for(tmp_path) == package


@pytest.mark.weights
async def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    make.LlamaForCausalLM(make.LlamaConfig(vocab_size=300, **sizes)).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(BYTES)
    monkeypatch.setattr(tokenizer_files, "find_spec", lambda name: None)
    with pytest.raises(InvalidRequest, match=r"needs the package tiktoken, .* \(uv pip install tiktoken\)"):
        async with launched(tmp_path, n_threads=1):
            pass


def test_errors_of_the_library_name_a_package() -> None:
    timm = "\nTimmWrapperModel requires the timm library but it was not found in your environment. You can install"
    assert package_in(ImportError(timm)) == "timm"
    assert package_in(ImportError("No module named 'num2words'")) == "num2words"
    assert package_in(ImportError("`tiktoken` is required to read a `tiktoken` file.")) == "tiktoken"
    assert package_in(ImportError("something else")) == ""
    assert "uv pip install timm" in lacking("timm", "this model").message
