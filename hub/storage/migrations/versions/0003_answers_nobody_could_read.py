"""answers nobody could read. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox', sa.Column('raw_answer', sa.LargeBinary(), nullable=True, comment='encrypted: an answer that nobody could read, for analysis'))
