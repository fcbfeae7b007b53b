"""One step in a process of its own: ``python -m bench.gpu.child MODULE SITE``."""

import asyncio
import importlib
import sys

from bench.gpu.site import Site

if __name__ == "__main__":
    asyncio.run(importlib.import_module(sys.argv[1]).run(Site.read(sys.argv[2])))
