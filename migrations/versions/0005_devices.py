"""What is known of a device, which engines work on it, and replicas that hold several devices."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The rows are those of workers of an earlier version, each of which its successor writes anew."""
    op.execute("DELETE FROM devices")
    with op.batch_alter_table("devices", recreate=_recreate()) as table:
        table.add_column(sa.Column("details", sa.JSON(), nullable=False))
        table.add_column(sa.Column("engines", sa.JSON(), nullable=False))
    op.add_column("instances", sa.Column("gpu_idx", sa.JSON(), nullable=True))
    op.add_column("replicas", sa.Column("others", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("replicas") as table:
        table.drop_column("others")
    with op.batch_alter_table("instances") as table:
        table.drop_column("gpu_idx")
    with op.batch_alter_table("devices") as table:
        table.drop_column("engines")
        table.drop_column("details")


def _recreate() -> Literal["auto", "always"]:
    """SQLite adds no column that may not be null and has no default: there the table is made anew."""
    return "always" if op.get_context().dialect.name == "sqlite" else "auto"
