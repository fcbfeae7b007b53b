"""What was fetched from hubs, as the API shows it."""

from typing_extensions import TypedDict


class CachedModel(TypedDict):
    """A repository that was fetched. Times are in seconds since 1970.

    ``read_ts``: when a file of it was last read, to a day where the disk notes no more; null: not since it came.
    ``used_by``: the uids of the models that were launched of it, and keep it from being removed.

    ``whole`` is false where a file was cut off; ``shared``: other programs use it, too. What Xinference tells and is
    not known here is null.
    """

    model_name: str
    model_version: str
    model_format: str | None
    model_size_in_billions: float | None
    quantization: str | None
    path: str
    real_path: str
    actor_ip_address: str
    model_hub: str
    size_bytes: int
    files: int
    whole: bool
    shared: bool
    modified_ts: int
    read_ts: int | None
    used_by: list[str]


class CachedModels(TypedDict):
    """Every repository that was fetched, and in bytes how much more may be written onto the disk of our cache."""

    list: list[CachedModel]
    free_bytes: int


class CachedFiles(TypedDict):
    """The files of a repository that was fetched."""

    model_version: str
    worker_ip: str | None
    paths: list[str]


class RemovedModel(TypedDict):
    """A repository that was removed from the cache."""

    model_version: str
    worker_ip: str | None
    result: bool
    freed_bytes: int
