"""The lines of runners are kept in order, as many as are kept, and while Redis is away."""

from models.redis import broker, logs
from models.redis.logs import MOST_LINES
from tests.support.servers import Valkey
from workers.runner_logs import RunnerLogs


def kept(server: Valkey, uid: str) -> list[str]:
    client = broker.command_client(server.url)
    try:
        return [line.text for _, line in logs.read(client.xrange(logs.log_key(uid)))]
    finally:
        client.close()


def test_the_last_lines_of_a_model_are_kept_in_order(valkey: Valkey) -> None:
    client = broker.command_client(valkey.url)
    writer = RunnerLogs(client)
    for number in range(MOST_LINES + 20):
        writer.take("org/one", "one-0", f"line {number}\r\n")
    writer.take("two", "two-0", "\n")
    writer.send()
    client.close()

    assert kept(valkey, "org/one") == [f"line {number}" for number in range(20, MOST_LINES + 20)]
    assert kept(valkey, "two") == [""]


def test_lines_wait_for_redis(private_valkey: Valkey) -> None:
    client = broker.command_client(private_valkey.url)
    writer = RunnerLogs(client)
    private_valkey.stop()
    for text in ("one", "two"):
        writer.take("m", "m-0", text)
        writer.send()
    private_valkey.start()
    writer.send()
    client.close()

    assert kept(private_valkey, "m") == ["one", "two"]
