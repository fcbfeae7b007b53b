"""``make bench``: what the platform costs on top of the engine that it serves. One run measures both in turns."""
