"""A table of models that are registered."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "registrations",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("model_type", sa.String(length=20), nullable=False),
        sa.Column("family", sa.JSON(), nullable=False),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_registrations")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("registrations")
