"""What the directory says of accounts. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account_difference',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='hub.storage.differences.Kind'),
    sa.Column('role', sa.Text(), server_default='', nullable=False, comment='PractitionerRole id, of a situation'),
    sa.Column('said', sa.Text(), server_default='', nullable=False, comment='what Pro Santé Connect or the hub says'),
    sa.Column('directory', sa.Text(), server_default='', nullable=False, comment='what the directory says'),
    sa.Column('load', sa.BigInteger(), nullable=True, comment='the load that brought it; none: seen at a sign-in'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True, comment='settled by itself, or seen by somebody'),
    sa.Column('done_by', sa.Text(), nullable=True, comment='account of the operator who has seen it'),
    sa.ForeignKeyConstraint(['account'], ['account.id'], name=op.f('account_difference_account_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('account_difference_pkey')),
    comment='on what the directory and an account disagree (rpps.md 10.5)'
    )
    op.create_index('account_difference_by_account', 'account_difference', ['account'], unique=False)
    op.create_index('account_difference_open', 'account_difference', ['account', 'kind', 'role', 'said', 'directory'], unique=True, postgresql_where=sa.literal_column('done_at IS NULL'))
