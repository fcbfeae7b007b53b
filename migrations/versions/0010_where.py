"""On which node a launch is to run, and which devices have failed a replica."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Instances that are there run on any node."""
    op.add_column("instances", sa.Column("node", sa.String(150), nullable=True))
    op.add_column("replicas", sa.Column("tried", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("replicas") as table:
        table.drop_column("tried")
    with op.batch_alter_table("instances") as table:
        table.drop_column("node")
