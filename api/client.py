"""A small client of the HTTP interface, for the command line and the supervisor."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx
import msgspec

from models.errors import (
    Cancelled,
    HeadraceError,
    ModelFailed,
    ModelNotFound,
    NoDevice,
    ReplicaLost,
    Unavailable,
    WireError,
)
from models.hubs.progress import DownloadProgress
from models.hubs.progress import line as line_of

POLL_S = 0.3
TERMINATE_TIMEOUT_S = 90.0


class LaunchProgress(NamedTuple):
    """How far a launch is, from 0 to 1, the stage of the replica that is furthest behind, and why that waits or failed.

    ``reason`` is empty where there is none. ``hopeless``: a replica waits, and no device that is here will ever do.
    ``download``: how far a download is, in words; empty where nothing is fetched.
    """

    fraction: float
    stage: str
    reason: str
    hopeless: bool
    download: str = ""


OnProgress = Callable[[LaunchProgress], None]


class Client:
    """A connection to one endpoint. Every method raises HeadraceError: the server's own error, or Unavailable."""

    def __init__(self, endpoint: str, api_key: str = "", *, timeout_s: float = 30) -> None:
        self._endpoint = endpoint.rstrip("/")
        try:
            self._http = httpx.Client(
                base_url=self._endpoint,
                headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
                timeout=httpx.Timeout(timeout_s, connect=5),
                trust_env=False,  # the proxy of the environment is for other hosts; this is most often our own machine
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise Unavailable(f"{endpoint!r} is no endpoint, or its key no key: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def launch(self, body: dict[str, Any], say: Callable[[str], None] = lambda _: None) -> str:
        """Launch a model; returns the uid under which it will answer, before it is loaded.

        Of a name of the catalogue, ``say`` is told what is launched, and why.
        """
        body = {key: value for key, value in body.items() if value is not None}
        answer = self._json("POST", "/v1/models", "model_uid", whole=True, params={"wait_ready": "false"}, json=body)
        if reason := answer.get("reason"):
            place = answer.get("model_path")
            say(f"{reason} ({place})" if place else str(reason))
        return str(answer["model_uid"])

    def registrations(self, model_type: str) -> list[dict[str, Any]]:
        """The models of this type that a launch may name, and what is known of them."""
        return list(self._json("GET", f"/v1/model_registrations/{quote(model_type, safe='')}?detailed=true"))

    def engines_for(self, name: str, model_type: str | None) -> dict[str, Any]:
        """Every way to launch a model, engine by format by size by quantisation, and why it cannot be gone here."""
        path = f"{quote(model_type, safe='')}/{quote(name)}" if model_type else quote(name, safe="")
        return dict(self._json("GET", f"/v1/engines/{path}", "data", whole=True, params={"detailed": "true"}))

    def vllm_models(self) -> dict[str, list[str]]:
        """The language models of the catalogue that vLLM runs: those that chat, and the others."""
        return dict(self._json("GET", "/v1/models/vllm-supported", "chat", whole=True))

    def register(self, model_type: str, model: dict[str, Any]) -> list[str]:
        """Register a model, described as Xinference or the catalogue does; the fields that have no effect here."""
        body = {"model": model, "persist": True}
        answer = self._answer("POST", f"/v1/model_registrations/{quote(model_type, safe='')}", json=body)
        ignored = answer.headers.get("x-headrace-ignored", "")
        return [one.strip().removeprefix("model.") for one in ignored.split(",") if one.strip()]

    def unregister(self, model_type: str, name: str) -> None:
        """Forget a model that was registered; what was launched of it stays."""
        self._json("DELETE", f"/v1/model_registrations/{quote(model_type, safe='')}/{quote(name, safe='')}")

    def guess(self, path: str, **said: Any) -> dict[str, Any]:
        """What would be registered of weights: ``model_type`` and ``model``. ``said``: those that are known."""
        body = {"model_path": path} | _given(**said)
        return dict(self._json("POST", "/v1/model_registrations/guess", "model", whole=True, json=body))

    def wait_ready(self, uid: str, on_progress: OnProgress = lambda _: None) -> None:
        """Wait until the launch is whole, or its model sleeps until it is asked for.

        Raises ModelFailed with the cause if one cannot be loaded, NoDevice if no device that is here can serve one.
        """
        while True:
            try:
                now = self.progress(uid)
            except ModelNotFound:
                raise Cancelled(f"the launch of '{uid}' was cancelled") from None
            if now.stage in ("ready", "dormant"):
                on_progress(now)
                return
            if now.stage == "failed":
                raise ModelFailed(f"the model '{uid}' could not be loaded: {now.reason or 'see the worker log'}")
            if now.hopeless:
                raise NoDevice(f"the model '{uid}' waits for a device: {now.reason}")
            on_progress(now)
            time.sleep(POLL_S)

    def progress(self, uid: str) -> LaunchProgress:
        """How far a launch is."""
        answer = self._json("GET", f"/v1/models/{quote(uid, safe='')}/progress")
        stage, replicas = str(answer["stage"]), answer["replicas"]
        hopeless = [one["info"] for one in replicas if one.get("hopeless")]
        reasons = hopeless or [one["info"] for one in replicas if one["stage"] == stage]
        downloads = [msgspec.convert(one["download"], DownloadProgress) for one in replicas if one.get("download")]
        download = line_of(downloads[0]) if downloads else ""
        return LaunchProgress(
            float(answer["progress"]), stage, next(filter(None, reasons), ""), bool(hopeless), download
        )

    def devices(self) -> list[dict[str, Any]]:
        """Every device whose worker reports, and which engines work on it."""
        return list(self.all_devices()["data"])

    def all_devices(self) -> dict[str, Any]:
        """The devices under ``data``, and under ``notes`` what is to be said of GPUs that cannot be used."""
        return dict(self._json("GET", "/v1/devices", "data", whole=True))

    def models(self) -> list[dict[str, Any]]:
        """Every model that was launched."""
        return list(self._json("GET", "/v1/models", "data"))

    def replicas(self, uid: str) -> list[dict[str, Any]]:
        """A model's replicas: device, state, pid and memory of the runner."""
        return list(self._json("GET", f"/v1/models/{quote(uid, safe='')}/replicas"))

    def logs(self, uid: str, lines: int, *, follow: bool = False) -> Iterator[str]:
        """The last lines of a model's runners; with ``follow`` also those that come, until it is terminated."""
        path = f"/v1/models/{quote(uid, safe='')}/logs"
        if not follow:
            yield from (str(line["text"]) for line in self._json("GET", path, "data", params={"lines": lines}))
            return
        for line in self._lines("GET", path, params={"lines": lines, "follow": "true"}):
            if line.startswith("data:"):
                yield str(json.loads(line.removeprefix("data:"))["text"])

    def events(self, uid: str | None, limit: int, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """What happened to a model, or to all, oldest first; with ``follow`` also what comes."""
        path = "/v1/events" if uid is None else f"/v1/models/{quote(uid, safe='')}/events"
        if not follow:
            answer = self._json("GET", path, params={"limit": limit})
            yield from (answer["data"] if uid is None else answer)
            return
        for line in self._lines("GET", path, params={"limit": limit, "follow": "true"}):
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))

    def add_replicas(self, uid: str, count: int) -> dict[str, Any]:
        """Add replicas to a model; does not wait until they are loaded."""
        return dict(self._json("POST", f"/v1/models/{quote(uid, safe='')}/replicas", json={"replica": count}))

    def remove_replicas(self, uid: str, count: int, replica: str | None = None) -> dict[str, Any]:
        """Remove so many replicas, or this one; returns when they are gone, or after a minute."""
        path, params = f"/v1/models/{quote(uid, safe='')}/replicas", {"replica": count}
        if replica is not None:
            path, params = f"{path}/{quote(replica, safe='')}", {}
        return dict(self._json("DELETE", path, params=params, timeout=TERMINATE_TIMEOUT_S))

    def cancel_launch(self, uid: str) -> dict[str, Any]:
        """Cancel a launch; returns when nothing is left of it but what was fetched."""
        return dict(self._json("POST", f"/v1/models/{quote(uid, safe='')}/cancel"))

    def terminate(self, uid: str) -> dict[str, Any]:
        """Unload a model and forget it; returns when its memory is free again, or after a minute with a ``message``."""
        return dict(self._json("DELETE", f"/v1/models/{quote(uid, safe='')}", timeout=TERMINATE_TIMEOUT_S))

    def cached(self, name: str = "", worker_ip: str | None = None) -> list[dict[str, Any]]:
        """What was fetched from hubs, or that of this name."""
        return list(self._json("GET", "/v1/cache/models", "list", params=_given(model_name=name, worker_ip=worker_ip)))

    def cached_files(self, version: str, worker_ip: str | None = None) -> list[str]:
        """The files that go when a fetched model is removed."""
        params = _given(model_version=version, worker_ip=worker_ip)
        return list(self._json("GET", "/v1/cache/models/files", "paths", params=params))

    def remove_cached(self, version: str, worker_ip: str | None = None) -> dict[str, Any]:
        """Remove a fetched model; returns how many bytes that freed."""
        params = _given(model_version=version, worker_ip=worker_ip)
        return dict(self._json("DELETE", "/v1/cache/models", "result", whole=True, params=params, timeout=None))

    def jobs(self, **filters: Any) -> list[dict[str, Any]]:
        """Jobs, newest first. ``filters``: state, model, limit."""
        params = _given(**filters)
        return list(self._json("GET", "/v1/jobs", "data", params=params))

    def job(self, job: str) -> dict[str, Any]:
        """One job."""
        return dict(self._json("GET", f"/v1/jobs/{quote(job, safe='')}"))

    def cancel(self, job: str) -> dict[str, Any]:
        """Cancel a job; returns it as it is after that."""
        return dict(self._json("POST", f"/v1/jobs/{quote(job, safe='')}/cancel"))

    def chat(self, uid: str, messages: list[dict[str, str]], **options: Any) -> Generator[str, None, None]:
        """The answer's text, piece by piece. Closing the iterator early stops the model."""
        yield from self._stream("/v1/chat/completions", {"model": uid, "messages": messages, **options})

    def generate(self, uid: str, prompt: str, **options: Any) -> Generator[str, None, None]:
        """How a text goes on, piece by piece. Closing the iterator early stops the model."""
        yield from self._stream("/v1/completions", {"model": uid, "prompt": prompt, **options})

    def _stream(self, path: str, body: dict[str, Any]) -> Generator[str, None, None]:
        yield from _texts(self._lines("POST", path, json=body | {"stream": True}))

    def _lines(self, method: str, path: str, **options: Any) -> Generator[str, None, None]:
        """The lines of an answer as they come."""
        timeout = httpx.Timeout(None, connect=5)  # the server itself ends every request at its deadline
        try:
            with self._http.stream(method, path, timeout=timeout, **options) as response:
                if response.is_error:
                    response.read()
                    raise _error(response)
                yield from response.iter_lines()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _json(self, method: str, path: str, key: str = "", *, whole: bool = False, **options: Any) -> Any:
        """The answer, or the part of it under ``key``, which must be there even where ``whole`` asks for all."""
        response = self._answer(method, path, **options)
        try:
            answer = response.json()
            part = answer[key] if key else answer
            return answer if whole else part
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self._endpoint} answers, but not as headrace does") from error

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.is_error:
            raise _error(response)
        return response

    def _unreachable(self, error: httpx.HTTPError) -> Unavailable:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
            return Unavailable(f"cannot reach {self._endpoint}: {error or type(error).__name__}")
        return Unavailable(f"the connection to {self._endpoint} failed: {error or type(error).__name__}")


def _given(**parameters: Any) -> dict[str, Any]:
    """The parameters that have a value."""
    return {name: value for name, value in parameters.items() if value not in (None, "")}


def _texts(lines: Iterator[str]) -> Iterator[str]:
    """The text of the deltas in a stream of server-sent events. Raises the error that the stream carries."""
    for line in lines:
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            chunk = json.loads(data)
        except ValueError as error:
            raise Unavailable(f"the stream has an event that is not JSON: {data[:80]}") from error
        if "error" in chunk:
            raise _from_envelope(chunk)
        for choice in chunk.get("choices", []):
            if text := choice.get("delta", {}).get("content") or choice.get("text"):
                yield text
    raise ReplicaLost("the stream broke off before its end")


def _error(response: httpx.Response) -> HeadraceError:
    try:
        return _from_envelope(response.json())
    except (ValueError, KeyError, TypeError, AttributeError):  # another server's, or a proxy's, error page
        return Unavailable(f"{response.request.url} answered {response.status_code} {response.reason_phrase}")


def _from_envelope(body: dict[str, Any]) -> HeadraceError:
    """The error in OpenAI's envelope, as the server raised it."""
    error = body["error"]
    return HeadraceError.from_wire(WireError(str(error.get("code") or ""), str(error["message"]), error.get("param")))
