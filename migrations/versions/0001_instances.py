"""Tables of instances, replicas, devices and leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("node", sa.String(length=150), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_table(
        "instances",
        sa.Column("uid", sa.String(length=100), nullable=False),
        sa.Column("model_name", sa.String(length=200), nullable=False),
        sa.Column("model_type", sa.String(length=20), nullable=False),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("model_format", sa.String(length=40), nullable=True),
        sa.Column("quantization", sa.String(length=40), nullable=True),
        sa.Column("size_in_billions", sa.String(length=20), nullable=True),
        sa.Column("source", sa.String(length=1000), nullable=False),
        sa.Column("n_gpu", sa.String(length=10), nullable=False),
        sa.Column("replica", sa.Integer(), nullable=False),
        sa.Column("request_limits", sa.Integer(), nullable=True),
        sa.Column("trust_remote_code", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_instances")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("uid", sa.String(length=100), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("context_length", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(state = 'pending') = (device IS NULL)", name=op.f("ck_replicas_placed_unless_pending")),
        sa.CheckConstraint(
            "state IN ('pending', 'assigned', 'loading', 'ready', 'failed', 'stopping')",
            name=op.f("ck_replicas_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
    )
    with op.batch_alter_table("replicas", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_replicas_device"), ["device"], unique=False)
        batch_op.create_index(batch_op.f("ix_replicas_uid"), ["uid"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("replicas", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_replicas_uid"))
        batch_op.drop_index(batch_op.f("ix_replicas_device"))

    op.drop_table("replicas")
    op.drop_table("leases")
    op.drop_table("instances")
    op.drop_table("devices")
