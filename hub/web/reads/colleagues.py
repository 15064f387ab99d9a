"""The national directory as pages show it: who, at what, where, how to reach them; and the places a word may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from hub import codes
from hub.domain import areas, places, search_key, specialties
from hub.domain.people import Viewer
from hub.domain.places import Commune, Precision
from hub.r4.shapes import directory as shapes
from hub.r4.shapes import directory_codes
from hub.r4.shapes.directory_codes import Labels
from hub.storage import directory, directory_resources, situations
from hub.storage.directory import Activity, Criteria, Exercise, Person
from hub.storage.session import Session
from hub.web import words

TITLES = {"DR": "Dr", "PR": "Pr"}
PROFESSIONS = ("TRE_G15", "TRE_R95")  # offered by the search (rpps.md 8.2)
MOST_COMMUNES = 100  # a word that begins more names than that says nothing
RADII = (5, 10, 20, 50)  # kilometres
GENERAL = f"10:{specialties.GENERAL_MEDICINE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """One place of work. ``distance``: in words, from where the reader works; ``measured``: how; ``address``: lines."""

    name: str
    role: str
    address: tuple[str, ...]
    commune: str
    phones: tuple[str, ...]
    mailboxes: tuple[str, ...]
    distance: str
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A professional in one exercise. ``mailboxes``: secure ones that belong to the person alone."""

    national_id: str
    name: str
    profession: str
    skills: tuple[str, ...]
    mailboxes: tuple[str, ...]
    workplaces: tuple[Workplace, ...]
    is_student: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served: ``day`` of the extraction, ``None`` before the first load."""

    day: date | None


async def served(session: Session) -> Served:
    """Which extraction readers see."""
    load = await directory.status(session)
    if load is None:
        return Served(day=None)
    stamped = load.stamp[:8]
    day = (
        datetime.strptime(stamped, "%Y%m%d").date()
        if len(stamped) == 8 and stamped.isdigit()
        else load.loaded_at.date()
    )
    return Served(day=day)


def professions() -> list[tuple[str, str]]:
    """Codes and words of the professions that a search may name, by name."""
    rows = [row for table in PROFESSIONS for row in codes.table(table) if row.valid_until is None]
    named = sorted(((row.code, row.display) for row in rows), key=lambda pair: search_key.key(pair[1]))
    return [(GENERAL, "Médecin généraliste"), *named]


def criteria(typed: Mapping[str, str], found: Sequence[Commune]) -> Criteria:
    """What is asked of the directory. ``typed``: fields of the form; ``found``: the communes that its place means."""
    code, _, group = typed["profession"].partition(":")
    near = areas.around(found, int(typed["rayon"])) if typed["rayon"] else {}
    return Criteria(
        words=f"{typed['nom']} {typed['prenom']}".strip(),
        professions=(code,) if code else (),
        specialties=tuple(sorted(specialties.group(group))) if group else (),
        communes=tuple(near or (one.code for one in found)),
        metres=tuple(near.values()),
        has_mailbox=bool(typed["mssante"]),
        has_account=bool(typed["inscrits"]),
        is_working=not typed["sans-activite"],
    )


@cache
def _by_name() -> Mapping[str, tuple[Commune, ...]]:
    found: dict[str, list[Commune]] = {}
    for one in places.gazetteer().communes.values():
        found.setdefault(search_key.key(one.name), []).append(one)
    return {name: tuple(sorted(ones, key=lambda one: one.code)) for name, ones in found.items()}


def communes(text: str) -> tuple[Commune, ...]:
    """What a word may mean: an INSEE code, a department, a post code or its beginning, the name of one or several communes; else
    names that begin so."""
    coded = areas.named(text)
    name = search_key.key(text)
    if coded or text.isdigit() or not name:
        return coded
    return (
        _by_name().get(name)
        or tuple(one for key, ones in _by_name().items() if key.startswith(name) for one in ones)[: MOST_COMMUNES + 1]
    )


async def _home(session: Session, viewer: Viewer) -> places.Place | None:
    """Where the reader works, when it is known."""
    situation = await situations.situation_of(session, viewer.role) if viewer.role else None
    commune = places.commune(situation.commune) if situation and situation.commune else None
    return commune.place if commune else None


async def worded(session: Session, viewer: Viewer, persons: Sequence[Person]) -> list[Colleague]:
    """People in words, one for each exercise, in their order."""
    if not persons:
        return []
    printed = Labels(printed=await directory.labels(session))
    mailboxes = await directory_resources.mailboxes(session, [one.national_id for one in persons])
    home = await _home(session, viewer)
    return [
        _colleague(person, exercise, mailboxes.get(person.national_id, ()), printed, home)
        for person in persons
        for exercise in person.exercises
    ]


Boxes = Sequence[tuple[str, str]]  # address, number of the structure


def _colleague(
    person: Person, exercise: Exercise, boxes: Boxes, printed: Labels, home: places.Place | None
) -> Colleague:
    profession = directory_codes.profession(exercise.profession_code, printed)
    skills = [directory_codes.skill(code) for _, code in exercise.skills]
    said = [
        one["display"] if one else printed.said("skill", code)
        for one, (_, code) in zip(skills, exercise.skills, strict=True)
    ]
    title = TITLES.get(exercise.practice_title_code, "")
    return Colleague(
        national_id=person.national_id,
        name=tidy(f"{title} {words.proper(exercise.given)} {exercise.family}"),
        profession=profession["display"] if profession else printed.said("profession", exercise.profession_code),
        skills=tuple(one.rpartition(" (")[0] or one for one in said),
        mailboxes=tuple(address for address, where in boxes if not where),
        workplaces=tuple(dict.fromkeys(_workplace(one, boxes, printed, home) for one in exercise.activities)),
        is_student=exercise.category_code == "E",
    )


def _workplace(activity: Activity, boxes: Boxes, printed: Labels, home: places.Place | None) -> Workplace:
    where, place = activity.structure, places.commune(activity.place) if activity.place else None
    role = directory_codes.role_code(activity.role_code, printed) if activity.role_code else None
    mode = printed.coding("TRE_R23", "mode", activity.mode_code)
    known = place.place if place else None
    precision = places.worse(home.precision, known.precision) if home and known else Precision.NONE
    far = places.kilometres(home, known) if home and known else None
    number = where.structure_national_id if where else ""
    return Workplace(
        name=(tidy(where.structure_name) or tidy(where.structure_alias)) if where else "",
        role=(role or mode or {}).get("display", ""),
        address=_address(where, printed) if where else (),
        commune=f"{place.name} ({place.department})" if place else (tidy(where.commune) if where else ""),
        phones=tuple(one for one in (where.phone, where.phone2) if words.is_phone(one)) if where else (),
        mailboxes=tuple(address for address, held in boxes if held and number and held in (number, number[1:])),
        distance=words.kilometres(far, precision),
        measured=words.measured(precision),
    )


def _address(where: directory.Structure, printed: Labels) -> tuple[str, ...]:
    row = {name: getattr(where, name) for name in where.__dataclass_fields__}
    street = " ".join(shapes.envelope(row, printed))
    lines = (street, where.post_office or f"{where.postcode} {where.commune}")
    return tuple(line for line in map(tidy, lines) if line)


def tidy(text: str) -> str:
    """A text of the file without the spaces and ends of lines that stand in it by accident (rpps.md 7)."""
    return " ".join(text.split())
