"""The command ``headrace``. Runs in a process of its own, or replaces itself by the process that it starts.

Door: ``__main__.main``. Commands about models and jobs ask a gateway over HTTP, through ``api.client``.
"""
