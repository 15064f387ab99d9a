"""From a liaison note to what the DMP receives: the CDA document, its entry, the submission set. Pure.

Refuses with ``ValueError`` what must not leave; the words are for developers, the workflow refuses earlier and in French.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.connectors.dmp import cda, entries, tables, xds
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Actor, Insured, Submission
from hub.connectors.dmp.tables import Code, Table, Tables
from hub.connectors.dmp.xmltext import line, lines

GENDERS = {"male": "M", "female": "F", "unknown": "UN"}
MASKS = frozenset({"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"})  # JDV_J58, DMP part
NEEDS_SECOND_ROLE = frozenset({"10", "21", "99"})  # physicians, pharmacists, actors known by their role
QUALIFIED = "QUAL"
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The patient of a note. ``sex``: FHIR's word; ``reliability``: PROV, RECUP, VALI or QUAL; ``id``: ours."""

    id: str
    ins: str
    ins_oid: str
    reliability: str
    birth_name: str
    given: str
    first_given: str
    sex: str
    birth_date: date
    birth_place: str
    used_name: str = ""
    used_given: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """The author of a note, who answers for it. ``identifier``: PS_IdNat with its prefix (``8`` + RPPS).

    ``profession``: TRE_G15 or TRE_R94 code; ``skill``: savoir-faire (``SM26``), or CNOP section of a pharmacist; ``civility``
    and ``title``: JDV_J245 and JDV_J246, ignored when unknown there.
    """

    identifier: str
    family: str
    given: str
    profession: str
    signed_in_at: datetime
    skill: str = ""
    civility: str = ""
    title: str = ""
    authentication_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The care the note tells about, and whether it took place at the patient's home."""

    start: datetime
    at_home: bool
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The version in force at the DMP: its uniqueId and its version number in the document set."""

    unique_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """Everything needed about one version of one note. ``kind``: JDV_J23; ``masks``: codes of JDV_J58; ``zone``: tz database.

    ``asked_at`` is when the author had the note filed: time of the document and of its authentication. ``pdf`` replaces the
    text as the body when present (PDF/A-1).
    """

    unique_id: str
    set_id: str
    submission_id: str
    kind: str
    text: str
    written_at: datetime
    asked_at: datetime
    patient: Identity
    author: Writer
    act: Act
    title: str = ""
    is_urgent: bool = False
    masks: tuple[str, ...] = ()
    zone: str = "Europe/Paris"
    pdf: bytes | None = None
    replaces: Replaced | None = None


def filing(material: Mapping[str, Any], *, unique_id: str, set_id: str, submission_id: str) -> Filing:
    """The filing of what the workflow collected. Raises ``ValueError`` when a field is missing, unknown or of another type."""
    unknown = set(material) - set(Filing.__dataclass_fields__)
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    identifiers = {"unique_id": unique_id, "set_id": set_id, "submission_id": submission_id}
    return msgspec.convert({**material, **identifiers}, Filing)


def _known(table: Table, code: str, what: str) -> Code:
    if code not in table:
        raise ValueError(f"{what} {code!r} is not in the value set of the DMP")
    return table[code]


def _require(is_fit: bool, problem: str) -> None:
    if not is_fit:
        raise ValueError(problem)


def _require_fit(one: Filing) -> None:
    """The rules that no message may break."""
    patient = one.patient
    _require(patient.reliability == QUALIFIED, "the INS is not qualified")
    _require(patient.sex in GENDERS, f"sex {patient.sex!r} has no INS trait")
    traits = ("birth_name", "given", "first_given", "birth_place")
    missing = [name for name in traits if not line(getattr(patient, name))]
    _require(not missing, f"INS traits missing: {', '.join(missing)}")
    _require(set(one.masks) <= MASKS, "a mask the DMP does not know")
    _require(
        not {"MASQUE_PS", "INVISIBLE_PATIENT"} <= set(one.masks),
        "hidden from the patient and from professionals together",
    )
    _require(bool(lines(one.text).strip()), "an empty note")
    times = (one.written_at, one.asked_at, one.author.signed_in_at, one.act.start, one.act.end or one.act.start)
    _require(all(moment.utcoffset() is not None for moment in times), "a time without offset")


def _specialty(author: Writer, values: Tables) -> Code:
    """The code of JDV_J01: profession and know-how, else profession, else the code of a social profession or title."""
    for code in (f"G15_{author.profession}/{author.skill}", f"G15_{author.profession}", author.profession):
        if code in values.specialties:
            return values.specialties[code]
    raise ValueError(f"profession {author.profession!r} is not in JDV_J01")


def _roles(author: Writer, values: Tables) -> tuple[Code, ...]:
    first = _known(values.roles, author.profession, "profession")
    if author.profession not in NEEDS_SECOND_ROLE:
        return (first,)
    return first, _known(values.roles, author.skill, "second role")


def _actor(author: Writer, values: Tables) -> Actor:
    return Actor(
        identifier=author.identifier,
        name=line(f"{author.family} {author.given}", LONGEST_NAME),
        roles=_roles(author, values),
        signed_in_at=author.signed_in_at,
        authentication_class=author.authentication_class,
    )


def _document_type(one: Filing, settings: DmpSettings, values: Tables) -> tables.DocumentType:
    code = settings.types.get(one.author.profession, settings.default_type)
    kind = values.types.get(code)
    if kind is None or not kind.in_dmp or not kind.class_code:
        raise ValueError(f"document type {code!r} is not taken by the DMP")
    return kind


def _author(one: Filing, settings: DmpSettings, values: Tables) -> cda.Author:
    author = one.author
    return cda.Author(
        identifier=author.identifier,
        family=line(author.family, LONGEST_NAME),
        given=line(author.given, LONGEST_NAME),
        specialty=_specialty(author, values),
        structure=cda.Structure(identifier=settings.structure_id, name=line(settings.structure_name, LONGEST_NAME)),
        civility=author.civility if author.civility in values.civilities else "",
        title=author.title if author.title in values.titles else "",
    )


def _patient(one: Filing, settings: DmpSettings, values: Tables) -> cda.Patient:
    patient = one.patient
    return cda.Patient(
        ins=patient.ins,
        ins_oid=patient.ins_oid,
        birth_name=line(patient.birth_name),
        given=line(patient.given),
        first_given=line(patient.first_given),
        used_name=line(patient.used_name),
        used_given=line(patient.used_given),
        sex=values.genders[GENDERS[patient.sex]],
        birth_date=patient.birth_date,
        birth_place=line(patient.birth_place),
        local_id=(settings.source_oid, patient.id),
    )


def _title(one: Filing, values: Tables, zone: ZoneInfo) -> str:
    kind = _known(values.kinds, one.kind, "kind of note").display
    kind = kind[0].lower() + kind[1:]
    own = line(one.title)
    what = f"{own} ({kind})" if own else f"{kind} du {one.written_at.astimezone(zone):%d/%m/%Y}"
    return line(f"Cahier de liaison - {what}", cda.LONGEST_TITLE)


def _body(one: Filing, document_author: cda.Author, values: Tables, zone: ZoneInfo) -> cda.Body:
    if one.pdf is not None:
        return cda.Body(media_type="application/pdf", content=one.pdf)
    written = one.written_at.astimezone(zone)
    by = " ".join(filter(None, (document_author.given, document_author.family)))
    head = [
        f"{values.kinds[one.kind].display} - {written:%d/%m/%Y à %H:%M}",
        f"{by}, {document_author.specialty.display}, {document_author.structure.name}",
        *(["URGENT"] if one.is_urgent else []),
        *([line(one.title)] if one.title else []),
    ]
    text = "\n".join([*head, "", lines(one.text).strip(), ""])
    return cda.Body(media_type="text/plain", content=text.encode("utf-8"))


def document(one: Filing, settings: DmpSettings, values: Tables = tables.SHIPPED) -> cda.Document:
    """The document of a note. Raises ``ValueError`` when it must not leave."""
    _require_fit(one)
    zone = ZoneInfo(one.zone)
    author = _author(one, settings, values)
    start = one.act.start.astimezone(zone)
    return cda.Document(
        unique_id=one.unique_id,
        set_id=one.set_id,
        version=one.replaces.number + 1 if one.replaces else 1,
        replaces=one.replaces.unique_id if one.replaces else None,
        kind=_document_type(one, settings, values).coded,
        title=_title(one, values, zone),
        created_at=one.asked_at.astimezone(zone),
        written_at=one.written_at.astimezone(zone),
        signed_at=one.asked_at.astimezone(zone),
        patient=_patient(one, settings, values),
        author=author,
        custodian=author.structure,
        event=cda.Event(
            start=start,
            end=one.act.end.astimezone(zone) if one.act.end else None,
            practice=_known(values.practices, settings.practice_setting, "practice setting"),
        ),
        encounter=cda.Encounter(
            code=values.encounters["HH" if one.act.at_home else "AMB"],
            start=start,
            facility=_known(values.facilities, settings.structure_sector, "facility type"),
            place=author.structure.name,
        ),
        body=_body(one, author, values, zone),
    )


def submission(one: Filing, settings: DmpSettings, values: Tables = tables.SHIPPED) -> Submission:
    """The whole sending of a note: document, checked, with its metadata. Raises ``ValueError`` when it must not leave."""
    written = document(one, settings, values)
    content = cda.build(written)
    problems = cda.check(content, tables=values, production=settings.production)
    _require(not problems, "; ".join(problems))
    kind = _document_type(one, settings, values)
    entry = entries.of_document(written, content, kind=kind, masks=tuple(sorted(one.masks)), values=values)
    care = settings.content_at_home if one.act.at_home else settings.content_elsewhere
    return Submission(
        actor=_actor(one.author, values),
        patient=Insured(
            ins=one.patient.ins,
            ins_oid=one.patient.ins_oid,
            birth_name=written.patient.birth_name,
            birth_date=one.patient.birth_date,
            used_name=written.patient.used_name,
        ),
        document=content,
        entry=entry,
        signature=entries.of_signature(entry, f"{one.submission_id}.1", values),
        submission_set=xds.SubmissionSet(
            id="SubmissionSet01",
            unique_id=one.submission_id,
            source_id=settings.source_oid,
            patient_id=entry.patient_id,
            submission_time=xds.stamp(one.asked_at),
            content_type=_known(values.contents, care, "content type"),
            author=entry.authors[0],
            title="Cahier de liaison",
        ),
        signed_at=one.asked_at,
        replaces=one.replaces.unique_id if one.replaces else None,
    )
