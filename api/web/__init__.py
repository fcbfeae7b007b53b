"""What browsers open: the web interface, its session, and the API's documentation. Runs in the gateway process.

Doors: each module has a ``router``, and ``api.app`` includes them all.
"""
