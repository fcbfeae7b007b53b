"""How models were launched, by Xinference's names: read from the events, which tell of each launch."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from api.edge.caller import admin_only, caller_of
from api.gateway.gateway import gateway_of
from api.shapes.as_written import AsWritten
from api.shapes.cluster import PastLaunch
from models.rows.life import history
from models.rows.records import EventRow

router = APIRouter(prefix="/v1/launch_history", tags=["cluster"], route_class=AsWritten)


@router.get("", summary="How models were launched", dependencies=[Depends(admin_only)])
async def list_launches(
    request: Request,
    model_name: Annotated[str | None, Query(max_length=200, description="those of this name alone")] = None,
    scope: Annotated[Literal["mine"] | None, Query(description="those of this key alone")] = None,
) -> list[PastLaunch]:
    """The last launch of each name and uid, the newest first: ``data`` may be the body of another launch.

    What looks like a secret is hidden in it; ``left_out`` names these fields, and those that were too long.
    """
    me = caller_of(request).key
    rows = await gateway_of(request).database.look(history.listing, model_name, me if scope == "mine" else None)
    return [launch_of(row, me) for row in rows]


def launch_of(row: EventRow, me: str) -> PastLaunch:
    """A launch as Xinference tells of it; a key is named by the beginning of its hash. Pure."""
    asked = row.data[history.ASKED]
    at = datetime.fromtimestamp(row.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    by = row.by[:8]
    return {
        "id": row.id,
        "model_name": asked["model_name"],
        "model_uid": row.uid,
        "data": asked,
        "left_out": row.data["left_out"],
        "created_by": by,
        "updated_by": by,
        "created_at": at,
        "updated_at": at,
        "is_owner": row.by == me,
    }
