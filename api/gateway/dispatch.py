"""From a valid request to the first bytes of its answer: find a ready replica, admit, enqueue, wait.

If the replica is lost before it has sent anything, this is done once more, on another replica where there is one. A
request that waits at one goes to another that would begin it sooner (``Mover``).
"""

import asyncio
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.edge.caller import Caller
from api.gateway import placement
from api.gateway.admission import Admission
from api.gateway.inbox import Inbox
from api.gateway.known_models import KnownModel, KnownModels
from api.gateway.loading import Loading, Manner, eta
from api.gateway.metrics import METRICS
from api.gateway.placement import Candidate, InLine, Line
from api.gateway.replies import Replies
from api.gateway.routing_table import RoutingTable
from api.gateway.waiting_room import WaitingRoom
from models.errors import (
    BrokerUnavailable,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    RateLimited,
    ReplicaLost,
    ShuttingDown,
)
from models.modalities import served_by
from models.redis import queue
from models.redis.presence import Replica
from models.settings import Settings

WHOLE_BYTES = 1 << 40
"""The bound on the buffer of an answer that is not streamed: in effect none, as the gateway reads it at once."""

WAITERS = 1024
"""Most requests that may wait, at one gateway, for models to be ready."""

MOVE_EVERY_S = 0.25


@dataclass(slots=True)
class Call:
    """One request on its way.

    ``body`` is what the client sent, already validated. ``tokens``: most that the answer may cost. ``affinity`` stands
    for the beginning of the prompt. ``manner``: what it wants while the model loads, and ``loading`` how far that is
    then. ``deadline``: Unix time in ms. ``tried``: the epochs that it was sent to.
    """

    modality: str
    uid: str
    body: dict[str, Any]
    caller: Caller
    tokens: int
    affinity: str
    streams: bool = False
    manner: Manner = "wait"
    loading: Loading | None = None
    deadline: int = 0
    tried: set[str] = field(default_factory=set)


class Patience:
    """How long a model is waited for: as long as its load goes on and ``seconds`` longer, but never past ``latest``.

    What a device loads, and for what others leave, goes on even where nothing shows it: workers end loads that hang.
    """

    def __init__(self, seconds: float, latest: float) -> None:
        self._seconds = seconds
        self._latest = latest
        self._over = 0.0
        self._loads: tuple[tuple[str, float], ...] | None = None

    def ends(self, loads: tuple[tuple[str, float], ...], now: float, *, goes_on: bool = False) -> bool:
        """Whether it is time to give up, now that the loads of the replicas are so far. ``goes_on``: see above."""
        if goes_on or loads != self._loads:
            self._loads, self._over = loads, now + self._seconds
        return now >= min(self._over, self._latest)


class Dispatcher:
    """Sends calls to replicas."""

    def __init__(
        self,
        settings: Settings,
        routing_table: RoutingTable,
        replies: Replies,
        admission: Admission,
        known_models: KnownModels,
        waiting_room: WaitingRoom,
    ) -> None:
        self.closed = False
        self._settings = settings
        self._routing_table = routing_table
        self._replies = replies
        self._admission = admission
        self._known_models = known_models
        self._waiting_room = waiting_room
        self._waiting = 0

    async def open(self, call: Call) -> tuple[Inbox, bytes]:
        """Send the call; returns the inbox of its answer and the first bytes of the answer.

        Waits for a loading model up to ``ready_wait_s``. Raises the error of the replica or of the platform.
        """
        call.deadline = queue.deadline_ms(self._settings.request_timeout_s)
        for last in (False, True):
            inbox = await self.send(call)
            try:
                while (first := await inbox.first()) is None:
                    inbox = await self._move(call, inbox)
                return inbox, first
            except ReplicaLost:
                self._replies.close(inbox)
                if last:
                    raise
                METRICS.retries.labels(call.uid).inc()
            except BaseException:
                self._replies.close(inbox)
                raise
        raise AssertionError("unreachable")

    async def send(self, call: Call) -> Inbox:
        """Admit the call to the best replica that has room. Raises Overloaded when none has.

        Where all that are ready are about to be unloaded, it waits until one is loaded again.
        """
        full: Overloaded | None = None
        while full is None:
            if self.closed:
                raise ShuttingDown()
            ready = {one.id: (device, one) for device, one in await self._ready(call)}
            order = list(ready)
            if len(order) > 1:
                order = placement.order(self._weigh(ready), call.affinity)
                order.sort(key=lambda name: ready[name][1].epoch in call.tried)
            for name in order:
                try:
                    if inbox := await self._enqueue(call, *ready[name]):
                        return inbox
                    self._routing_table.doubt(ready[name][1].epoch)
                except Overloaded as error:
                    full = error
        raise full

    def close(self, inbox: Inbox, seconds: float) -> None:
        """End a call, which took so many seconds: its answer was read to the end, or nobody reads it any more."""
        self._replies.close(inbox)
        if inbox.closing is not None:
            self._admission.learn(inbox.uid, seconds)

    async def _move(self, call: Call, inbox: Inbox) -> Inbox:
        """Send a call that waits to the replica that was offered; where that is not possible, it stays where it is."""
        epoch, inbox.offered = inbox.offered, ""
        better = next((found for found in self._routing_table.ready(call.uid) if found[1].epoch == epoch), None)
        if better is None or self.closed:
            return inbox
        try:
            moved = await self._enqueue(call, *better, instead_of=inbox.rid)
        except (Overloaded, RateLimited, BrokerUnavailable):
            return inbox
        if moved is None or inbox.begun:  # it has begun meanwhile
            if moved is not None:
                self._replies.close(moved)
            return inbox
        self._replies.close(inbox)
        METRICS.moved.labels(call.uid).inc()
        return moved

    async def _enqueue(self, call: Call, device: str, replica: Replica, instead_of: str = "") -> Inbox | None:
        """The inbox of the call's answer; None where the replica is about to be unloaded."""
        rid = secrets.token_hex(12)
        slots = self._admission.slots(device, replica, call.caller)
        keys = [one.key for one in slots]
        arguments = [replica.epoch, rid, self._replies.gateway_id, call.modality, call.deadline, call.body, keys]
        message = queue.message(queue.INFER, arguments, rid=rid, queue=queue.queue_name(device))
        now = asyncio.get_running_loop().time()
        buffer = self._settings.stream_buffer_bytes if call.streams else WHOLE_BYTES
        inbox = Inbox(rid, call.uid, replica.epoch, device, keys, now, buffer, budget=call.tokens)
        self._replies.open(inbox)
        try:
            admitted = await self._admission.enqueue(
                message, rid, call.deadline, device=device, replica=replica, slots=slots, instead_of=instead_of
            )
        except BaseException:
            self._replies.close(inbox)
            raise
        if not admitted:
            self._replies.close(inbox)
            return None
        call.tried.add(replica.epoch)
        return inbox

    async def _ready(self, call: Call) -> list[tuple[str, Replica]]:
        ready = self._routing_table.ready(call.uid)
        if not ready:
            ready = await self._wait_ready(call)
        serving = [(device, one) for device, one in ready if served_by(call.modality) in one.modalities]
        if not serving:
            raise InvalidRequest(f"the model '{call.uid}' does not serve {call.modality}", param="model")
        return serving

    async def _wait_ready(self, call: Call) -> list[tuple[str, Replica]]:
        """Wait for a model that is loading; returns its ready replicas. Raises the error where it will not be ready."""
        with self._waiting_room.waits(call.uid) as since:
            try:
                return await self._until_ready(call, since)
            finally:
                call.loading = None

    async def _until_ready(self, call: Call, since: float) -> list[tuple[str, Replica]]:
        loop, uid = asyncio.get_running_loop(), call.uid
        patience = Patience(self._settings.ready_wait_s, loop.time() + call.deadline / 1000 - time.time())
        self._waiting += 1
        try:
            while True:
                changed = self._routing_table.changed
                if found := self._routing_table.ready(uid):
                    return found
                known = await self._check_known(uid)
                call.loading = self._how_far(known, since)
                if call.manner == "refuse":
                    raise self._refusal(call.loading)
                now, going = loop.time(), known.goes_on
                if known.hopeless or patience.ends(known.loads, now, goes_on=going) or self._waiting > WAITERS:
                    why = f"waits for a device: {known.waits}" if known.waits else "is loading"
                    raise ModelNotReady(f"the model '{uid}' {why}", retry_after=10)
                await self._routing_table.change(changed, 0.5)
        finally:
            self._waiting -= 1

    def _how_far(self, known: KnownModel, since: float) -> Loading:
        """How far the load of a model is, for a request that waits since then."""
        its = [one for _, one in self._routing_table.replicas() if one.uid == known.uid and not one.resident_s]
        stage, progress = max(known.loads, key=lambda one: one[1], default=("", 0.0))
        stage = "pending" if known.asleep or not stage else stage
        ready_in = eta(known.load_s, known.bytes, self._known_models.paces, its)
        return Loading(known.uid, stage, progress, self._waiting_room.position(known.uid, since), ready_in)

    def _refusal(self, loading: Loading) -> ModelNotReady:
        """Why a request is not kept waiting, and when it is to come again."""
        self._waiting_room.note(loading.model)
        after = 10 if loading.eta_s is None else max(int(loading.eta_s + 0.5), 1)
        return ModelNotReady(f"the model '{loading.model}' is being loaded: {loading.in_words()}", retry_after=after)

    async def _check_known(self, uid: str) -> KnownModel:
        """The model. Raises the error of one that does not exist or cannot be loaded; has a dormant one loaded."""
        if not self._replies.connected:
            raise BrokerUnavailable(retry_after=2)
        known = await self._known_models.find(uid)
        if known is None:
            raise ModelNotFound(f"the model '{uid}' does not exist", param="model")
        if known.failed:
            raise ModelFailed(f"the model '{uid}' could not be loaded: {known.failed}", param="model")
        if known.asleep:
            await self._known_models.awaken(uid)
        return known

    def _weigh(self, ready: Mapping[str, tuple[str, Replica]]) -> list[Candidate]:
        """How many tokens each replica still has to write.

        Of two numbers the larger counts: what the replica last reported, and what this gateway itself still expects.
        """
        mine: Counter[str] = Counter()
        for inbox in self._replies.inboxes.values():
            mine[inbox.epoch] += max(inbox.budget - inbox.tokens, 0)
        return [Candidate(name, max(mine[one.epoch], one.outstanding_tokens)) for name, (_, one) in ready.items()]


def affinity(prefix: str) -> str:
    """A short hash of a prompt's beginning, which decides between replicas that are otherwise equal."""
    return hashlib.blake2b(prefix[:1024].encode(), digest_size=8).hexdigest()


def line_of(replica: Replica, inboxes: Sequence[Inbox]) -> Line:
    """What a replica has to do for this gateway. ``inboxes``: of all requests there, first come first."""
    computed = {one.rid for one in inboxes[: max(replica.max_inflight, 1)]}
    waiting = [one for one in inboxes if one.rid not in computed and not one.begun]
    busy = sum(max(one.budget - one.tokens, 1) for one in inboxes if one.rid in computed or one.begun)
    its = [InLine(one.rid, max(one.budget, 1)) for one in waiting]
    return Line(replica.epoch, busy, its, replica.outstanding_tokens)


class Mover:
    """Looks where the requests of this gateway wait, and offers another replica to those that are to go there.

    A replica takes more requests than it computes at once, so that it never stands still. Where more replicas come,
    those that wait would gain nothing by it, if they stayed.
    """

    def __init__(self, routing_table: RoutingTable, replies: Replies) -> None:
        self._routing_table = routing_table
        self._replies = replies

    async def run(self) -> None:
        """Look for ever, after every report of a device."""
        while True:
            changed = self._routing_table.changed
            self.look()
            await asyncio.sleep(MOVE_EVERY_S)
            await changed.wait()

    def look(self) -> None:
        """Once."""
        several = self._several()
        if not several:
            return
        inboxes: dict[str, list[Inbox]] = {}
        for inbox in self._replies.inboxes.values():
            if not inbox.ended:
                inboxes.setdefault(inbox.epoch, []).append(inbox)
        for replicas in several:
            lines = [line_of(one, inboxes.get(one.epoch, ())) for one in replicas]
            for rid, epoch in placement.moves(lines).items():
                self._replies.inboxes[rid].offer(epoch)

    def _several(self) -> list[list[Replica]]:
        """The ready replicas of the models that have more than one."""
        found: dict[str, list[Replica]] = {}
        for _, one in self._routing_table.serving():
            found.setdefault(one.uid, []).append(one)
        return [those for those in found.values() if len(those) > 1]
