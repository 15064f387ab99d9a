"""From one day's directory to the next: people arrive, change, move, stop, leave, or are forgotten for a day.

The same seed gives the same days. Only the crowd moves; of the persons who may sign in, one activity ends on day 1. Every third
day a shared structure changes its phone, and with it the rows of all who work there. Secure mailboxes come and go as well.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial

from sandbox.rpps import crowd, oddities, signed_in, tables
from sandbox.rpps.model import Activity, Exercise, Person, Structure
from sandbox.rpps.places import Town

ARRIVALS = {("10", "C"): 2, ("10", "E"): 1, ("60", "C"): 4, ("70", "C"): 1, ("93", "C"): 1}
CROWD = ("89971", "89972")  # prefixes of those who may change
CHANGES, MOVES, ENDS, LEAVERS, FORGOTTEN, MAILBOXES = 12, 8, 4, 4, 2, 3
WAVE_EVERY = 3  # days
FIRST_NUMBER, PER_DAY = 10_000, 30  # of the structures that open: arrivals of each day have their own numbers
MOVING_SITES = ("own", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """National identifiers, by what happened to them since the day before."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    through_structure: tuple[str, ...] = ()
    mailbox_opened: tuple[str, ...] = ()
    mailbox_closed: tuple[str, ...] = ()

    def shown(self) -> dict[str, list[str]]:
        return {name: list(people) for name, people in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """`away` are those left out today by mistake, who come back tomorrow; `since` what changed today."""

    seed: int
    day: int
    people: Mapping[str, Person]
    away: Mapping[str, Person]
    since: Changes


@cache
def first_day(seed: int) -> Directory:
    people = {**crowd.crowd(seed), **oddities.persons(), **signed_in.persons()}
    return Directory(seed=seed, day=0, people=people, away={}, since=Changes())


def next_day(today: Directory) -> Directory:
    day = today.day + 1
    rng = random.Random(f"{today.seed}/day {day}")
    arrivals = crowd.crowd(today.seed, f"9972{day:03d}", ARRIVALS, partial(_new_town, day))
    drawn = _draw(today, rng)
    town = Town(random.Random(f"{today.seed}/town {day}"), series=f"98{day % 100:02d}")
    people = {**today.people, **today.away}
    people.update({id: _changed(people[id], town, rng) for id in drawn.changed})
    people.update({id: _moved(people[id], town, rng) for id in drawn.moved})
    people.update({id: _stopped(people[id]) for id in drawn.ended})
    people.update({id: replace(people[id], mailbox="") for id in drawn.mailbox_closed})
    people.update({id: replace(people[id], mailbox=f"boite.{id}@{crowd.MAIL}") for id in drawn.mailbox_opened})
    through_structure = _wave(people, day, town, rng)
    away = {id: people.pop(id) for id in drawn.forgotten}
    for id in drawn.removed:
        del people[id]
    people.update(arrivals)
    since = replace(
        drawn,
        added=tuple(arrivals),
        returned=tuple(today.away),
        through_structure=tuple(id for id in through_structure if id in people),
    )
    return Directory(seed=today.seed, day=day, people=people, away=away, since=since)


def _new_town(day: int, rng: random.Random) -> Town:
    return Town(rng, series="", first=FIRST_NUMBER + PER_DAY * day)


def _draw(today: Directory, rng: random.Random) -> Changes:
    """Who is touched by the night, nobody twice."""
    at_work = [id for id, one in today.people.items() if id.startswith(CROWD) and one.exercises[0].activities]
    drawn = iter(rng.sample(at_work, CHANGES + MOVES + ENDS + LEAVERS + FORGOTTEN))
    changed, moved, ended, removed, forgotten = (
        tuple(next(drawn) for _ in range(wanted)) for wanted in (CHANGES, MOVES, ENDS, LEAVERS, FORGOTTEN)
    )
    touched = {*changed, *moved, *ended, *removed, *forgotten}
    quiet = [id for id in at_work if id not in touched]
    return Changes(
        changed=changed,
        moved=moved,
        ended=ended + ((signed_in.ENDS_NEXT_DAY,) if today.day == 0 else ()),
        removed=removed,
        forgotten=forgotten,
        mailbox_opened=tuple(rng.sample([id for id in quiet if not today.people[id].mailbox], MAILBOXES)),
        mailbox_closed=tuple(rng.sample([id for id in quiet if today.people[id].mailbox], MAILBOXES)),
    )


def _wave(people: dict[str, Person], day: int, town: Town, rng: random.Random) -> list[str]:
    """Give a shared structure another phone, in the rows of all who work there; answers who they are."""
    if day % WAVE_EVERY:
        return []
    places = {
        activity.structure.structure_id: activity.structure
        for id, person in people.items()
        if id.startswith(CROWD)
        for exercise in person.exercises
        for activity in exercise.activities
        if activity.structure.finess
    }
    before = places[rng.choice(sorted(places))]
    after = _with_other_phone(before, town)
    touched = []
    for id, person in people.items():
        exercises = tuple(_at(exercise, before, after) for exercise in person.exercises)
        if exercises != person.exercises:
            people[id] = replace(person, exercises=exercises)
            touched.append(id)
    return touched


def _at(exercise: Exercise, before: Structure, after: Structure) -> Exercise:
    activities = tuple(replace(one, structure=after) if one.structure == before else one for one in exercise.activities)
    return replace(exercise, activities=activities)


def _with_first(person: Person, activity: Activity) -> Person:
    """The person with another first activity."""
    first = person.exercises[0]
    exercise = replace(first, activities=(activity, *first.activities[1:]))
    return replace(person, exercises=(exercise, *person.exercises[1:]))


def _changed(person: Person, town: Town, rng: random.Random) -> Person:
    """Another phone of their own practice, another role, or another spelling of the first name."""
    activity = person.exercises[0].activities[0]
    match rng.randrange(3):
        case 0 if _is_own(activity.structure, person):
            return _with_first(person, replace(activity, structure=_with_other_phone(activity.structure, town)))
        case 0 | 1:
            role = "FON-17" if activity.role != "FON-17" else "FON-22"
            return _with_first(person, replace(activity, role=role))
        case _:
            renamed = tuple(replace(one, given=f"{one.given}-Lou") for one in person.exercises)
            return replace(person, exercises=renamed)


def _is_own(structure: Structure, person: Person) -> bool:
    return structure.structure_national_id.startswith(f"4{person.identifier}")


def _with_other_phone(structure: Structure, town: Town) -> Structure:
    while (phone := town.phone()) == structure.phone:
        continue
    return replace(structure, phone=phone)


def _moved(person: Person, town: Town, rng: random.Random) -> Person:
    activity = person.exercises[0].activities[0]
    site = tables.sites()[rng.choice(MOVING_SITES)]
    structure = town.structure(site, f"DU DR {person.exercises[0].family}", person.national_id, rng.randint(2, 9))
    who, work = activity.authority.split("/")[:2]
    authority = f"{who}/{work}/{crowd.registrar(site, work)}"
    return _with_first(person, replace(activity, structure=structure, sector=site.sector, authority=authority))


def _stopped(person: Person) -> Person:
    """Still registered, without activity: one row, its last columns empty."""
    return replace(person, exercises=tuple(replace(one, activities=()) for one in person.exercises))
