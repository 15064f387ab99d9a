"""Requests that may be the same. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('possible_duplicate',
    sa.Column('request', sa.Text(), nullable=False, comment='ServiceRequest id, the one that came last'),
    sa.Column('other', sa.Text(), nullable=False, comment='ServiceRequest id of the same person, less than a day before'),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('request', 'other', name=op.f('possible_duplicate_pkey'))
    )
    op.create_index('possible_duplicate_by_other', 'possible_duplicate', ['other'], unique=False)
