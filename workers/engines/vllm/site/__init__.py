"""A folder on the PYTHONPATH of vLLM's own processes, for the sake of its ``sitecustomize``."""
