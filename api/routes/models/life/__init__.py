"""A model's life over HTTP: progress, events, replicas, cancelling and terminating. In the gateway process."""

from fastapi import APIRouter

from api.routes.models.life import ending, events, progress, replicas

router = APIRouter()
for _part in (events, progress, replicas, ending):
    router.include_router(_part.router)

__all__ = ["router"]
