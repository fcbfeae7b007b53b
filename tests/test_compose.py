"""What can be proved of the containers without a container engine: the files are sound, and the compose file's
commands, settings, health checks and order run as bare processes, on its own Redis configuration and PostgreSQL."""

import asyncio
import contextlib
import graphlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
import sqlalchemy as sa

from api.local.embedded import binary, free_port
from models.process.processes import end, spawn
from models.redis import broker
from models.settings import Settings
from tests.e2e.talk import PROMPT, chat, client, hear, launch, replicas, streaming
from tests.support.nvml import FakeNvml, rtx_4090
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
SECRETS = {name: secrets.token_hex(16) for name in re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.M)}
KEY = SECRETS["HEADRACE_API_KEY"]
HEADERS = {"Authorization": f"Bearer {KEY}"}
SERVERS = ("redis", "postgres")
PARTS = ("migrate", "gateway", "steward", "worker-cpu")

Config = dict[str, Any]

# ---- the files ---------------------------------------------------------------------------------------------


def compose(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The real docker-compose, without the settings of whoever runs the tests; ``config`` needs no engine."""
    command = [str(BIN / "docker-compose"), "--env-file", os.devnull, "--file", str(COMPOSE), *arguments]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **env}, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def config() -> Config:
    """The compose file as docker-compose understands it, GPU included."""
    rendered = compose("--profile", "gpu", "config", "--format", "json", **SECRETS)
    assert rendered.returncode == 0, rendered.stderr
    found: Config = json.loads(rendered.stdout)
    return found


@pytest.mark.parametrize("missing", SECRETS)
def test_no_secret_has_a_default(missing: str) -> None:
    answer = compose("config", "--quiet", **{name: value for name, value in SECRETS.items() if name != missing})
    assert answer.returncode != 0
    assert f"required variable {missing} is missing" in answer.stderr


def test_every_setting_exists(config: Config) -> None:
    known = {f"HEADRACE_{name.upper()}" for name in Settings.model_fields}
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
    for line in re.findall(r"^COPY (?!--from)(.+)", dockerfile.read_text(), re.M):
        *sources, _target = line.split()
        assert sent.issuperset(sources)
        for source in sources:
            (context / source).parent.mkdir(exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, context / source)
    build = [str(BIN / "uv"), "build", "--quiet", "--wheel", "--no-build-isolation", "--offline"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", str(dist), str(context)], check=True)
    [wheel] = dist.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package in ("api", "workers", "models", "migrations"):
        files = [path for kind in ("py", "ini", "mako") for path in (ROOT / package).rglob(f"*.{kind}")]
        assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
    assert {"migrations/alembic.ini", "migrations/script.py.mako", "api/cli/__main__.py"} <= packed
    glyphs = [path for path in (ROOT / "models/catalogue").glob("glyph*/**/*") if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in glyphs} <= packed


# ---- the processes -----------------------------------------------------------------------------------------


class Composed:
    """The compose file's services as processes of this machine: other ports, hosts and paths, and nothing else."""

    def __init__(self, config: Config, folder: Path, postgres_url: str) -> None:
        self.services: dict[str, Config] = config["services"]
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.machine: dict[str, str] = {}
        """What the machine itself adds to the environment of a container."""
        self.port, self.redis_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._configs: dict[str, Config] = config["configs"]
        database = sa.make_url(postgres_url)
        self._here = {
            "@redis:6379/": f"@127.0.0.1:{self.redis_port}/",
            "@postgres:5432/": f"@{database.host}:{database.port}/",
            "file:///artifacts": (folder / "artifacts").as_uri(),
        }

    def environment(self, name: str) -> dict[str, str]:
        """Of a service: the container's own, nothing of ours."""
        env = {"PATH": f"{BIN}:{os.environ['PATH']}", "HEADRACE_HOME": str(self.folder / name), "HOME": "/"}
        env |= {"TMPDIR": os.environ["TMPDIR"]} | self.machine
        for key, value in self.services[name]["environment"].items():
            env[key] = value
            for there, here in self._here.items():
                env[key] = env[key].replace(there, here)
        if "HEADRACE_PORT" in env:
            env["HEADRACE_PORT"] = str(self.port)
        return env

    def start_redis(self) -> None:
        """The embedded binary on the configuration that the container would mount, plus a user for the tests."""
        service = self.services["redis"]
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        here = {"bind * -::*": "bind 127.0.0.1", "port 6379": f"port {self.redis_port}", "dir /data": f"dir {data}"}
        here |= {one["target"]: str(self.folder / Path(one["target"]).name) for one in service["configs"]}
        for one in service["configs"]:
            source = self._configs[one["source"]]
            text = source["content"] if "content" in source else Path(source["file"]).read_text()
            for there, where in here.items():
                text = text.replace(there, where)
            Path(here[one["target"]]).write_text(text)
        _server, *arguments = (here.get(word, word) for word in service["command"])
        tester = ["--user", "tester", "on", f">{KEY}", "~*", "&*", "+@all"]
        self._spawn("redis", [str(binary()), *arguments, *tester], {"PATH": os.environ["PATH"]})
        wait_for(self._redis_answers, 20, lambda: self.log("redis"))

    def start(self, name: str) -> None:
        """Start a service and wait until it is as those who depend on it want it."""
        (self.folder / name).mkdir(exist_ok=True)
        process = self._spawn(name, self.services[name]["command"], self.environment(name))
        if name == "migrate":
            assert process.wait(60) == 0, self.log(name)
        check = self.healthcheck(name)
        if check:
            wait_for(lambda: self._passes(name, check), 60, lambda: self.log(name))

    def healthcheck(self, name: str) -> list[str]:
        """The command of a service's health check, or of its image's; empty where there is none."""
        service = self.services[name]
        own = service.get("healthcheck", {})
        if own.get("disable"):
            return []
        if own:
            return list(own["test"][1:])
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        found = re.search(r"^HEALTHCHECK (?:.*\\\n)* *CMD (\[.*\])$", dockerfile, re.M)
        return list(json.loads(found[1])) if found else []

    def redis(self, user: str = "tester", password: str = KEY) -> "redis.Redis":
        """A connection as this user."""
        return broker.command_client(f"redis://{user}:{password}@127.0.0.1:{self.redis_port}/0")

    def stop(self, *names: str) -> dict[str, int]:
        """What ``docker compose stop`` does to these services; their exit codes."""
        for name in names:
            self.running[name].send_signal(self.services[name].get("stop_signal", signal.SIGTERM))
        began, codes = time.monotonic(), {}
        for name in names:
            left = seconds(self.services[name]["stop_grace_period"]) - (time.monotonic() - began)
            codes[name] = self.running.pop(name).wait(left)
        return codes

    def close(self) -> None:
        """Leave nothing behind."""
        for process in self.running.values():
            end(process.pid)
            process.wait(10)

    def log(self, name: str) -> str:
        """What a service printed."""
        return f"--- {name}\n{(self.folder / f'{name}.log').read_text(errors='replace')[-4000:]}"

    def _spawn(self, name: str, command: list[str], env: dict[str, str]) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as output:
            process = spawn(command, env=env, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT)
        self.running[name] = process
        return process

    def _passes(self, name: str, check: list[str]) -> bool:
        assert self.running[name].poll() is None, self.log(name)
        env = self.environment(name)
        return subprocess.run(check, env=env, cwd=self.folder, capture_output=True, check=False).returncode == 0

    def _redis_answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.redis("health", "health") as health:
            return bool(health.ping())
        return False


@pytest.fixture
def composed(config: Config, postgres_url: str, tmp_path: Path) -> Iterator[Composed]:
    """Redis and PostgreSQL as the compose file sets them up; the parts are not started."""
    name = config["services"]["postgres"]["environment"]["POSTGRES_DB"]
    made = Composed(config, tmp_path, postgres_url)
    administrate(postgres_url, f'CREATE DATABASE "{name}"')
    try:
        made.start_redis()
        yield made
    finally:
        made.close()
        administrate(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def administrate(url: str, statement: str) -> None:
    """Execute a statement that allows no transaction around it."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


async def test_the_services_run_as_processes(composed: Composed) -> None:
    order = start_in_order(composed)
    assert order.index("migrate") < min(map(order.index, ("gateway", "steward", "worker-cpu")))
    wait_for(lambda: httpx.get(f"{composed.url}/readyz").status_code == 200, 30, lambda: composed.log("gateway"))

    async with client(composed.url) as stranger:
        assert (await stranger.get("/healthz")).status_code == 200
        assert (await stranger.post("/v1/chat/completions", json=chat())).status_code == 401
        assert (await stranger.post("/v1/models", json={"model_name": "echo"})).status_code == 401
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "echo", step_ms=20)
        heard = await hear(http, chat(max_completion_tokens=8))
        assert "".join(heard.text) == f"{PROMPT} {PROMPT}"
        assert heard.done

        # A stream that runs when all are told to stop is finished, not cut.
        async with streaming(http, chat(max_completion_tokens=60)) as (last, lines):
            async for line in lines:
                if last.take(line):
                    break
            stopping = asyncio.create_task(asyncio.to_thread(composed.stop, "gateway", "steward", "worker-cpu"))
            async for line in lines:
                last.take(line)
        codes = await stopping
    assert last.done, composed.log("gateway") + composed.log("worker-cpu")
    assert len(last.text) == 60
    assert codes["gateway"] in (0, -signal.SIGTERM)  # uvicorn stops cleanly, then raises the signal again
    assert (codes["worker-cpu"], codes["steward"]) == (0, 0), composed.log("worker-cpu") + composed.log("steward")

    assert_nothing_was_forbidden(composed)


@pytest.mark.weights
async def test_a_job_goes_through_all_services(composed: Composed) -> None:
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "hibari", model_name="hibari", load_on_request=True)
        said = {"kind": "audio.speech", "model": "hibari", "input": {"input": "Hello.", "response_format": "wav"}}
        job = (await http.post("/v1/jobs", json=said)).raise_for_status().json()["id"]
        told = (await http.get(f"/v1/jobs/{job}/events")).text
        last = json.loads(told.rsplit("data: ", 1)[1])
        assert last["state"] == "succeeded", told + composed.log("worker-cpu")
        sound = (await http.get(f"/v1/jobs/{job}/result")).content
        assert sound.startswith(b"RIFF")
        [made] = (composed.folder / "artifacts" / "jobs" / job).rglob("*.wav")
        assert made.read_bytes() == sound, "the worker wrote it, the gateway read it"
    assert_nothing_was_forbidden(composed)


def assert_nothing_was_forbidden(composed: Composed) -> None:
    """Redis has refused none of the parts anything."""
    with composed.redis() as tester:
        refused = [entry for entry in tester.acl_log() if entry["username"] in ("control", "worker")]
    assert not refused, "redis-users forbids what the parts do"


async def test_one_container_has_a_worker_for_each_gpu(composed: Composed, fake_nvml: FakeNvml) -> None:
    """So that a model can be spread over several of them."""
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.write()
    composed.machine = fake_nvml.environment
    start_in_order(composed)
    composed.start("worker-gpu")
    async with client(composed.url, headers=HEADERS) as http:

        async def devices() -> list[str]:
            return [one["id"] for one in (await http.get("/v1/devices")).json()["data"]]

        while len(await devices()) < 3:
            await asyncio.sleep(0.1)
        assert await devices() == ["compose-cpu.cpu", "compose-gpu.cuda:0", "compose-gpu.cuda:1"]
        await launch(http, "echo", n_gpu=2)
        [replica] = await replicas(http, "echo")
        assert replica["devices"] == ["compose-gpu.cuda:0", "compose-gpu.cuda:1"], replica
        assert (await hear(http, chat())).done

        workers = psutil.Process(composed.running["worker-gpu"].pid).children()
        await asyncio.to_thread(workers[0].kill)
        dead = workers[0].pid
        while dead in {one.pid for one in psutil.Process(composed.running["worker-gpu"].pid).children()}:
            await asyncio.sleep(0.1)
        while "starting it again" not in composed.log("worker-gpu"):
            await asyncio.sleep(0.1)
    assert composed.stop("worker-gpu") == {"worker-gpu": 0}, composed.log("worker-gpu")


def test_a_container_without_a_gpu_says_so(composed: Composed, fake_nvml: FakeNvml) -> None:
    fake_nvml.init = "mismatch"
    fake_nvml.write()
    composed.machine = fake_nvml.environment
    (composed.folder / "worker-gpu").mkdir()
    command = composed.services["worker-gpu"]["command"]
    environment = composed.environment("worker-gpu")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert re.fullmatch("headrace: this machine has no NVIDIA GPU that can be used; .*restart.*\n", ended.stderr)
    check = subprocess.run(composed.healthcheck("worker-gpu"), env=environment, timeout=60, check=False)
    assert check.returncode == 1


async def test_models_come_back_after_everything_was_restarted(composed: Composed) -> None:
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "echo")
        composed.stop("gateway", "steward", "worker-cpu")
        assert composed.stop("redis") == {"redis": 0}
    composed.start_redis()
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        wait_for(lambda: httpx.get(f"{composed.url}/readyz").status_code == 200, 30)
        assert (await hear(http, chat())).done


def test_no_part_may_rule_redis(composed: Composed) -> None:
    for user in ("control", "worker"):
        with composed.redis(user, SECRETS[f"REDIS_{user.upper()}_PASSWORD"]) as part:
            assert part.ping()
            for command in (
                "FLUSHALL",
                "CONFIG GET *",
                "KEYS *",
                "SHUTDOWN",
                "ACL LIST",
                "GET other",
                "PUBLISH other x",
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    part.execute_command(*command.split())
    with composed.redis("default", "") as nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.ping()


def start_in_order(composed: Composed) -> list[str]:
    """Start the parts, each after those it depends on; the order taken."""
    needs = {name: {*composed.services[name]["depends_on"]} - {*SERVERS} for name in PARTS}
    order = list(graphlib.TopologicalSorter(needs).static_order())
    for name in order:
        composed.start(name)
    return order


def seconds(duration: str) -> float:
    """Docker's way to write a duration, as in 1m30s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", duration))
