"""Settings, read from the environment under the prefix ``HEADRACE_``. Every process reads the same ones."""

import socket
import sys
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.keep_alive import FOREVER, seconds


class Settings(BaseSettings):
    """What an operator may set. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    home: Path = Field(Path.home() / ".headrace", description="Where all state lives.")
    host: str = Field("127.0.0.1", description="Address the gateway binds.")
    port: int = Field(9997, ge=1, le=65535, description="Port the gateway binds.")
    node: str = Field(socket.gethostname(), description="Name of this machine in device names; 'headrace up' keeps it.")
    log_level: str = Field("info", description="debug, info, warning or error.")

    cors_origins: str = Field(
        "",
        description="Origins of web pages that may use the API, comma-separated, or *;"
        " empty: this machine's where no key is set, else none.",
    )

    redis_url: str = Field("", description="Broker and control; empty: the embedded server.")
    stream_redis_url: str = Field("", description="Token traffic; empty: the same as redis_url.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite under home.")
    api_key: SecretStr = Field(
        SecretStr(""), description="Keys that clients must present, comma-separated; empty: no check."
    )
    admin_key: SecretStr = Field(
        SecretStr(""),
        description="Keys that may launch and terminate models, comma-separated; empty: every API key may.",
    )

    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs URLs and webhooks; one for all nodes; empty: made and kept under home."
    )
    public_url: str = Field("", description="Base of the URLs handed out; empty: what the request was sent to.")
    artifacts_url: str = Field("", description="s3://bucket/prefix?endpoint=…, or file:///path; empty: under home.")
    url_ttl_s: int = Field(3600, gt=0, description="How long a signed URL of a result is good.")
    max_upload_bytes: int = Field(1 << 30, gt=0, description="Largest upload of a file, an image or a recording.")

    job_queue: int = Field(10_000, gt=0, description="Jobs that may wait for one model.")
    key_job_queue: int = Field(10_000, gt=0, description="Jobs that may wait for one model under one API key.")
    job_attempts: int = Field(3, ge=1, le=100, description="Attempts at a job whose runner or worker is lost.")
    job_lease_s: float = Field(20, ge=1, description="A job whose worker was silent for this long is done anew.")
    job_retention_s: float = Field(7 * 86400, gt=0, description="How long jobs, results and artifacts are kept.")
    response_retention_s: float = Field(
        30 * 86400, gt=0, description="How long responses are kept after one last went on from them."
    )
    file_retention_s: float = Field(30 * 86400, gt=0, description="How long uploaded files are kept.")

    webhook_secret: SecretStr = Field(
        SecretStr(""), description="whsec_…, signs webhooks; empty: from secret_key, see 'headrace webhook-secret'."
    )
    outbound_allow: str = Field(
        "", description="Private networks that URLs given by clients may reach, comma-separated CIDRs."
    )

    max_body_bytes: int = Field(16 << 20, gt=0, description="Largest request body.")
    receive_timeout_s: float = Field(
        20, gt=0, description="Longest that a client may take for a request's headers, or be silent amid its body."
    )
    request_timeout_s: float = Field(600, gt=0, description="Deadline of a synchronous request.")
    keep_alive: str = Field(
        "", description="How long a model stays loaded without requests, as 300 or 5m; empty or below zero: for ever."
    )
    min_resident_s: float = Field(
        10, ge=1, description="How long a model that was loaded stays at least while others need its memory."
    )
    switch_wait_s: float = Field(
        30, gt=0, description="How long requests wait for a model before a busy one that is in its place takes no more."
    )
    scale_up_s: float = Field(
        10, gt=0, description="How long requests queue before one more replica of their model is loaded."
    )
    while_loading: Literal["wait", "refuse"] = Field(
        "wait", description="Whether a request waits for a model that loads, or is refused with Retry-After."
    )
    ready_wait_s: float = Field(
        60, ge=0, description="How long a request waits for a model that no device loads, and for which none leaves."
    )
    keepalive_after_s: float = Field(
        10, gt=0, description="Silence before a stream is committed to 200 and kept alive."
    )
    silence_s: float = Field(5, gt=1, description="A request or device unheard for this long is lost.")
    stream_buffer_bytes: int = Field(
        1 << 20, gt=0, description="What a slow reader may fall behind before its stream is cut."
    )
    device_concurrency: int = Field(4096, gt=0, description="Requests in flight or waiting on one device.")
    key_concurrency: int | None = Field(
        None,
        gt=0,
        description="Requests in flight or waiting for one API key; by default as many as all ready replicas hold.",
    )
    drain_s: float = Field(20, ge=0, description="How long running streams may finish at shutdown.")
    lost_s: float = Field(
        60, ge=10, description="A device unseen for this long loses its replicas to others; a restart is faster."
    )
    load_timeout_s: float = Field(
        1800, gt=0, description="Longest load of a replica, and longest pause of what it fetches."
    )

    interpreters: dict[str, str] = Field(
        default_factory=dict,
        description='Python of an engine\'s runner, {"vllm": "/path/python"}; else of .venv-<engine> beside ours.',
    )
    strict_fields: bool = Field(
        False, description="Refuse fields that nobody here has heard of; else they are ignored, and named in a header."
    )
    model_src: Literal["huggingface", "modelscope"] = Field(
        "huggingface", description="The hub of names without a scheme, org/name."
    )
    offline: bool = Field(False, description="Ask no hub: only what is in the cache is launched.")
    trust_remote_code: bool = Field(False, description="Let launches ask for trust_remote_code.")
    model_roots: str = Field(
        "", description="Folders that weights given by path may be in, comma-separated; empty: all."
    )

    def interpreter(self, engine: str) -> str:
        """The Python of an engine's runner: as set; else of the environment ``<ours>-<engine>``; empty: ours.

        An installation that was killed while it replaced that one may have left it as ``<ours>-<engine>.old``.
        """
        beside = (Path(f"{sys.prefix}-{engine}{end}") / "bin" / "python" for end in ("", ".old"))
        return self.interpreters.get(engine) or next((str(one) for one in beside if one.is_file()), "")

    @field_validator("keep_alive")
    @classmethod
    def _is_duration(cls, value: str) -> str:
        if value.strip():
            seconds(value)
        return value

    @field_validator("model_roots")
    @classmethod
    def _names_folders(cls, value: str) -> str:
        if value and not value.replace(",", "").strip():
            raise ValueError("it names no folder, and empty it would allow all: unset it for that")
        return value

    @cached_property
    def keep_alive_s(self) -> float:
        """How long a model stays loaded without requests whose launch does not say it; below 0: for ever."""
        return seconds(self.keep_alive) if self.keep_alive.strip() else FOREVER

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The folders that weights given by path may be in; none: they may be anywhere."""
        return tuple(Path(one.strip()).expanduser() for one in self.model_roots.split(",") if one.strip())

    @cached_property
    def database(self) -> str:
        """The URL of the database: as set, or the default."""
        return self.database_url or f"sqlite:///{self.home / 'headrace.db'}"

    @cached_property
    def artifacts(self) -> str:
        """The URL of the artifact store: as set, or the default."""
        return self.artifacts_url or (self.home.absolute() / "artifacts").as_uri()

    @cached_property
    def stream_redis(self) -> str:
        """The URL of the Redis that carries token traffic: as set, or the default."""
        return self.stream_redis_url or self.redis_url

    @property
    def shares_redis(self) -> bool:
        """Whether token traffic and all else have one Redis."""
        return self.stream_redis == self.redis_url

    @cached_property
    def api_keys(self) -> frozenset[str]:
        """The keys that clients may present, without those of administrators."""
        return _keys(self.api_key)

    @cached_property
    def admin_keys(self) -> frozenset[str]:
        """The keys of administrators. Where there are any, the other keys may not launch or terminate."""
        return _keys(self.admin_key)

    @cached_property
    def keyed(self) -> bool:
        """Whether requests must present a key."""
        return bool(self.api_keys or self.admin_keys)


def _keys(listed: SecretStr) -> frozenset[str]:
    return frozenset(key.strip() for key in listed.get_secret_value().split(",") if key.strip())
