"""Hugging Face and ModelScope, through their own libraries.

Used by the runner, which fetches weights, and by the gateway, which lists and removes what was fetched. Doors:
``download.download``, ``cache`` and ``settings``. The libraries are imported when they are needed: one takes seconds.
"""
