"""A folder on the PYTHONPATH of vLLM's own processes, so that they import its ``sitecustomize``."""
