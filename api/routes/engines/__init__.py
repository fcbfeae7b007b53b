"""The endpoints of engines: what each is, where it works, and what a launch may set of it. In the gateway process."""

from fastapi import APIRouter

from api.routes.engines import options, ways

router = APIRouter()
router.include_router(options.router)
router.include_router(ways.router)

__all__ = ["router"]
