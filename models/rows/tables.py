"""The tables. They hold desired state. A change of state is one conditional UPDATE; its row count shows if it happened.

The meaning of the columns is explained beside the fields of ``models.rows.records``.
"""

from enum import StrEnum

import sqlalchemy as sa

from models.rows.database import now_ms
from models.rows.states import BatchState, DeliveryState, JobState, Leaving, ReplicaState

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(states: type[StrEnum], length: int) -> sa.Enum:
    """The type of a column of states: text in the database, members in Python."""
    return sa.Enum(states, native_enum=False, length=length, values_callable=lambda kind: [one.value for one in kind])


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
    sa.Column("source", sa.String(1000), nullable=False, default=""),
    sa.Column("n_gpu", sa.String(10), nullable=False, default="auto"),
    sa.Column("gpu_idx", sa.JSON(none_as_null=True)),
    sa.Column("replica", sa.Integer, nullable=False),
    sa.Column("request_limits", sa.Integer),
    sa.Column("trust_remote_code", sa.Boolean, nullable=False, default=False),
    sa.Column("load_on_request", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("keep_alive_s", sa.Float),
    sa.Column("pinned", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("min_replicas", sa.Integer),
    sa.Column("max_replicas", sa.Integer),
    sa.Column("load_s", sa.Float),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("about", sa.JSON(none_as_null=True)),
    sa.Column("priority", sa.Integer, nullable=False, default=100, server_default="100"),
    sa.Column("max_retries", sa.Integer, nullable=False, default=5, server_default="5"),
    sa.Column("retry_interval_s", sa.Integer, nullable=False, default=60, server_default="60"),
    sa.Column("autostart", sa.Boolean, nullable=False, default=True, server_default=sa.true()),
    sa.Column("need", sa.JSON(none_as_null=True)),
    sa.Column("node", sa.String(150)),
    sa.Column("envs", sa.JSON(none_as_null=True)),
    sa.Column("replica_config", sa.JSON(none_as_null=True)),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("uid", sa.String(100), nullable=False, index=True),
    sa.Column("device", sa.String(200), index=True),
    sa.Column("others", sa.JSON(none_as_null=True)),
    sa.Column("state", _one_of(ReplicaState, 10), nullable=False),
    sa.Column("stage", sa.String(20), nullable=False, default=""),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("pid", sa.Integer),
    sa.Column("memory_bytes", sa.BigInteger),
    sa.Column("reserved_bytes", sa.BigInteger),
    sa.Column("tried", sa.JSON(none_as_null=True)),
    sa.Column("context_length", sa.Integer),
    sa.Column("failures", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("next_try_at", sa.BigInteger),
    sa.Column("log", sa.JSON(none_as_null=True)),
    sa.Column("leaving", _one_of(Leaving, 10)),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Column("updated_at", sa.BigInteger, nullable=False, default=now_ms(), onupdate=now_ms()),
    sa.CheckConstraint(
        "state IN ('dormant', 'pending', 'assigned', 'loading', 'ready', 'failed', 'stopping')", name="state_known"
    ),
    sa.CheckConstraint("(state IN ('dormant', 'pending')) = (device IS NULL)", name="placed_unless_pending"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("uid", sa.String(100), nullable=False),
    sa.Column("replica", sa.String(120)),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(200), nullable=False, default=""),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Index("ix_events_listing", "uid", "id"),
    sa.Index("ix_events_at", "at"),
    sqlite_autoincrement=True,
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("node", sa.String(150), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("total_bytes", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("engines", sa.JSON, nullable=False),
)

measured = sa.Table(
    "measured",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True, doc="models.ledger.placement.measuring.key_on"),
    sa.Column("memory_bytes", sa.BigInteger, nullable=False, doc="the most of the last days, of all devices"),
    sa.Column("at", sa.BigInteger, nullable=False, doc="when that was"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)


jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("uid", sa.String(100), nullable=False),
    sa.Column("api_key_id", sa.String(64), nullable=False, default=""),
    sa.Column("state", _one_of(JobState, 10), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False, default=0),
    sa.Column("rank", sa.BigInteger, nullable=False),
    sa.Column("run_after", sa.BigInteger, nullable=False, default=0),
    sa.Column("deadline", sa.BigInteger),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("max_attempts", sa.Integer, nullable=False, default=3),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_expires_at", sa.BigInteger),
    sa.Column("device", sa.String(200)),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("digest", sa.String(64), nullable=False, default=""),
    sa.Column("batch_id", sa.String(40)),
    sa.Column("line", sa.Integer),
    sa.Column("custom_id", sa.String(512)),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("webhook", sa.String(2000)),
    sa.Column("metadata", sa.JSON(none_as_null=True)),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.CheckConstraint(
        "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')", name="state_known"
    ),
    sa.CheckConstraint("(state = 'running') = (lease_expires_at IS NOT NULL)", name="leased_while_running"),
    sa.CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="finished_when_final"),
    sa.UniqueConstraint("api_key_id", "idempotency_key"),
    sa.UniqueConstraint("batch_id", "line"),
    sa.Index("ix_jobs_claim", "uid", "state", "api_key_id", "rank"),
    sa.Index("ix_jobs_lease", "state", "lease_expires_at"),
    sa.Index("ix_jobs_done", "uid", "finished_at"),
    sa.Index(
        "ix_jobs_kind",
        "api_key_id",
        "kind",
        "queued_at",
        sqlite_where=sa.text("batch_id IS NULL"),
        postgresql_where=sa.text("batch_id IS NULL"),
    ),
    sa.Index(
        "ix_jobs_batch",
        "batch_id",
        "state",
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    ),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("job_id", sa.String(40), primary_key=True, doc="so a job has at most one result"),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False, default=now_ms()),
)


deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("subject", sa.String(40), nullable=False, index=True),
    sa.Column("url", sa.String(2000), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", _one_of(DeliveryState, 10), nullable=False, default=DeliveryState.PENDING),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("log", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state_known"),
    sa.Index("ix_deliveries_due", "state", "next_at"),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("api_key_id", sa.String(64), nullable=False, default=""),
    sa.Column("filename", sa.String(512), nullable=False),
    sa.Column("purpose", sa.String(40), nullable=False),
    sa.Column("media_type", sa.String(200), nullable=False, default=""),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Column("expires_at", sa.BigInteger),
    sa.Index("ix_files_listing", "api_key_id", "created_at"),
)


batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("api_key_id", sa.String(64), nullable=False, default=""),
    sa.Column("endpoint", sa.String(60), nullable=False),
    sa.Column("input_file_id", sa.String(40), nullable=False),
    sa.Column("state", _one_of(BatchState, 12), nullable=False),
    sa.Column("window", sa.String(10), nullable=False, default="24h"),
    sa.Column("offset", sa.BigInteger, nullable=False, default=0),
    sa.Column("lines", sa.Integer, nullable=False, default=0),
    sa.Column("total", sa.Integer, nullable=False, default=0),
    sa.Column("output_file_id", sa.String(40)),
    sa.Column("error_file_id", sa.String(40)),
    sa.Column("errors", sa.JSON(none_as_null=True)),
    sa.Column("metadata", sa.JSON(none_as_null=True)),
    sa.Column("webhook", sa.String(2000)),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("in_progress_at", sa.BigInteger),
    sa.Column("finalizing_at", sa.BigInteger),
    sa.Column("completed_at", sa.BigInteger),
    sa.Column("failed_at", sa.BigInteger),
    sa.Column("expired_at", sa.BigInteger),
    sa.Column("cancelling_at", sa.BigInteger),
    sa.Column("cancelled_at", sa.BigInteger),
    sa.Column("counts", sa.JSON(none_as_null=True)),
    sa.Column("output_expires_s", sa.Integer),
    sa.Index("ix_batches_listing", "api_key_id", "created_at"),
    sa.Index("ix_batches_state", "state"),
)

responses = sa.Table(
    "responses",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("api_key_id", sa.String(64), nullable=False, default=""),
    sa.Column("previous_id", sa.String(40)),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("input", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint("status IN ('completed', 'incomplete', 'failed')", name="status_known"),
    sa.Index("ix_responses_expiry", "expires_at"),
)

registrations = sa.Table(
    "registrations",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("model_type", sa.String(20), nullable=False),
    sa.Column("family", sa.JSON, nullable=False),
    sa.Column("given", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, default=now_ms()),
)
