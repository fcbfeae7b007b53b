"""Chat templates tried out. Runs in the gateway, but for ``rendering``: a process of its own for each template."""
