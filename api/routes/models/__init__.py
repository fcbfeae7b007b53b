"""The endpoints of models: launches, what is said of each model, replicas, what was fetched. In the gateway process."""

from fastapi import APIRouter

from api.routes.models import cache, estimates, guessing, life, routes
from api.routes.models.routes import describe_model, list_models

router = APIRouter()
router.include_router(cache.router)
router.include_router(estimates.router)
router.include_router(guessing.router)
router.include_router(life.router)
router.include_router(routes.router)  # last: it has what takes all that is left of a path

__all__ = ["describe_model", "list_models", "router"]
