"""Who a professional is according to the nation: the person, the exercises, the situations. Pure values and keys.

A *situation* is one (exercise, activity) pair; its key is derived the same way from Pro Santé Connect claims and from the
directory (rpps.md 5.1, psc.md 5.7), so that both meet.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

STUDENT = "E"  # TRE_R09: a student doctor is not a doctor
TEST_PREFIXES = ("ANS", "8997")  # psc.md 5.6: EDIT identities, cards of the test kit
IDS: UUID = uuid5(NAMESPACE_URL, "urn:colibri:professionals")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherId:
    """Another identifier of the same person, declared by the national side. ``origin``: RPPS, ADELI, EDIT, PSI."""

    value: str
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A place, a mode, a role: one line of work of a person. Codes and texts as they come; missing is ``""``."""

    mode: str = ""
    sector: str = ""
    section: str = ""
    role: str = ""
    kind: str = ""
    siret: str = ""
    siren: str = ""
    finess: str = ""
    finess_legal: str = ""
    technical_id: str = ""
    former_id: str = ""
    authority: str = ""
    name: str = ""
    trade_name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    commune: str = ""
    department: str = ""
    phone: str = ""
    email: str = ""

    @property
    def structure_key(self) -> str:
        """Key of the structure: technical identifier, else F + FINESS or C + SIRET, else the former identifier, else ``""``."""
        if self.technical_id:
            return self.technical_id
        if self.finess:
            return f"F{self.finess}"
        if self.siret:
            return f"C{self.siret}"
        return self.former_id

    @property
    def structure_id(self) -> str:
        """National identifier of the structure with its prefix (IDNST); built from FINESS, then SIRET, when not given."""
        if self.former_id:
            return self.former_id
        if self.finess:
            return f"1{self.finess}"
        return f"3{self.siret}" if self.siret else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A profession exercised in a category, with the names used there. ``know_how``: (type, code) pairs, ``("S", "SM26")``."""

    profession: str
    category: str
    title: str = ""
    given: str = ""
    family: str = ""
    know_how: tuple[tuple[str, str], ...] = ()
    activities: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One (exercise, activity) pair. ``activity`` is ``None`` for somebody registered without any current place."""

    key: str
    exercise: Exercise
    activity: Activity | None

    @property
    def structure_key(self) -> str:
        """Key of the structure, ``""`` when there is none."""
        return self.activity.structure_key if self.activity else ""

    @property
    def has_profession(self) -> bool:
        """Staff of a structure have a role there, and no profession."""
        return bool(self.exercise.profession)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as Pro Santé Connect presents them. ``national_id`` (prefix + number) is the key with ``issuer``; ``given`` and
    ``family`` are the civil names. A *minimal* user has no exercise and no role.
    """

    issuer: str
    sub: str
    national_id: str
    given: str
    family: str
    civility: str = ""
    other_ids: tuple[OtherId, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    agrees: bool = True  # false when the claims bear different numbers: kept and audited (psc.md 5.6)

    @property
    def is_minimal(self) -> bool:
        """No professional datum came: let in without any professional right (psc.md 5.7)."""
        return not self.exercises

    @property
    def is_test(self) -> bool:
        """An identity that production must not accept (psc.md 5.6)."""
        return self.national_id.startswith(TEST_PREFIXES) or any(other.origin == "EDIT" for other in self.other_ids)


def activity_key(person: str, profession: str, category: str, activity: Activity | None) -> str:
    """The derived key of rpps.md 5.1: exercise + structure + mode + role + kind + pharmacist section; 32 hexadecimal digits."""
    place = activity or Activity()
    parts = (person, profession, category, place.structure_key, place.mode, place.role, place.kind, place.section)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def situations(identity: Identity) -> tuple[Situation, ...]:
    """Every situation of a person, once each: lines that differ by know-how only are one situation with both."""
    found: dict[str, Situation] = {}
    for exercise in identity.exercises:
        for activity in exercise.activities or (None,):
            key = activity_key(identity.national_id, exercise.profession, exercise.category, activity)
            before = found[key].exercise.know_how if key in found else ()
            merged = tuple(dict.fromkeys((*before, *exercise.know_how)))
            found[key] = Situation(key=key, exercise=_with_know_how(exercise, merged), activity=activity)
    return tuple(found.values())


def _with_know_how(exercise: Exercise, know_how: tuple[tuple[str, str], ...]) -> Exercise:
    return Exercise(
        profession=exercise.profession,
        category=exercise.category,
        title=exercise.title,
        given=exercise.given,
        family=exercise.family,
        know_how=know_how,
        activities=exercise.activities,
    )


def profession_key(profession: str, category: str) -> str:
    """The profession by which people are looked for: a student's is another one (rpps.md 5.1)."""
    return f"{profession}/{STUDENT}" if category == STUDENT else profession


def practitioner_id(national_id: str) -> str:
    """FHIR id of the Practitioner of a person: the same on every road that creates it."""
    return str(uuid5(IDS, f"practitioner/{national_id}"))


def role_id(key: str) -> str:
    """FHIR id of the PractitionerRole of an activity key."""
    return str(uuid5(IDS, f"role/{key}"))


def organization_id(structure_key: str) -> str:
    """FHIR id of the Organization of a structure key."""
    return str(uuid5(IDS, f"organization/{structure_key}"))
