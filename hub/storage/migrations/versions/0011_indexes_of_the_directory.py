"""Indexes of the directory: its past by structure and exercise; people no longer by bare number, nobody asks so. Forward only: to undo, write the next one."""

from __future__ import annotations

from alembic import op
revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('directory_structure_past_of_key', 'directory_structure_past', ['key'], unique=False)
    op.create_index('directory_situation_past_of_exercise', 'directory_situation_past', ['exercise'], unique=False)
    op.drop_index('directory_person_by_identifier', table_name='directory_person')
