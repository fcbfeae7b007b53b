"""The job APIs of hosting services, as their SDKs call them: fal's and Replicate's. Runs in the gateway process.

Doors: ``fal.router`` and ``replicate.router``.
"""
