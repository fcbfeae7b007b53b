"""Who may pass, and how errors look. Runs in the gateway process, in front of every route.

Doors: ``middleware.Edge``, the ASGI middleware; ``errors``, the one map from our errors to HTTP; ``envelopes``, the
shape that each protocol gives to an error; ``exposure``, which refuses to serve strangers without a key.
"""
