"""The HTTP endpoints, one file for each protocol or resource. Runs in the gateway process.

Doors: each module has a ``router``, and ``api.app`` includes them all. ``sdapi_wire`` has none: it translates between
AUTOMATIC1111's bodies and ours.
"""
