"""``python -m workers.device.healthcheck DEVICE``: does the worker of this node's device report? ``cuda``: of any GPU?

The health check of a worker's container. It exits with 0 if the worker's heartbeat is in Redis, with 1 if not.
"""

import sys

from models.launching import devices
from models.redis import broker, presence
from models.settings import Settings


def main(device: str) -> int:
    """The exit code for the worker of a device such as ``cpu`` or ``cuda:0``, or for those of all GPUs, ``cuda``."""
    settings = Settings()
    names = [device]
    if device == "cuda":
        names = devices.gpu_names(devices.survey())
    keys = [presence.device_key(f"{settings.node}.{name}") for name in names]
    with broker.command_client(settings.redis_url) as client:
        return 0 if keys and client.exists(*keys) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
