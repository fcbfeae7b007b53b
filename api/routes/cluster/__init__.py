"""Xinference's endpoints of the cluster: its machines, and which models come back. In the gateway process."""

from fastapi import APIRouter

from api.routes.cluster import autostart, nodes

router = APIRouter()
router.include_router(nodes.router)
router.include_router(autostart.router)

__all__ = ["router"]
