"""From what the API tells of a person to the rows that the extraction would hold, beside the rows served (rpps.md 11.6). Pure.

The API tells less than the extraction: what it leaves out is taken from the rows served for the same person, else for the same
structure. And what is told of a structure is news only when no row served there says it already: those who work in one place
may disagree on it in the extraction, the API has one word for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.connectors.rpps.mapping import ACTIVITY, WHERE
from hub.connectors.rpps.resources import Organization, Practitioner, Role

Row = Mapping[str, str]
Skill = tuple[str, str, str, str]  # profession, category, type, code

WORK = ("mode_code", "role_code", "activity_kind_code", "pharmacist_section_code")
SKILL = ("skill_type_code", "skill_code")
IDLE = "is_idle"  # beside the columns of a row served: "t" for that of somebody without activity
ORDINAL = "S"  # the kind of skill that the extraction prints first
PARTS = 3  # of the authority: who registers the person, the activity, the structure
NOWHERE = dict.fromkeys(WHERE, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served of a person: rows of Personne_activite, and of the lists by their columns."""

    lines: tuple[Row, ...] = ()
    skills: frozenset[Skill] = frozenset()
    diplomas: frozenset[tuple[str, str, str, str]] = frozenset()
    mailboxes: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is served of a structure: its contents, the commonest first; its sectors; its authorities, the commonest first."""

    contents: tuple[Row, ...] = ()
    sectors: frozenset[str] = frozenset()
    authorities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the API tells of a person: exercises in force, each with its activities in force and where they are."""

    national_id: str
    exercises: tuple[tuple[Practitioner, tuple[tuple[Role, Organization | None], ...]], ...]
    known: Mapping[str, Known] = field(default_factory=dict)


def lines(told: Told, served: Served) -> list[Row]:
    """The rows of Personne_activite. None for somebody whose every exercise has ended."""
    found: list[Row] = []
    for one, roles in told.exercises:
        prior = [row for row in served.lines if _same_exercise(row, one)]
        who = _who(one, served.lines, prior)
        works = list(_works(one, roles, prior, told.known)) or [_idle(prior)]
        for skill in printed(one, prior, served.skills):
            found += [{**who, **work, **dict(zip(SKILL, skill, strict=True))} for work in works]
    return found


def cells(row: Row) -> list[str]:
    """A row in the order of the extraction; labels stay empty: nothing that counts is in them."""
    return [row.get(key, "") for key in ACTIVITY]


def _same_exercise(row: Row, one: Practitioner) -> bool:
    return all(row[key] == one.cells[key] for key in ("profession_code", "category_code"))


def _who(one: Practitioner, everywhere: Sequence[Row], prior: Sequence[Row]) -> dict[str, str]:
    """The person in this exercise. Columns 1 and 2 stay as the extraction prints them; a Practitioner may have no name."""
    before = next(iter(prior or everywhere), None)
    number = {"id_type": one.national_id[:1], "identifier": one.cells["identifier"] or one.national_id[1:]}
    if before is not None:
        number = {key: before[key] for key in number}
    told = dict(one.cells)
    if before is not None and not (told["family"] or told["given"]):
        told |= {key: before[key] for key in ("family", "given", "title_code", "practice_title_code")}
    return {**told, **number, "national_id": one.national_id}


def printed(one: Practitioner, prior: Sequence[Row], listed: frozenset[Skill]) -> list[tuple[str, str]]:
    """The skills that Personne_activite prints: the main one, or one a row where it does so for this person. As before while the
    API tells no other skills than those known."""
    shown = list(dict.fromkeys((row[SKILL[0]], row[SKILL[1]]) for row in prior))
    told = {code for _, code in one.skills}
    known = {code for _, code in shown if code} | {skill[3] for skill in listed if skill[:2] == exercise_of(one)}
    if shown and told == known:
        return shown
    if not one.skills:
        return [("", "")]
    if len(shown) > 1:
        return list(one.skills)
    kept = [skill for skill in one.skills if skill[1] in {code for _, code in shown}]
    ordinal = [skill for skill in one.skills if skill[0] == ORDINAL]
    return [*kept, *ordinal, *one.skills][:1]


def exercise_of(one: Practitioner) -> tuple[str, str]:
    """Profession and category."""
    return one.cells["profession_code"], one.cells["category_code"]


def _idle(prior: Sequence[Row]) -> dict[str, str]:
    """The row of somebody without activity. Whether column 48 keeps its first name there, nobody knows: as served."""
    authority = next((row["authority"] for row in prior if row[IDLE] == "t"), "")
    return {"authority": authority}


def _works(
    one: Practitioner,
    roles: Sequence[tuple[Role, Organization | None]],
    prior: Sequence[Row],
    known: Mapping[str, Known],
) -> Iterator[dict[str, str]]:
    """The structure and activity columns of each role."""
    for (role, place), before in zip(roles, _counterparts(roles, prior), strict=True):
        there = known.get(place.key, Known()) if place is not None else Known()
        sector = place.sector if place is not None else ""
        if before is not None and (place is None or sector in {before["sector_code"], *there.sectors}):
            sector = before["sector_code"]
        named = (one.authority, role.authority, place.authority if place is not None else "")
        yield {
            **_place(place, before, there),
            **role.cells,
            "sector_code": sector,
            "authority": _authority(named, before, prior, there),
        }


def _counterparts(roles: Sequence[tuple[Role, Organization | None]], prior: Sequence[Row]) -> list[Row | None]:
    """For each role the row served of the same structure, of the very same work before any other; each row for one role only."""
    left = [dict(one) for one in {_without_skill(row): row for row in prior if row[IDLE] != "t"}.values()]
    found: list[Row | None] = [None] * len(roles)
    for same_work in (True, False):
        for number, (role, place) in enumerate(roles):
            key = place.key if place is not None else ""
            near = (row for row in left if structure_key(row) == key)
            best = next(
                (row for row in near if not same_work or all(row[one] == role.cells[one] for one in WORK)), None
            )
            if found[number] is None and best is not None:
                found[number] = best
                left.remove(dict(best))
    return found


def _without_skill(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in (*WHERE, *WORK, "sector_code", "authority"))


def structure_key(row: Row) -> str:
    """Column 24, else column 47 (rpps.md 5.1)."""
    return row["structure_id"] or row["structure_national_id"]


def _place(place: Organization | None, before: Row | None, there: Known) -> dict[str, str]:
    """The columns of the structure."""
    if place is None:  # the API has no resource for a structure without a key
        return {key: before[key] for key in WHERE} if before is not None else NOWHERE
    same = [content for content in there.contents if _says(content, place)]
    if same and (before is None or structure_key(before) == place.key):
        chosen = before if before is not None else same[0]
        return {key: chosen[key] for key in WHERE}
    fallback = before if before is not None else next(iter(there.contents), NOWHERE)
    return {key: place.cells.get(key, fallback[key]) for key in WHERE}


def _says(content: Row, place: Organization) -> bool:
    """Whether a content served says all that the API tells; the name of a commune that has its code is a label."""
    return all(
        content[key] == value
        for key, value in place.cells.items()
        if key != "commune" or not place.cells.get("commune_code")
    )


def _authority(named: tuple[str, str, str], before: Row | None, prior: Sequence[Row], there: Known) -> str:
    """Column 48, of three names each told by a resource of its own. A name is news only when no row served has it in that place:
    for the person, of this exercise; for the structure, of all who work there."""
    if before is None:
        same = [one for one in there.authorities if _names(one)[:2] == list(named[:2])]
        return same[0] if same else "/".join(named).rstrip("/")
    now = _names(before["authority"])
    others = (
        {_names(row["authority"])[0] for row in prior},
        {now[1]},
        {_names(one)[2] for one in there.authorities},
    )
    settled = [
        told if told and told not in known else kept for told, known, kept in zip(named, others, now, strict=True)
    ]
    return before["authority"] if settled == now else "/".join(settled).rstrip("/")


def _names(authority: str) -> list[str]:
    found = authority.split("/", PARTS - 1)
    return [*found, *[""] * (PARTS - len(found))]
