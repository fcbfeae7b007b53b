"""``headrace up``: everything on one machine, supervised, with an embedded Redis-compatible server."""
