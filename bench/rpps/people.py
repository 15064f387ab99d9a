"""The people of a chunk on the first day: who they are, what they do and where, as pieces of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from bench.rpps import numbers, oddities
from bench.rpps.places import KEY, NAME, NATIONAL_ID, Town
from bench.rpps.world import Trade, World

ADELI_EVERY = 2_000  # one person in so many is still under an ADELI number
AWAY = 0.0003  # registered, but absent on the first day
NEWCOMERS = 500  # room for numbers of people who come to a chunk on a later day
TITLES = ("M|Monsieur", "MME|Madame")


@dataclass(slots=True)
class Exercise:
    """A profession of a person. ``shown``: how many of the skills Personne_activite prints, one row each."""

    trade: Trade
    family: str
    given: str
    skills: list[str]
    shown: int = 1


@dataclass(slots=True)
class Activity:
    """``place``: the number of a shared structure, or the 28 cells of a practice of one's own."""

    exercise: Exercise
    kind: str
    place: int | str
    mode: str
    tail: str


@dataclass(slots=True)
class Person:
    index: int
    ids: str  # the first three columns
    title: str
    town: Town
    exercises: list[Exercise]
    activities: list[Activity] = field(default_factory=list)
    has_mailbox: bool = False
    authority: str = ""  # of the row without activity

    @property
    def national_id(self) -> str:
        return self.ids.rpartition("|")[2]


class Crowd:
    """Makes people, each from the random source given."""

    def __init__(self, world: World) -> None:
        self.world = world

    def first_day(self, chunk: int) -> tuple[list[Person], list[Person]]:
        """Those of a chunk who are there, and those who are registered but absent."""
        options = self.world.options
        rng = options.rng("chunk", chunk)
        start, stop = chunk * options.chunk, min((chunk + 1) * options.chunk, options.persons)
        present: list[Person] = []
        away: list[Person] = []
        for index in range(start, stop):
            person = self.person(rng, index)
            (away if rng.random() < AWAY else present).append(person)
        if options.hostile:
            oddities.of_people(options.rng("odd people", chunk), present)
        return present, away

    def newcomer(self, rng: Random, chunk: int, place: tuple[int, int]) -> Person:
        """Somebody who was never seen. ``place``: the day, and how many came to this chunk before on that day."""
        day, rank = place
        options = self.world.options
        return self.person(rng, options.persons + ((day * options.chunks) + chunk) * NEWCOMERS + rank)

    def person(self, rng: Random, index: int) -> Person:
        world = self.world
        if index % ADELI_EVERY == 7:
            number = numbers.adeli(index // ADELI_EVERY)
            ids = f"0|{number}|0{number}"
        else:
            number = numbers.rpps(index)
            ids = f"8|{number}|8{number}"
        draw = rng.random()
        sex = int(draw < 0.68)
        title = "|" if draw > 0.995 else TITLES[sex]
        trade = world.trades[rng.random()]
        first = Exercise(trade, world.names.family(rng), world.names.given(rng, sex), [])
        first.skills, first.shown = self.skills(rng, trade)
        person = Person(
            index, ids, title, world.addresses.towns[rng.random()], [first], has_mailbox=rng.random() < 0.26
        )
        draw = rng.random()
        if draw < 0.01:
            self._second(rng, person)
        if rng.random() >= trade.share_none:
            self.settle(rng, person, first)
            more = rng.random()
            for _ in range(3 if more < 0.006 else 2 if more < 0.035 else 1 if more < 0.16 else 0):
                self.settle(rng, person, person.exercises[-1 if draw < 0.005 else 0])
        elif draw > 0.7:
            person.authority = first.trade.tails[first.trade.sites.things[0]].things[0][1].split("/")[0]
        return person

    def _second(self, rng: Random, person: Person) -> None:
        trade = self.world.trades[rng.random()]
        first = person.exercises[0]
        if trade.cells == first.trade.cells:
            return
        # The name known for one exercise is not always the one known for the other.
        family = self.world.names.family(rng) if rng.random() < 0.1 else first.family
        skills, shown = self.skills(rng, trade)
        person.exercises.append(Exercise(trade, family, first.given, skills, shown))

    def skills(self, rng: Random, trade: Trade) -> tuple[list[str], int]:
        """Skills of an exercise, the main one first, and how many of them are printed with each activity."""
        if not trade.skills:
            return [], 1
        main = self.world.skills[trade.skills][rng.random()]
        if main == "|||":
            return [], 1
        skills = [main]
        if trade.skills == "doctor":
            draw = rng.random()
            if draw < 0.3:
                skills.append(self.world.extra_skills[int(draw / 0.3 * len(self.world.extra_skills))])
        return skills, 2 if len(skills) > 1 and rng.random() < 0.05 else 1

    def settle(self, rng: Random, person: Person, exercise: Exercise) -> bool:
        """One more activity, unless the place drawn is one where the person already is."""
        trade = exercise.trade
        kind = trade.sites[rng.random()]
        mode, tail = trade.tails[kind][rng.random()]
        if kind == "own":
            person.activities.append(Activity(exercise, kind, self.practice(rng, person, exercise), mode, tail))
            return True
        site = self.world.sites[kind]
        place = site.near.get(person.town.department, site.everywhere)[rng.random()]
        if any(held.place == place for held in person.activities):
            return False
        person.activities.append(Activity(exercise, kind, place, mode, tail))
        return True

    def practice(self, rng: Random, person: Person, exercise: Exercise) -> str:
        """The 28 cells of a practice of one's own, under a rank that no other of the person's has."""
        held = {
            place.split("|", KEY + 1)[KEY][-3:]
            for place in (held.place for held in person.activities)
            if isinstance(place, str)
        }
        rank = 1 + int(rng.random() * 999)
        while f"{rank:03d}" in held:
            rank = rank % 999 + 1
        cells = self.world.addresses.cells(rng, person.town, "")
        cells[NAME] = (
            f"CABINET {'DU DR ' if exercise.trade.practice != '|' else ''}{exercise.family.replace(chr(39), ' ')}"
        )
        cells[KEY] = f"R98{person.index:09d}{rank:03d}"
        if person.ids[0] == "8":
            cells[NATIONAL_ID] = f"4{person.ids[2:13]}{rank:03d}"
        return "|".join(cells)
