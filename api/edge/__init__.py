"""Which requests may pass, and how errors look. Runs in the gateway process, in front of every route.

Doors: ``middleware.Edge``, the ASGI middleware; ``caller``, who sends a request and what this caller may do;
``session``, the cookie of the web interface; ``pages`` and ``cors``, which web pages may use us; ``prefixes``, paths
under a proxy's prefix; ``heads``, HEAD wherever GET is; ``connections``, what a connection may send; ``errors``, the
one map from our errors to HTTP; ``told``, what of them users are not told; ``envelopes``, the shape that each protocol
gives to an error; ``exposure``, which refuses to serve other machines without a key. The command line and the
supervisor use ``exposure`` too.
"""
