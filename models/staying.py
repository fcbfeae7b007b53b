"""What a launch says of how long its model stays loaded, and what of it may be changed while it runs."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.keep_alive import seconds
from models.modalities.base import Bool, Int

_Count = Annotated[Int, Field(ge=0, le=64)]


class Staying(BaseModel):
    """How long a model stays loaded without requests, whether it may be unloaded for others, and how many replicas."""

    keep_alive: float | str | None = Field(
        None, description="seconds, or 5m: it stays loaded so long without requests; -1: for ever; 0: not at all"
    )
    pinned: Bool = Field(False, description="never unload it, to make room or because nobody asks for it")
    min_replicas: _Count | None = Field(None, description="replicas that stay loaded; 0: none need")
    max_replicas: _Count | None = Field(None, description="replicas up to which more are loaded while requests wait")

    @field_validator("keep_alive", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        """The seconds that are meant."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise PydanticCustomError("keep_alive", "give seconds, or a duration such as 5m")
        try:
            return seconds(value)
        except (ValueError, OverflowError) as error:
            raise PydanticCustomError("keep_alive", "{why}", {"why": str(error)}) from error

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """At least as many at most as at least."""
        if self.max_replicas == 0:
            raise PydanticCustomError("too_few", "it is at least 1", {"param": "max_replicas"})
        if self.max_replicas is not None and (self.min_replicas or 0) > self.max_replicas:
            raise PydanticCustomError("too_many", "it is more than max_replicas", {"param": "min_replicas"})
        return self

    @property
    def keep_alive_s(self) -> float | None:
        """The seconds that it stays loaded without requests; below 0: for ever; None: as the server's setting says."""
        return None if self.keep_alive is None else float(self.keep_alive)

    @property
    def staying(self) -> dict[str, Any]:
        """The columns of an instance that say it."""
        names = ("pinned", "min_replicas", "max_replicas")
        return {"keep_alive_s": self.keep_alive_s} | {name: getattr(self, name) for name in names}


class StayingChange(Staying):
    """Body of ``PATCH /v1/models/{uid}``. What is not given stays; null is what a launch has that says nothing."""

    model_config = {"extra": "forbid"}

    pinned: Bool | None = Field(None, description="never unload it, to make room or because nobody asks for it")  # type: ignore[assignment]

    autostart: Bool | None = Field(None, description="bring it back at the next `headrace up`; null: it comes back")

    def values(self) -> dict[str, Any]:
        """The columns to change."""
        found: dict[str, Any] = self.model_dump(include=self.model_fields_set - {"keep_alive"})
        if "keep_alive" in self.model_fields_set:
            found["keep_alive_s"] = self.keep_alive_s
        if "pinned" in found:
            found["pinned"] = bool(found["pinned"])
        if "autostart" in found:
            found["autostart"] = found["autostart"] is not False
        return found
