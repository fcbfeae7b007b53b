"""Videos from pipelines of diffusers. Runs in the runner. Door: ``engine.VideoEngine``.

``families`` has which pipelines are served, and how; ``plan`` turns a request into what is to be drawn.
"""
