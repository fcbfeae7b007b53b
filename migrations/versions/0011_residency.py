"""How long models stay loaded, which are pinned, between how many replicas they have, and which are to leave."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANCES = ("keep_alive_s", "min_replicas", "max_replicas", "load_s")


def upgrade() -> None:
    """Apply. Models that are there stay loaded, as before."""
    op.add_column("instances", sa.Column("keep_alive_s", sa.Float(), nullable=True))
    op.add_column("instances", sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("instances", sa.Column("min_replicas", sa.Integer(), nullable=True))
    op.add_column("instances", sa.Column("max_replicas", sa.Integer(), nullable=True))
    op.add_column("instances", sa.Column("load_s", sa.Float(), nullable=True))
    op.add_column("replicas", sa.Column("leaving", sa.String(length=10), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("replicas") as table:
        table.drop_column("leaving")
    with op.batch_alter_table("instances") as table:
        for name in (*INSTANCES, "pinned"):
            table.drop_column(name)
