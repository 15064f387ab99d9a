"""The national directory, normalised (rpps.md 4, 5 and 10.2), its past, and the register of its loads.

Rows are addressed by their content: the number of an exercise, a structure, a situation, a skill, a diploma or a mailbox is a
stable digest of the columns that count (rpps.md 10.3: no labels), so that two days are compared number by number, and no load has
to look up what another one wrote. What has ended is moved, whole, to a table of the same columns named ``_past``. Codes and texts
are kept as published, missing is ``''``; what is folded or derived stands beside. Names of columns follow the keys of rpps.md 4.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.storage.tables import metadata

KEY = Text(collation="C")  # sorted and searched by prefix, whatever the locale of the database


def _text(name: str, comment: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, comment=comment)


def _number(comment: str = "digest of the content") -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False, comment=comment)


def _load(comment: str = "the load that brought it") -> Column[int]:
    return Column("load", Integer, nullable=False, comment=comment)


person = Table(
    "directory_person",
    metadata,
    Column("national_id", Text, primary_key=True, comment="column 3: prefix and number"),
    _text("id_type", "column 1"),
    _text("identifier", "column 2"),
    Column("since", Date, nullable=False, comment="first day seen"),
    Column("missing_since", Date, comment="first day not seen: shown until the departure is confirmed (rpps.md 10.4)"),
    _load("the last load that changed anything about them"),
    Index("directory_person_by_load", "load"),
)

exercise = Table(
    "directory_exercise",
    metadata,
    _number(),
    _text("national_id"),
    _text("practice_title_code"),
    _text("title_code"),
    _text("family"),
    _text("given"),
    _text("profession_code"),
    _text("category_code"),
    Column("is_idle", Boolean, nullable=False, comment="no activity at all"),
    _text("profession", "profession code, with /E for a student: what people are looked for by"),
    Column("family_key", KEY, nullable=False, comment="folded (rpps.md 12.1)"),
    Column("given_key", KEY, nullable=False),
    _load(),
    Index("directory_exercise_by_person", "national_id"),
    # Each order that an answer may have: its first page is read from an index, however many answer.
    Index("directory_exercise_by_family", "is_idle", "family_key", "given_key", "national_id"),
    Index("directory_exercise_by_given", "is_idle", "given_key", "family_key", "national_id"),
    Index("directory_exercise_by_profession", "profession", "is_idle", "family_key", "given_key", "national_id"),
)

of_accounts = Table(
    "directory_account",
    metadata,
    _number("of an exercise whose person has an account"),
    _text("national_id"),
    _text("profession_code"),
    _text("category_code"),
    Column("is_idle", Boolean, nullable=False),
    _text("profession"),
    Column("family_key", KEY, nullable=False),
    Column("given_key", KEY, nullable=False),
    Index("directory_account_by_family", "family_key"),
    Index("directory_account_by_given", "given_key"),
    comment="who has an account stands first among equals (rpps.md 12.1); brought up to date by each load and every ten minutes",
)

name = Table(
    "directory_name",
    metadata,
    _text("part", "family or given"),
    Column("place", SmallInteger, nullable=False, comment="0: the name begins with the word; 1: it stands further on"),
    Column(
        "word",
        KEY,
        nullable=False,
        comment="what a word of a query may begin: each word, particles joined, the whole joined",
    ),
    Column("key", KEY, nullable=False, comment="the folded name that has it"),
    _text("sound", "of the word (rpps.md 12.2)"),
    PrimaryKeyConstraint("part", "place", "word", "key"),
    Index("directory_name_by_sound", "part", "sound"),
    comment="distinct names; one that nobody bears any more may stay: it leads to nobody",
)

structure = Table(
    "directory_structure",
    metadata,
    _number(),
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
            *("postal_box", "post_office", "postcode", "commune_code", "commune", "country_code"),
            *("phone", "phone2", "fax", "email", "department_code", "structure_national_id"),
        )
    ),
    _text("place", "INSEE code of the present commune, '' when nobody can tell"),
    _load(),
    Index("directory_structure_by_key", "key"),
    *(Index(f"directory_structure_by_{name}", name) for name in ("finess", "siret", "siren", "structure_national_id")),
    Index("directory_structure_by_postcode", "postcode", postgresql_ops={"postcode": "text_pattern_ops"}),
)

situation = Table(
    "directory_situation",
    metadata,
    _number("digest of the row: one line of Personne_activite, whatever its labels"),
    Column("exercise", BigInteger, nullable=False),
    Column("structure", BigInteger, nullable=False, comment="0: none"),
    _text("mode_code"),
    _text("sector_code"),
    _text("pharmacist_section_code"),
    _text("role_code"),
    _text("activity_kind_code"),
    _text("authority"),
    _text("skill_type_code"),
    _text("skill_code"),
    Column("is_idle", Boolean, nullable=False, comment="the line of somebody without activity"),
    _text("profession", "profession code, with /E for a student: what people are looked for by"),
    _text("place", "INSEE code of the present commune, '' when nobody can tell"),
    Column("family_key", KEY, nullable=False),
    Column("given_key", KEY, nullable=False),
    _load(),
    Index("directory_situation_by_exercise", "exercise"),
    Index("directory_situation_by_structure", "structure"),
    Index("directory_situation_by_place", "place", "profession", "family_key", "given_key"),
    Index("directory_situation_by_skill", "skill_code", postgresql_where=text("skill_code <> ''")),
)

skill = Table(
    "directory_skill",
    metadata,
    _number(),
    _text("national_id"),
    _text("profession_code"),
    _text("category_code"),
    _text("skill_type_code"),
    _text("skill_code"),
    _load(),
    Index("directory_skill_by_person", "national_id"),
    Index("directory_skill_by_code", "skill_code"),
    comment="SavoirFaire; the skill of a line of Personne_activite stands in its situation",
)

diploma = Table(
    "directory_diploma",
    metadata,
    _number(),
    _text("national_id"),
    _text("diploma_type_code"),
    _text("diploma_code"),
    _text("authorization_type_code"),
    _text("authorization_field_code"),
    _load(),
    Index("directory_diploma_by_person", "national_id"),
    comment="Dipl_AutExerc: a diploma or an authorisation, the other half is empty",
)

mailbox = Table(
    "directory_mailbox",
    metadata,
    _number(),
    _text("address", "lower case: the key of a mailbox, which may be attached several times"),
    _text("kind", "TRE_R257: PER ORG CAB APP"),
    _text("national_id", "of the holder, or ''"),
    _text("structure_id_type"),
    _text("structure_national_id", "as published"),
    _text("service"),
    _text("profession_code"),
    _text("category_code"),
    _text("skill_code"),
    _text("paperless", "Dématérialisation, as published"),
    _text("structure_name"),
    _text("postcode"),
    _load(),
    Index("directory_mailbox_by_person", "national_id"),
    Index("directory_mailbox_by_structure", "structure_national_id"),
    Index("directory_mailbox_by_address", "address"),
    comment="Extraction_Correspondance_MSSante: the only addresses that are secure mailboxes",
)

label = Table(
    "directory_label",
    metadata,
    _text("subject", "key of the coded column: profession, role..."),
    _text("code"),
    _text("label", "as published"),
    PrimaryKeyConstraint("subject", "code"),
)

SERVED = (person, exercise, structure, situation, skill, diploma, mailbox)  # compared, and kept once past

LED_BY = {
    "directory_structure": ("key",),
    "directory_situation": ("exercise",),
}  # ways into the past of others than people


def _past(table: Table) -> Table:
    columns = [Column(one.name, one.type, nullable=one.nullable) for one in table.columns]
    until = Column("until_load", Integer, nullable=False, comment="the load that ended it")
    person_or_number = next(iter(table.primary_key.columns)).name
    return Table(
        f"{table.name}_past",
        metadata,
        *columns,
        until,
        Index(f"{table.name}_past_by_load", "until_load"),
        Index(f"{table.name}_past_by_key", "national_id" if "national_id" in table.c else person_or_number),
        *(Index(f"{table.name}_past_of_{name}", name) for name in LED_BY.get(table.name, ())),
    )


PAST = {table.name: _past(table) for table in SERVED}

change = Table(
    "directory_change",
    metadata,
    Column("load", Integer, nullable=False),
    _text("national_id"),
    _text("kind", "added changed missing returned gone"),
    Column("missing_since", Date, comment="of who returned or has gone"),
    PrimaryKeyConstraint("load", "national_id", "kind"),
    Index("directory_change_by_person", "national_id", "load"),
    comment="who differs from the load before; the first load differs from nothing",
)

line = Table(
    "directory_line",
    metadata,
    _text("list", "prefix of the file"),
    Column("chunk", Integer, nullable=False),
    Column(
        "pairs",
        LargeBinary,
        nullable=False,
        comment="digests of lines as printed, then numbers of their rows: 8 bytes each",
    ),
    PrimaryKeyConstraint("list", "chunk"),
    comment="lines of the load served: one that comes again to the letter need not be read again",
)

load = Table(
    "directory_load",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("list", Text, nullable=False, server_default="directory", comment="directory, mailboxes, or increments"),
    _text("stamp", "of the file: YYYYMMDDhhmm"),
    _text("source", "address or name of the file"),
    _text("digest", "SHA-256 of the file, hexadecimal"),
    _text("result", "served, refused or reverted"),
    _text("reason", "why it was refused: a code of the connector"),
    _text("accepted_by", "who answered for it, when a guard had refused it"),
    *(
        Column(name, Integer, nullable=False)
        for name in ("rows", "rejected", "duplicates", "persons", "exercises", "situations", "structures", "skills")
    ),
    *(
        Column(name, Integer, nullable=False, server_default="0")
        for name in ("added", "changed", "missing", "returned", "gone", "new_rows", "lost_rows")
    ),
    Column("report", JSONB, nullable=False, comment="warnings, samples of rejected lines"),
    Column("seconds", Float, nullable=False),
    Column("loaded_at", DateTime(timezone=True), nullable=False, comment="hub clock"),
    Index("directory_load_by_result", "result", "id"),
)
