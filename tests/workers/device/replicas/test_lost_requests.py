"""Gateways are told of requests that no runner will answer where they listen, and slots are freed where they are."""

from models.errors import ReplicaLost
from models.redis import broker, stream
from tests.support.servers import Valkey
from workers.device.replicas.lost_requests import LostRequests
from workers.protocol import Submit


def test_slots_and_answers_may_be_on_two_servers(valkey: Valkey, private_valkey: Valkey) -> None:
    queues, tokens = broker.command_client(valkey.url), broker.command_client(private_valkey.url)
    queues.zadd("slots-of-lost-requests", {"r": 1})
    channel = tokens.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    channel.subscribe(stream.gateway_channel("G"))
    channel.get_message(timeout=5)
    lost = LostRequests("worker", queues, tokens)
    lost.publish([Submit("r", "G", "chat", 0, {}, ["slots-of-lost-requests"])], ReplicaLost("it was killed"))
    said = channel.get_message(timeout=5)
    assert said is not None
    [frame] = stream.decode_packet(said["data"]).frames
    assert (frame.rid, stream.decode_error(frame.body).message) == ("r", "it was killed")
    assert not queues.exists("slots-of-lost-requests")
    for one in (channel, queues, tokens):
        one.close()
