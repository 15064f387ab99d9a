"""Names of the directory in order, each way a page may be sorted. Forward only: to undo, write the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.domain.phonetic import sound
from hub.domain.search_key import beginnings
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

KEY = sa.Text(collation='C')


def upgrade() -> None:
    name = op.create_table('directory_name',
    sa.Column('part', sa.Text(), nullable=False, comment='family or given'),
    sa.Column('place', sa.SmallInteger(), nullable=False, comment='0: the name begins with the word; 1: it stands further on'),
    sa.Column('word', KEY, nullable=False, comment='what a word of a query may begin: each word, particles joined, the whole joined'),
    sa.Column('key', KEY, nullable=False, comment='the folded name that has it'),
    sa.Column('sound', sa.Text(), nullable=False, comment='of the word (rpps.md 12.2)'),
    sa.PrimaryKeyConstraint('part', 'place', 'word', 'key', name=op.f('directory_name_pkey')),
    comment='distinct names; one that nobody bears any more may stay: it leads to nobody'
    )
    for part in ('family', 'given'):
        for keys in op.get_bind().execute(sa.text(f'SELECT DISTINCT {part}_key FROM directory_exercise')).scalars().partitions(10_000):
            lines = [{'part': part, 'place': int(not key.startswith(word)), 'word': word, 'key': key, 'sound': sound(word)} for key in keys for word in beginnings(key)]
            if lines:
                op.bulk_insert(name, lines)
    op.create_index('directory_name_by_sound', 'directory_name', ['part', 'sound'], unique=False)
    for table in ('directory_exercise', 'directory_exercise_past'):
        comment = 'profession code, with /E for a student: what people are looked for by' if table == 'directory_exercise' else None
        op.add_column(table, sa.Column('profession', sa.Text(), nullable=True, comment=comment))
        op.execute(f"UPDATE {table} SET profession = profession_code || CASE category_code WHEN 'E' THEN '/E' ELSE '' END")
        op.alter_column(table, 'profession', existing_type=sa.Text(), nullable=False)
    op.drop_index('directory_exercise_by_words', table_name='directory_exercise', postgresql_using='gin')
    for table in ('directory_exercise', 'directory_exercise_past'):
        op.drop_column(table, 'words')
    op.create_index('directory_exercise_by_family', 'directory_exercise', ['is_idle', 'family_key', 'given_key', 'national_id'], unique=False)
    op.create_index('directory_exercise_by_given', 'directory_exercise', ['is_idle', 'given_key', 'family_key', 'national_id'], unique=False)
    op.create_index('directory_exercise_by_profession', 'directory_exercise', ['profession', 'is_idle', 'family_key', 'given_key', 'national_id'], unique=False)
    op.drop_index('directory_situation_by_place', table_name='directory_situation')
    op.create_index('directory_situation_by_place', 'directory_situation', ['place', 'profession', 'family_key', 'given_key'], unique=False)
    op.create_index('directory_situation_by_skill', 'directory_situation', ['skill_code'], unique=False, postgresql_where=sa.text("skill_code <> ''"))
    op.create_index('directory_skill_by_code', 'directory_skill', ['skill_code'], unique=False)
