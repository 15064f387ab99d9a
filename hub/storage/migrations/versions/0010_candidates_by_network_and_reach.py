"""Candidates by the network they volunteer for, and by how far they go. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('candidate_by_sas_network', 'candidate', ['sas_networks'], unique=False, postgresql_using='gin', postgresql_with={'fastupdate': 'off'})
    # Whoever is known already is measured until their situation is written again.
    op.add_column('candidate', sa.Column('reach_km', sa.Integer(), server_default='32000', nullable=False, comment='from the middle of the commune: nobody further away need be measured'))
    op.drop_index('candidate_by_commune', table_name='candidate')
    op.create_index('candidate_by_commune', 'candidate', ['profession', 'commune', 'reach_km'], unique=False)
