"""The catalogue for the web interface: what there is, what fits here, what to begin with. In the gateway process."""

from fastapi import APIRouter

from api.routes.catalogue import listing, suggesting, updating

router = APIRouter()
router.include_router(listing.router)
router.include_router(suggesting.router)
router.include_router(updating.router)

__all__ = ["router"]
