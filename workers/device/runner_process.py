"""One runner process as its worker holds it: start it, talk to it, know what became of it.

STARTING ──Load sent──▶ LOADING ──Ready──▶ READY ──stop, Ending──▶ STOPPING ──▶ GONE
    └─────────────────────┴── Failed, death ──┴────────────────────────────────▶ GONE
"""

import contextlib
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from enum import Enum, auto
from pathlib import Path
from types import MappingProxyType

import msgspec
import psutil

from models.errors import HeadraceError, ReplicaLost, WireError
from models.hubs.progress import DownloadProgress
from models.modalities import MEDIA
from models.process.processes import end_within, group_lives, kill_group, spawn
from models.storage import scratch
from workers import protocol
from workers.device.load_clock import LoadClock
from workers.protocol import (
    Begin,
    CancelJob,
    Command,
    DoJob,
    Drain,
    Ending,
    Event,
    Failed,
    Fetched,
    Finished,
    JobEnded,
    JobProgress,
    Load,
    LoadProgress,
    Ready,
    Stats,
    Stop,
    Submit,
)
from workers.runner_logs import end_in_words, killer_of

log = logging.getLogger(__name__)

STOP_GRACE_S = 10.0
SEND_S = 10
"""How long a runner may leave its socket full. It holds up all jobs of its device meanwhile."""
GROUP_GONE_S = 5.0
"""How long the processes of a killed group are waited for; a process may be stuck in its driver."""
STUCK = "the runner is stuck in the driver: it was killed and does not end"
LAST_WORDS_S = 2.0
"""How long a runner that closed its socket may take to end."""

LINE_BYTES = 1 << 14


class Phase(Enum):
    """Where a runner is in its life."""

    LOADING = auto()
    READY = auto()
    STOPPING = auto()
    GONE = auto()


class RunnerProcess:
    """A handle on one runner process.

    ``on_change`` is called from the reader's thread at every change of phase, ``on_job`` with all that is said of
    jobs; ``on_line`` from another thread with each line that it writes to stderr.
    """

    leaving = False
    """Whether it gets no more requests and jobs, as it is to end."""

    def __init__(
        self,
        load: Load,
        *,
        interpreter: str,
        visible: Sequence[str],
        compiled: Path,
        envs: Mapping[str, str] = MappingProxyType({}),
        on_change: Callable[["RunnerProcess"], None],
        on_job: Callable[[JobEnded | JobProgress], None],
        on_line: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start it. Call from a thread that lives as long as the runner.

        ``visible`` are the UUIDs of its GPUs, ``compiled`` has the kernels of others, ``envs`` its launch's variables.
        """
        self.load = load
        self.visible = visible
        self.epoch = load.epoch
        self.phase = Phase.LOADING
        self.stage, self.progress = "starting", 0.0
        self.download: DownloadProgress | None = None
        self.fetched = self.begun = False
        """Whether its weights are here, and whether it was told to load them; both only where loads take turns."""
        self._turn = contextlib.ExitStack()
        self.ready: Ready | None = None
        self.failed: Failed | None = None
        self.stats = Stats(0, 0, 0, {})
        self.started_at = time.monotonic()
        self.clock = LoadClock(self.started_at)
        self.stuck = False
        """Whether it does not end although it was killed."""
        self.ready_at: float | None = None
        self.asked_at = self.job_at = float("-inf")
        self.limit: int | None = None
        """Most requests and jobs at once, where its launch says so."""
        self._on_change = on_change
        self._on_job = on_job
        self._on_line = on_line
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._futures: dict[str, tuple[Submit, Future[None]]] = {}
        self._scratch = contextlib.ExitStack()
        self.last_lines: deque[str] = deque(maxlen=400)
        self._process = self._spawn(interpreter, compiled, envs)
        self.pid = self._process.pid
        self._relaying = threading.Thread(target=self._relay, name=f"stderr of {load.replica}", daemon=True)
        self._relaying.start()
        threading.Thread(target=self._read, name=f"runner {load.replica}", daemon=True).start()
        self._send(load)

    def begin(self, turn: contextlib.ExitStack) -> None:
        """Let a runner that takes turns load its weights. The turn is closed when it has, or has ended."""
        self._turn, self.begun = turn, True
        self.clock.begins(time.monotonic())
        self._send(Begin())

    def submit(self, submit: Submit) -> Future[None]:
        """Hand a request over; the future resolves when it is over, or raises ReplicaLost.

        Raises ReplicaLost at once if the runner is not ready.
        """
        future: Future[None] = Future()
        with self._lock:
            if self.phase is not Phase.READY:
                raise ReplicaLost("the replica is not ready")
            self._futures[submit.rid] = (submit, future)
        self.asked_at = time.monotonic()
        self._send(submit)
        return future

    def start_job(self, order: DoJob) -> bool:
        """Hand a job over; False if the runner is not ready. ``on_job`` hears of its end, or nothing if it dies."""
        with self._lock:
            if self.phase is not Phase.READY:
                return False
        self.job_at = time.monotonic()
        return self._send(order)

    def cancel_job(self, job: str, fence: int) -> None:
        """Stop an attempt at a job."""
        self._send(CancelJob(job, fence))

    def drain(self, error: WireError) -> None:
        """End all requests with this error, then the runner."""
        with self._lock:
            self.phase = Phase.STOPPING
        self._send(Drain(error))

    def stop(self) -> None:
        """End the runner and give its memory back; waits until the process group is gone."""
        with self._lock:
            if self.phase is not Phase.GONE:
                self.phase = Phase.STOPPING
        loading = self.ready is None  # a load may hold the interpreter: it hears nothing, and has nothing to lose
        if not loading:
            self._send(Stop())
        self._end(0 if loading else STOP_GRACE_S)

    def kill(self) -> None:
        """End the runner at once."""
        kill_group(self.pid, signal.SIGKILL)
        self._hang_up()

    def give_up(self, error: HeadraceError, *, permanent: bool) -> None:
        """End a load at once, for this reason. ``permanent``: trying again is of no use."""
        if self.failed is None:
            self.failed = Failed(error.to_wire(), permanent)
            self.kill()

    def _hang_up(self) -> None:
        """Let the reader come to its end: what is stuck in a driver keeps its socket."""
        with contextlib.suppress(OSError):  # the runner is gone
            self._socket.shutdown(socket.SHUT_RD)

    def _end(self, grace_s: float) -> None:
        """Wait for the process to end by itself, then kill what is left of its group, and wait until it is gone.

        An engine may hold its memory in other processes of the group. One that is stuck in its driver is left aside.
        """
        if self.stuck:
            return
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            log.warning("runner %s does not end: killing it", self.pid)
        if not end_within(self._process, GROUP_GONE_S):
            self.stuck = True
            log.error("runner %s is stuck in the driver, and is left aside", self.pid)
            self._hang_up()
            return
        over = time.monotonic() + GROUP_GONE_S
        while group_lives(self.pid) and time.monotonic() < over:
            time.sleep(0.02)

    def abandoned(self) -> list[Submit]:
        """The requests that a dead runner leaves behind; their futures are failed."""
        with self._lock:
            left, self._futures = list(self._futures.values()), {}
        for _, future in left:
            future.set_exception(ReplicaLost("the replica's process died"))
        return [submit for submit, _ in left]

    @property
    def inflight(self) -> int:
        """Requests handed over and not over."""
        return len(self._futures)

    @property
    def idle_s(self) -> float:
        """Seconds since the last interactive request was handed over."""
        return 0.0 if self._futures else time.monotonic() - self.asked_at

    @property
    def shared(self) -> bool:
        """Whether it serves interactive requests, and not jobs alone."""
        return self.ready is None or not MEDIA.issuperset(self.ready.modalities)

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the runner's process group, in bytes; 0 once it is gone."""
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
            return sum(int(member.memory_info().rss) for member in family)
        except psutil.Error:
            return 0

    @property
    def exit_reason(self) -> HeadraceError:
        """Why the runner is gone, for people to read."""
        if self.failed is not None:
            return HeadraceError.from_wire(self.failed.error)
        if self.stuck:
            return ReplicaLost(STUCK)
        return ReplicaLost(end_in_words(self._process.poll() or 0, self.last_lines))

    def _spawn(self, interpreter: str, compiled: Path, envs: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_S, 0))
        self._socket = ours
        files = self._scratch.enter_context(scratch.folder())  # what libraries leave in it goes with the runner
        ours_alone = {"PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": ",".join(self.visible), "TMPDIR": str(files)}
        grows = bool(self.visible) and self.load.engine != "vllm"
        given = {**os.environ, **envs}
        environment = _defaults(compiled, given, grows=grows) | given | ours_alone
        with theirs:
            return spawn(  # the model's name is for whoever looks at the machine's processes
                [interpreter or sys.executable, "-m", "workers.runner", str(theirs.fileno()), self.load.uid],
                env=environment,
                pass_fds=(theirs.fileno(),),
                stderr=subprocess.PIPE,
            )

    def _relay(self) -> None:
        """Pass on what the runner writes to stderr, and keep its end: a library that aborts says why there alone."""
        pipe = self._process.stderr
        if pipe is None:
            return
        with pipe:
            while line := pipe.readline(LINE_BYTES):
                self._keep(line.decode(errors="replace"))
                with contextlib.suppress(OSError):  # nobody keeps our own
                    os.write(2, line)

    def _keep(self, text: str) -> None:
        """Keep a line of its log."""
        self.last_lines.append(text)
        self._on_line(text)

    def _send(self, command: Command) -> bool:
        try:
            with self._sending:
                self._socket.sendall(protocol.pack(command))
        except BlockingIOError:  # cut off amid a message: what follows would be nonsense
            log.error("runner %s has taken nothing for %d s: killing it", self.pid, SEND_S)
            self.kill()
            return False
        except OSError as error:
            log.info("runner %s does not hear: %s", self.pid, error)
            return False
        return True

    def _read(self) -> None:
        unpacker = protocol.Unpacker()
        try:
            while data := self._socket.recv(1 << 20):
                for body in unpacker.feed(data):
                    self._take(protocol.decode_event(body))
        except OSError as error:
            log.info("runner %s cannot be heard: %s", self.pid, error)
        except msgspec.MsgspecError:  # nobody else listens to it
            log.exception("what runner %s says cannot be read: killing it", self.pid)
            self.kill()
        self._end(LAST_WORDS_S)
        self._relaying.join(LAST_WORDS_S)
        if killer := killer_of(self._process.poll() or 0):
            self._keep(f"the runner was ended by signal {killer.value} ({killer.name})\n")
        with self._lock:
            self.phase = Phase.GONE
        self._turn.close()
        self._socket.close()
        self._on_change(self)
        self._scratch.close()  # last: its clients need not wait for what may be many files

    def _take(self, event: Event) -> None:
        match event:
            case Finished(rid):
                with self._lock:
                    found = self._futures.pop(rid, None)
                if found is not None:
                    found[1].set_result(None)
            case JobProgress() | JobEnded():
                self._on_job(event)
            case Stats():
                self.stats = event
            case LoadProgress(stage, fraction, download):
                changed, self.stage, self.progress = stage != self.stage, stage, fraction
                self.download = download or (self.download if stage == "downloading" else None)
                self.clock.went_on(fraction, time.monotonic())
                if changed:
                    self._on_change(self)
            case Fetched():
                self._take_fetched()
            case Ready():
                with self._lock:
                    if self.phase is Phase.LOADING:
                        self.phase = Phase.READY
                self.ready, self.ready_at = event, time.monotonic()
                self._turn.close()
                self.stage, self.progress, self.download = "ready", 1.0, None
                self._on_change(self)
            case Failed():
                self.failed = self.failed or event
            case Ending():
                with self._lock:
                    self.phase = Phase.STOPPING
                self._on_change(self)

    def _take_fetched(self) -> None:
        if not self.load.takes_turns:
            self.clock.begins(time.monotonic())
            return
        self.clock.waits()
        self.fetched = True
        self.stage, self.progress, self.download = "waiting", 0.0, None
        self._on_change(self)


def _defaults(compiled: Path, given: Mapping[str, str], *, grows: bool) -> dict[str, str]:
    """What a runner's environment has where what is ``given`` does not say otherwise.

    Kernels are compiled once, and kept. Devices are numbered as NVML numbers them. ``grows``: PyTorch's allocator
    extends its segments, so that a batch of another size does not fail while enough memory is free, but in pieces. vLLM
    divides its memory itself, and refuses to transfer a KV cache that lies in such segments.
    """
    caches = {
        "TORCHINDUCTOR_CACHE_DIR": compiled,
        "TRITON_CACHE_DIR": compiled / "triton",
        "VLLM_CACHE_ROOT": compiled / "vllm",
        "FLASHINFER_WORKSPACE_BASE": compiled / "flashinfer",
        "CUDA_CACHE_PATH": compiled / "cuda",
    }
    environment = {name: str(folder) for name, folder in caches.items()} | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    if grows and "PYTORCH_ALLOC_CONF" not in given:  # the new name of the same
        environment["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"
    return environment
