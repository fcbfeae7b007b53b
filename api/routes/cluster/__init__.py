"""Xinference's endpoints of the cluster: its machines, which models come back, and how they were launched.

In the gateway process.
"""

from fastapi import APIRouter

from api.routes.cluster import autostart, history, machines, nodes

router = APIRouter()
router.include_router(nodes.router)
router.include_router(machines.router)
router.include_router(autostart.router)
router.include_router(history.router)

__all__ = ["router"]
