"""How many files and connections this process may have open: as many as the operator allows."""

import contextlib
import resource

MAC_MOST = 10_240
"""The most that macOS grants where it calls the limit infinite."""


def raise_limit() -> int:
    """Raise the soft limit on descriptors, 256 or 1024 in a usual shell, to the hard one. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, MAC_MOST) if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
