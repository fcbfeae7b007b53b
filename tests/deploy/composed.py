"""The compose file, as docker-compose understands it, and its services as processes of this machine."""

import contextlib
import graphlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from api.local.embedded import binary, free_port
from models.process.processes import end, spawn
from models.redis import broker
from tests.support.servers import wait_for

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
SECRETS = {name: secrets.token_hex(16) for name in re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.M)}
KEY = SECRETS["HEADRACE_API_KEY"]
HEADERS = {"Authorization": f"Bearer {KEY}"}
SERVERS = ("redis", "postgres")
PARTS = ("migrate", "gateway", "steward", "worker-cpu")

Config = dict[str, Any]


def compose(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The real docker-compose, without the settings of whoever runs the tests; ``config`` needs no engine."""
    command = [str(BIN / "docker-compose"), "--env-file", os.devnull, "--file", str(COMPOSE), *arguments]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **env}, text=True, capture_output=True, check=False)


def rendered(**env: str) -> Config:
    """The compose file as docker-compose understands it, GPU included, with these variables set."""
    answer = compose("--profile", "gpu", "config", "--format", "json", **SECRETS, **env)
    assert answer.returncode == 0, answer.stderr
    read: Config = json.loads(answer.stdout)
    return read


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
        """Of a service: the container's own, nothing of ours but which tree is tested."""
        env = {"PATH": f"{BIN}:{os.environ['PATH']}", "HEADRACE_HOME": str(self.folder / name), "HOME": "/"}
        env |= {name: os.environ[name] for name in ("TMPDIR", "PYTHONPATH") if name in os.environ} | self.machine
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


def administrate(url: str, statement: str) -> None:
    """Execute a statement that allows no transaction around it."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


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
