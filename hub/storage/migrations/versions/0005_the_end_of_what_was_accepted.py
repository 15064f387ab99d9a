"""The end of what was accepted. Forward only: to undo, write the next one."""

from __future__ import annotations

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What a professional accepted ends with their membership of the circle of care."""
    op.execute(
        """
        UPDATE "grant" AS accepted SET until = circle.until FROM "grant" AS circle
        WHERE accepted.request IS NOT NULL AND accepted.level = 2 AND accepted.until IS NULL
          AND accepted.audience LIKE 'role/%' AND circle.request IS NULL AND circle.level = 2
          AND circle.patient = accepted.patient AND circle.audience = accepted.audience
        """
    )
