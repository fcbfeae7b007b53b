"""The tables. Desired state is rows; every change of state is one conditional UPDATE whose row count says who won."""

from enum import StrEnum

import sqlalchemy as sa

from models.database import now_ms

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ReplicaState(StrEnum):
    """The life of a replica.

    pending ──steward places──▶ assigned ──worker──▶ loading ──▶ ready
       ▲                                                │          │ runner died: loading again
       └──── device gone for long ◀─────────────────────┴──────────┤
    failed ◀── load failed for good                                └──terminate──▶ stopping ──▶ row deleted
    """

    PENDING = "pending"
    ASSIGNED = "assigned"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


instances = sa.Table(
    "instances",
    metadata,
    sa.Column("uid", sa.String(100), primary_key=True),
    sa.Column("model_name", sa.String(200), nullable=False),
    sa.Column("model_type", sa.String(20), nullable=False),
    sa.Column("engine", sa.String(40), nullable=False),
    sa.Column("model_format", sa.String(40)),
    sa.Column("quantization", sa.String(40)),
    sa.Column("size_in_billions", sa.String(20)),
    sa.Column("source", sa.String(1000), nullable=False, default="", doc="where weights come from"),
    sa.Column("n_gpu", sa.String(10), nullable=False, default="auto"),
    sa.Column("replica", sa.Integer, nullable=False),
    sa.Column("request_limits", sa.Integer, doc="most requests in flight or waiting on one replica"),
    sa.Column("trust_remote_code", sa.Boolean, nullable=False, default=False),
    sa.Column("options", sa.JSON, nullable=False, doc="the engine's own options"),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("uid", sa.String(100), nullable=False, index=True),
    sa.Column("device", sa.String(200), index=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("stage", sa.String(20), nullable=False, default=""),
    sa.Column("progress", sa.Float, nullable=False, default=0.0, doc="of the stage, 0 to 1"),
    sa.Column("error", sa.JSON(none_as_null=True), doc="models.errors.WireError as a list"),
    sa.Column("pid", sa.Integer),
    sa.Column("memory_bytes", sa.BigInteger),
    sa.Column("context_length", sa.Integer),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Column("updated_at", sa.BigInteger, nullable=False, default=now_ms(), onupdate=now_ms()),
    sa.CheckConstraint(
        "state IN ('pending', 'assigned', 'loading', 'ready', 'failed', 'stopping')", name="state_known"
    ),
    sa.CheckConstraint("(state = 'pending') = (device IS NULL)", name="placed_unless_pending"),
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True, doc="node.name"),
    sa.Column("node", sa.String(150), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False, doc="cpu or cuda"),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("total_bytes", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False, doc="last sign of life of its worker"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)
