"""What one sending to the DMP holds, ready to be wrapped: kept as JSON between two tries, so that a retry sends the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from hub.connectors.dmp.tables import Code
from hub.connectors.dmp.xds import DocumentEntry, SubmissionSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who speaks to the DMP for the structure: national identifier with its prefix, name, one or two roles of JDV_J65."""

    identifier: str
    name: str
    roles: tuple[Code, ...]
    signed_in_at: datetime
    authentication_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insured:
    """The patient as the DMP must know them: INS, and the traits compared before feeding."""

    ins: str
    ins_oid: str
    birth_name: str
    birth_date: date
    used_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One document, its metadata and those of its signature. ``replaces``: uniqueId of the version in force, if any."""

    actor: Actor
    patient: Insured
    document: bytes
    entry: DocumentEntry
    signature: DocumentEntry
    submission_set: SubmissionSet
    signed_at: datetime
    replaces: str | None = None


def pack(submission: Submission) -> bytes:
    """The submission as JSON."""
    return msgspec.json.encode(submission)


def unpack(content: bytes) -> Submission:
    """The submission :func:`pack` wrote. Raises ``ValueError`` when it is something else."""
    return msgspec.json.decode(content, type=Submission)
