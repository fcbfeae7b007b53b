"""The engine diffusers: images. Runs in the runner. Door: ``engine.Diffusers``.

``plan`` turns a request into what is to be drawn, ``batch`` decides what is drawn together, and ``draw`` draws it.
"""
