"""Exercises of those who have an account, who come first among equals. Forward only: to undo, write the next one."""

from __future__ import annotations

from alembic import op
import sqlalchemy as sa
revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('directory_account',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False, comment='of an exercise whose person has an account'),
    sa.Column('national_id', sa.Text(), nullable=False),
    sa.Column('profession_code', sa.Text(), nullable=False),
    sa.Column('category_code', sa.Text(), nullable=False),
    sa.Column('is_idle', sa.Boolean(), nullable=False),
    sa.Column('profession', sa.Text(), nullable=False),
    sa.Column('family_key', sa.Text(collation='C'), nullable=False),
    sa.Column('given_key', sa.Text(collation='C'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('directory_account_pkey')),
    comment='who has an account stands first among equals (rpps.md 12.1); brought up to date by each load and every ten minutes'
    )
    op.create_index('directory_account_by_family', 'directory_account', ['family_key'], unique=False)
    op.create_index('directory_account_by_given', 'directory_account', ['given_key'], unique=False)
