"""The three files of PS_LibreAcces and the list of mailboxes, as text (directory specification 3, 4, 5)."""

import random
from collections.abc import Callable, Iterator, Sequence
from zlib import crc32

from sandbox.rpps import columns, tables
from sandbox.rpps.columns import Columns
from sandbox.rpps.model import STRUCTURE_KEYS, Activity, Exercise, Person, Structure

Row = dict[str, str]
DEGREES = {"10": "DE05", "21": "DE02", "40": "DE03", "50": "DE06", "60": "DE09", "70": "DE11", "80": "DE12"}
DEGREES |= {"91": "DE13", "92": "DE14", "94": "DE16", "95": "DE31", "96": "DE17", "98": "DE39"}
FAMILIES = (("SCD", "S"), ("SM", "S"), ("SI", "S"), ("CAPA", "CAPA"), ("CEX", "CEX"), ("DEC", "DEC"), ("C", "C"))
SAME_IN_MAILBOXES = (
    *("structure_name", "structure_alias", "house_number", "house_number_suffix", "street"),
    *("post_office", "postcode"),
)
ABSENT_FROM_ACTIVITIES = "899740000015"  # a diploma of somebody the other files do not know: normal
FORGOTTEN = 97  # one person in so many has no diploma row
ATTACHED = 40  # of so many mailboxes one is listed twice, three with an activity only
SERVICE = "SECRETARIAT MEDICAL"


def skill_type(code: str) -> str:
    return next((kind for prefix, kind in FAMILIES if code.startswith(prefix)), "")


def activities(people: Sequence[Person], day: int) -> str:
    """Personne_activite: 56 columns; the order of the rows changes every day and means nothing."""
    rows = [line for person in people for line in _lines(columns.ACTIVITY, activity_rows(person))]
    random.Random(day).shuffle(rows)
    return _text(columns.ACTIVITY, rows)


def activity_rows(person: Person) -> list[Row]:
    rows = [row for exercise in person.exercises for row in _exercise_rows(person, exercise)]
    return rows * 2 if person.printed_twice else rows


def skills(people: Sequence[Person]) -> str:
    """SavoirFaire: one row per person, exercise and skill."""
    rows = (
        {**_exercise(person, exercise), **_skill(code)}
        for person in people
        for exercise in person.exercises
        for code in exercise.skills
    )
    return _text(columns.SKILL, list(_lines(columns.SKILL, rows)))


def degrees(people: Sequence[Person]) -> str:
    """Dipl_AutExerc: a diploma or an authorisation, never both in one row."""
    rows = [row for person in people if drawn(person) % FORGOTTEN for row in _degree_rows(person)]
    unknown = {"id_type": "8", "identifier": ABSENT_FROM_ACTIVITIES[1:], "national_id": ABSENT_FROM_ACTIVITIES}
    degree = {**_coded("degree_type", "DE"), **_coded("degree", "DE09")}
    rows.append({**unknown, "family": "ABSENTE", "given": "Zélie", **degree})
    return _text(columns.DEGREE, list(_lines(columns.DEGREE, rows)))


def mailboxes(people: Sequence[Person]) -> str:
    """Correspondance MSSanté: personal mailboxes, then those of structures; a few addresses come twice."""
    rows: list[Row] = []
    seen: set[str] = set()
    for person in people:
        rows.extend(_personal(person, activity) for activity in attachments(person))
        for activity in (one for exercise in person.exercises for one in exercise.activities):
            if organisation_mailbox(activity.structure) and activity.structure.structure_id not in seen:
                seen.add(activity.structure.structure_id)
                rows.append(_organisation(activity))
    return _text(columns.MAILBOX, list(_lines(columns.MAILBOX, rows)))


def drawn(person: Person) -> int:
    """A number that stays with the person, to decide small things by chance and yet the same every day."""
    return crc32(person.national_id.encode())


def attachments(person: Person) -> list[Activity | None]:
    """Where the personal mailbox hangs: on the person alone (None), on one activity, or on both."""
    if not person.mailbox or not person.exercises:
        return []
    there = person.exercises[0].activities[:1]
    match drawn(person) % ATTACHED:
        case 0:
            return [None, *there]
        case 1 | 2 | 3 if there:
            return [*there]
        case _:
            return [None]


def organisation_mailbox(structure: Structure) -> str:
    """Empty for a structure that has none."""
    return f"secretariat.{structure.finess}@structure.mssante.example" if structure.finess else ""


def _coded(key: str, code: str, table: str | None = None) -> Row:
    return {f"{key}_code": code, key: tables.label(table or key, code)}


def _exercise(person: Person, exercise: Exercise) -> Row:
    return {
        "id_type": person.id_type,
        "identifier": person.identifier,
        "national_id": person.national_id,
        **_coded("practice_title", exercise.practice_title),
        **_coded("title", person.title),
        "family": exercise.family,
        "given": exercise.given,
        **_coded("profession", exercise.profession),
        **_coded("category", exercise.category),
    }


def _skill(code: str) -> Row:
    return {**_coded("skill_type", skill_type(code)), **_coded("skill", code)}


def _activity(activity: Activity) -> Row:
    structure = {key: getattr(activity.structure, key) for key in STRUCTURE_KEYS}
    return {
        **structure,
        **_coded("street_type", activity.structure.street_type_code),
        **_coded("mode", activity.mode),
        "authority": activity.authority,
        **_coded("sector", activity.sector),
        **_coded("pharmacist_section", activity.section),
        **_coded("role", activity.role),
        **_coded("activity_kind", activity.kind),
        **activity.raw,
    }


def _exercise_rows(person: Person, exercise: Exercise) -> Iterator[Row]:
    facts = _exercise(person, exercise)
    printed = exercise.skills if exercise.row_per_skill else exercise.skills[:1]
    for skill in printed or ("",):
        if not exercise.activities:
            yield {**facts, **_skill(skill), **exercise.raw}
        for activity in exercise.activities:
            yield {**facts, **_skill(skill), **exercise.raw, **_activity(activity)}


def _degree_rows(person: Person) -> Iterator[Row]:
    for exercise in person.exercises:
        facts = _exercise(person, exercise)
        degree = DEGREES.get(exercise.profession)
        if degree and exercise.category == "C":
            yield {**facts, **_coded("degree_type", "DE"), **_coded("degree", degree)}
        if exercise.profession == "10" and exercise.category == "C":
            yield {**facts, **_coded("authorisation_type", "AM01", "authorisation")}


def _personal(person: Person, activity: Activity | None) -> Row:
    exercise = person.exercises[0]
    facts = {**_exercise(person, exercise), "practice_title": tables.label("practice_title", exercise.practice_title)}
    code = exercise.skills[0] if exercise.skills else ""
    facts |= _postal(activity) if activity else {}
    return {"mailbox_type": "PER", "address": person.mailbox, "paperless": "O", **_coded("skill", code), **facts}


def _organisation(activity: Activity) -> Row:
    address = organisation_mailbox(activity.structure)
    return {"mailbox_type": "ORG", "address": address, "service": SERVICE, **_postal(activity)}


def _postal(activity: Activity) -> Row:
    place = activity.structure
    return {
        "structure_id_type": place.structure_national_id[:1],
        "structure_identifier": place.structure_national_id[1:],
        **{name: getattr(place, name) for name in SAME_IN_MAILBOXES},
        "street_type": tables.label("street_type", place.street_type_code),
        "l2": place.address_extra,
        "l3": place.address_recipient,
        "l5": place.postal_box,
        "department": place.commune_code[:2],
        "country": "FRANCE" if place.finess else "",
    }


def _lines(layout: Columns, rows: Iterator[Row] | Sequence[Row]) -> Iterator[str]:
    keys = [key for key, _ in layout]
    for row in rows:
        yield "|".join(row.get(key, "") for key in keys)


def _text(layout: Columns, lines: list[str]) -> str:
    return "\n".join(["|".join(header for _, header in layout), *lines, ""])


# The members of the ZIP, by the prefix of their name.
MEMBERS: dict[str, Callable[[Sequence[Person], int], str]] = {
    "PS_LibreAcces_Personne_activite": activities,
    "PS_LibreAcces_SavoirFaire": lambda people, day: skills(people),
    "PS_LibreAcces_Dipl_AutExerc": lambda people, day: degrees(people),
}
