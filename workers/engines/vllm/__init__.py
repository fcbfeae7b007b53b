"""The engine vLLM. Runs in the runner, in a Python environment of its own. Door: ``engine.Vllm``.

vLLM computes in processes that it starts itself; ``site`` is imported in those.
"""

from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of vLLM that imports it
