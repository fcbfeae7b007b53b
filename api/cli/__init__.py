"""The command ``headrace``. Runs in a process of its own, or becomes the process that it starts.

Door: ``__main__.main``. Commands that speak to a gateway do so through ``api.client``.
"""
