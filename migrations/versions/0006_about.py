"""What is known of a model before it is loaded: its abilities, its context, the length of its vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nothing is known of the models that are there, until they are loaded anew."""
    op.add_column("instances", sa.Column("about", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("instances") as table:
        table.drop_column("about")
