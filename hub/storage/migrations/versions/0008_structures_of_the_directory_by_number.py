"""Structures of the directory by number and post code. Forward only: to undo, write the next one."""

from __future__ import annotations

from alembic import op
revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('directory_structure_by_finess', 'directory_structure', ['finess'], unique=False)
    op.create_index('directory_structure_by_siret', 'directory_structure', ['siret'], unique=False)
    op.create_index('directory_structure_by_siren', 'directory_structure', ['siren'], unique=False)
    op.create_index('directory_structure_by_structure_national_id', 'directory_structure', ['structure_national_id'], unique=False)
    op.create_index('directory_structure_by_postcode', 'directory_structure', ['postcode'], unique=False, postgresql_ops={'postcode': 'text_pattern_ops'})
