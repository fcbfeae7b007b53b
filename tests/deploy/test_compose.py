"""What can be proved of the containers' files without a container engine."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from models.settings import Settings
from tests.deploy.composed import BIN, DOCKERFILES, ROOT, SECRETS, SERVERS, Config, compose, seconds
from tests.sources import python_files


@pytest.mark.parametrize("missing", SECRETS)
def test_no_secret_has_a_default(missing: str) -> None:
    answer = compose("config", "--quiet", **{name: value for name, value in SECRETS.items() if name != missing})
    assert answer.returncode != 0
    assert f"required variable {missing} is missing" in answer.stderr


def test_every_setting_exists(config: Config) -> None:
    known = {"HF_TOKEN"} | {f"HEADRACE_{name.upper()}" for name in Settings.model_fields}
    for name in {*config["services"]} - {*SERVERS}:
        assert config["services"][name]["environment"].keys() <= known, name
    for dockerfile in DOCKERFILES:
        assert {*re.findall(r"\b(HEADRACE_\w+)=", dockerfile.read_text())} <= known, dockerfile


def test_drains_end_before_docker_loses_patience(config: Config) -> None:
    drain = float(config["services"]["gateway"]["environment"]["HEADRACE_DRAIN_S"])
    assert seconds(config["services"]["gateway"]["stop_grace_period"]) > drain + 3
    for worker in ("worker-cpu", "worker-gpu"):
        assert seconds(config["services"][worker]["stop_grace_period"]) > drain + 10


def test_only_the_gateway_is_reachable(config: Config) -> None:
    assert [name for name, service in config["services"].items() if service.get("ports")] == ["gateway"]
    assert config["networks"]["inside"]["internal"]
    for name in SERVERS:
        assert list(config["services"][name]["networks"]) == ["inside"]


def test_every_worker_has_a_node_and_keeps_its_downloads(config: Config) -> None:
    workers = [service for name, service in config["services"].items() if name.startswith("worker-")]
    assert len({service["environment"]["HEADRACE_NODE"] for service in workers}) == len(workers) == 2
    home = re.findall(r"HEADRACE_HOME=(\S+)", (ROOT / "deploy/worker.Dockerfile").read_text())
    for service in workers:
        assert {volume["target"] for volume in service["volumes"]} >= {*home}


def test_all_who_touch_artifacts_share_them(config: Config) -> None:
    for name in {*config["services"]} - {*SERVERS, "migrate"}:
        service = config["services"][name]
        assert service["environment"]["HEADRACE_ARTIFACTS_URL"] == "file:///artifacts"
        assert {volume["target"]: volume["source"] for volume in service["volumes"]}["/artifacts"] == "artifacts"
    for dockerfile in DOCKERFILES:  # a new volume takes its owner from the image
        assert "install --directory --owner=headrace --group=headrace --mode=700 /artifacts" in dockerfile.read_text()
    bucket = "s3://bucket/prefix?endpoint=https://s3.example.com&secret_access_key=a%2Fb"
    moved = compose("config", "--format", "json", HEADRACE_ARTIFACTS_URL=bucket, **SECRETS)
    services = json.loads(moved.stdout)["services"]
    for name in ("gateway", "steward", "worker-cpu"):
        assert services[name]["environment"]["HEADRACE_ARTIFACTS_URL"] == bucket


def test_only_those_who_sign_have_the_secret_key(config: Config) -> None:
    key = SECRETS["HEADRACE_SECRET_KEY"]
    holders = {name for name, one in config["services"].items() if key in one.get("environment", {}).values()}
    assert holders == {"gateway", "steward"}
    admins = {name: one.get("environment", {}).get("HEADRACE_ADMIN_KEY") for name, one in config["services"].items()}
    assert {name: key for name, key in admins.items() if key is not None} == {"gateway": ""}, "it may be left out"
    assert "outside" in config["services"]["steward"]["networks"], "it sends webhooks"


def test_workers_have_every_engine(config: Config) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [engines] = re.findall(r"^headrace\[(.+)\]$", "\n".join(extras["cpu"]), re.M)
    for worker in ("worker-cpu", "worker-gpu"):
        assert config["services"][worker]["build"]["args"]["ENGINES"] == engines
    assert f"ARG ENGINES={engines}\n" in (ROOT / "deploy/worker.Dockerfile").read_text()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_are_clean(dockerfile: Path) -> None:
    answer = subprocess.run([BIN / "hadolint", dockerfile], text=True, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"^USER [1-9]\d*", dockerfile.read_text(), re.M), "it would run as root"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_images_get_the_whole_package(dockerfile: Path, tmp_path: Path) -> None:
    context, dist = tmp_path / "context", tmp_path / "dist"
    context.mkdir()
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    stages = re.split(r"^FROM ", dockerfile.read_text(), flags=re.M)
    for line in re.findall(r"^COPY (?!--from)(.+)", "".join(stages), re.M):
        *sources, _target = line.split()
        assert all(sent & {source, *map(str, Path(source).parents)} for source in sources)
    [stage] = [stage for stage in stages if " AS build\n" in stage]
    for line in re.findall(r"^COPY (?!--from)(.+)", stage, re.M):
        *sources, _target = line.split()
        for source in sources:
            (context / source).parent.mkdir(exist_ok=True)
            if (ROOT / source).is_dir():  # what is built of the interface comes from a stage of its own
                shutil.copytree(ROOT / source, context / source, ignore=shutil.ignore_patterns("node_modules"))
            else:
                shutil.copy(ROOT / source, context / source)
    build = [str(BIN / "uv"), "build", "--quiet", "--wheel", "--no-build-isolation", "--offline"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", str(dist), str(context)], check=True)
    [wheel] = dist.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package in ("api", "workers", "models", "migrations"):
        files = [path for kind in ("py", "ini", "mako") for path in python_files(ROOT / package, f"*.{kind}")]
        assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
    assert {
        "migrations/alembic.ini",
        "migrations/script.py.mako",
        "api/cli/__main__.py",
        "api/ui/dist/index.html",
    } <= packed
    glyphs = [path for path in (ROOT / "models/catalogue").glob("glyph*/**/*") if path.is_file()]
    families = (ROOT / "models/catalogue/families").glob("*.jsonl")
    assert {path.relative_to(ROOT).as_posix() for path in (*glyphs, *families)} <= packed
