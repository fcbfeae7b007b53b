"""What happened to models, what became of failed loads, and the order in which models come back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Models that are there get the defaults of a launch."""
    op.add_column("instances", sa.Column("priority", sa.Integer(), nullable=False, server_default="100"))
    op.add_column("instances", sa.Column("max_retries", sa.Integer(), nullable=False, server_default="5"))
    op.add_column("instances", sa.Column("retry_interval_s", sa.Integer(), nullable=False, server_default="60"))
    op.add_column("instances", sa.Column("autostart", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("replicas", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("replicas", sa.Column("next_try_at", sa.BigInteger(), nullable=True))
    op.add_column("replicas", sa.Column("log", sa.JSON(), nullable=True))
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("uid", sa.String(100), nullable=False),
        sa.Column("replica", sa.String(120), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_listing", "events", ["uid", "id"])
    op.create_index("ix_events_at", "events", ["at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("events")
    with op.batch_alter_table("replicas") as table:
        for column in ("log", "next_try_at", "failures"):
            table.drop_column(column)
    with op.batch_alter_table("instances") as table:
        for column in ("autostart", "retry_interval_s", "max_retries", "priority"):
            table.drop_column(column)
