"""``make bench``: what the platform costs over the engine it serves, measured in one run and interleaved."""
