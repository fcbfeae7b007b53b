"""The catalogue for the web interface: what there is, what fits here, what to begin with. In the gateway process."""

from fastapi import APIRouter

from api.routes.catalogue import listing, suggesting

router = APIRouter()
router.include_router(listing.router)
router.include_router(suggesting.router)

__all__ = ["router"]
