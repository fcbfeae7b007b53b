"""Indexes to find open batches and their lines; and a column for how long a batch's output is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LINES = sa.text("batch_id IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("batches", sa.Column("output_expires_s", sa.Integer(), nullable=True))
    op.create_index("ix_batches_state", "batches", ["state"])
    op.create_index("ix_jobs_batch", "jobs", ["batch_id", "state"], sqlite_where=LINES, postgresql_where=LINES)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_jobs_batch", table_name="jobs")
    op.drop_index("ix_batches_state", table_name="batches")
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.drop_column("output_expires_s")
