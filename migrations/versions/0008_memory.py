"""What a model needs of a device's memory, what is reserved for a replica, and what such a model took before."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nothing is reserved for replicas that run already: they count with what was measured of them."""
    op.add_column("instances", sa.Column("need", sa.JSON(), nullable=True))
    op.add_column("replicas", sa.Column("reserved_bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("replicas") as table:
        table.drop_column("reserved_bytes")
    with op.batch_alter_table("instances") as table:
        table.drop_column("need")
