"""The liaison notebook: versions of a note, who reads it, and whether it may go to the DMP (workflow.md 7, dmp.md 4.10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.patient import Patient
from hub.domain.refusal import Refusal

MEMBERSHIP = timedelta(days=365)  # (Choice) of the circle of care, after the last act for the patient
LONGEST_TEXT = 20_000


class Mask(StrEnum):
    """Visibility of a note (TRE_A07); the first three exist in the DMP under the same name (dmp.md 4.5)."""

    HIDDEN_FROM_PATIENT = "INVISIBLE_PATIENT"
    HIDDEN_FROM_REPRESENTATIVES = "INVISIBLE_REPRESENTANTS_LEGAUX"
    HIDDEN_FROM_PROFESSIONALS = "MASQUE_PS"
    HIDDEN_FROM_SOCIAL = "MASQUE_PSOCIAL"
    HIDDEN_FROM_THIRD_PARTY = "MASQUE_PT"


DMP_MASKS = frozenset({Mask.HIDDEN_FROM_PATIENT, Mask.HIDDEN_FROM_REPRESENTATIVES, Mask.HIDDEN_FROM_PROFESSIONALS})


class FilingState(StrEnum):
    """Where the filing of one note in the DMP stands."""

    NONE = "none"
    WAITING = "waiting"
    FILED = "filed"
    REFUSED = "refused"
    HELD = "held"  # a rule of ours keeps it back: the reason and the remedy are shown
    REVIEW = "review"  # the answer could not be read: developers look at it


class Agreement(StrEnum):
    """What the patient was told about feeding the DMP (fhir.md 9.3): one question, dated, asked once."""

    NEVER_ASKED = "never-asked"
    INFORMED = "informed"  # informed, and does not object
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A liaison note. ``kind`` is a code of JDV_J23; ``author`` a PractitionerRole id; ``version`` counts corrections."""

    id: str
    patient: str
    author: str
    kind: str
    text: str
    written_at: datetime
    title: str = ""
    is_urgent: bool = False
    mask: Mask | None = None
    replies_to: str | None = None
    version: int = 1


def written(note: Note) -> Note:
    """The note with its text trimmed. Raises ``Refusal("note-empty")`` or ``("note-too-long")``."""
    text = note.text.strip()
    if not text:
        raise Refusal("note-empty", expression="DocumentReference.content")
    if len(text) > LONGEST_TEXT:
        raise Refusal("note-too-long", expression="DocumentReference.content", limit=LONGEST_TEXT)
    return replace(note, text=text)


TRAITS = {  # the identity a shared document must carry (dmp.md 5.3), as people name it
    "birth_name": "le nom de naissance",
    "first_given": "le premier prénom de naissance",
    "birth_date": "la date de naissance",
    "birth_place": "le lieu de naissance (code INSEE)",
}
DMP_SEXES = frozenset({"male", "female", "unknown"})


def require_fileable(note: Note, agreement: Agreement, patient: Patient) -> None:
    """Let a note leave for the DMP, or say why not: patient never told or opposed, INS not qualified, an identity trait
    missing, mask unknown there.
    """
    if agreement is Agreement.NEVER_ASKED:
        raise Refusal("dmp-not-informed")
    if agreement is Agreement.OBJECTS:
        raise Refusal("dmp-objection")
    if not patient.is_qualified:
        raise Refusal("ins-not-qualified")
    missing = [words for name, words in TRAITS.items() if not getattr(patient, name)]
    if patient.sex not in DMP_SEXES:
        missing.append("le sexe")
    if missing:
        raise Refusal("patient-incomplete", what=", ".join(missing))
    if note.mask is not None and note.mask not in DMP_MASKS:
        raise Refusal("dmp-mask-unknown")
