"""An index of each key's jobs by kind, for the lists of pictures and videos."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SINGLE = sa.text("batch_id IS NULL")


def upgrade() -> None:
    """Apply."""
    columns = ["api_key_id", "kind", "queued_at"]
    op.create_index("ix_jobs_kind", "jobs", columns, sqlite_where=SINGLE, postgresql_where=SINGLE)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_jobs_kind", table_name="jobs")
