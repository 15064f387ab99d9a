"""The national directory, normalised (rpps.md 4, 5 and 10.2), and the register of its loads.

All but ``directory_load`` are replaced as a whole by each load: no row refers to them from elsewhere, and the numbers in them hold
within one load only. Codes and texts are kept as published, missing is ``''``; what is folded or derived stands beside. Names of
columns follow the keys of rpps.md 4.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Float, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from hub.storage.tables import metadata

KEY = Text(collation="C")  # sorted and searched by prefix, whatever the locale of the database


def _text(name: str, comment: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, comment=comment)


person = Table(
    "directory_person",
    metadata,
    Column("national_id", Text, primary_key=True, comment="column 3: prefix and number"),
    _text("id_type", "column 1"),
    _text("identifier", "column 2"),
)

exercise = Table(
    "directory_exercise",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("national_id"),
    _text("practice_title_code"),
    _text("title_code"),
    _text("family"),
    _text("given"),
    _text("profession_code"),
    _text("category_code"),
    _text("authority", "of somebody without activity; otherwise the activity has it"),
    Column("family_key", KEY, nullable=False, comment="folded (rpps.md 12.1)"),
    Column("given_key", KEY, nullable=False),
    Column("words", TSVECTOR, nullable=False, comment="what a word of a query may begin"),
    Index("directory_exercise_by_person", "national_id"),
    Index("directory_exercise_by_words", "words", postgresql_using="gin"),
)

situation = Table(
    "directory_situation",
    metadata,
    Column("exercise", Integer, nullable=False),
    Column("structure", Integer, nullable=False, comment="0: none"),
    _text("mode_code"),
    _text("sector_code"),
    _text("pharmacist_section_code"),
    _text("role_code"),
    _text("activity_kind_code"),
    _text("authority"),
    _text("profession", "profession code, with /E for a student: what people are looked for by"),
    _text("place", "INSEE code of the present commune, '' when nobody can tell"),
    Column("family_key", KEY, nullable=False),
    Column("given_key", KEY, nullable=False),
    Index("directory_situation_by_exercise", "exercise"),
    Index("directory_situation_by_place", "profession", "place", "family_key", "given_key"),
)

structure = Table(
    "directory_structure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("key", "column 24, else column 47, else ''"),
    *(
        _text(name)
        for name in (
            *("siret", "siren", "finess", "finess_ej", "structure_id", "structure_name", "structure_alias"),
            *(
                "address_recipient",
                "address_extra",
                "house_number",
                "house_number_suffix",
                "street_type_code",
                "street",
            ),
            *(
                "postal_box",
                "post_office",
                "postcode",
                "commune_code",
                "commune",
                "country_code",
                "phone",
                "phone2",
                "fax",
            ),
            *("email", "department_code", "structure_national_id"),
        )
    ),
    Index("directory_structure_by_key", "key"),
)

skill = Table(
    "directory_skill",
    metadata,
    _text("national_id"),
    _text("profession_code"),
    _text("category_code"),
    _text("skill_type_code"),
    _text("skill_code"),
    PrimaryKeyConstraint("national_id", "profession_code", "category_code", "skill_type_code", "skill_code"),
)

label = Table(
    "directory_label",
    metadata,
    _text("subject", "key of the coded column: profession, role..."),
    _text("code"),
    _text("label", "as published"),
    PrimaryKeyConstraint("subject", "code"),
)

REPLACED = (person, exercise, situation, structure, skill, label)  # by each load, all at once

load = Table(
    "directory_load",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _text("stamp", "of the file: YYYYMMDDhhmm"),
    _text("source", "address or name of the file"),
    _text("digest", "SHA-256 of the file, hexadecimal"),
    _text("result", "served or refused"),
    _text("reason", "why it was refused: a code of the connector"),
    _text("accepted_by", "who answered for it, when a guard had refused it"),
    *(
        Column(name, Integer, nullable=False)
        for name in ("rows", "rejected", "duplicates", "persons", "exercises", "situations", "structures", "skills")
    ),
    Column("report", JSONB, nullable=False, comment="warnings, samples of rejected lines"),
    Column("seconds", Float, nullable=False),
    Column("loaded_at", DateTime(timezone=True), nullable=False, comment="hub clock"),
    Index("directory_load_by_result", "result", "id"),
)
