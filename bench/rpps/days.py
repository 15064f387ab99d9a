"""From one day to the next: who comes, goes, comes back and changes. Every change is a true one, so truth needs no comparing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from bench.rpps.people import Crowd, Exercise, Person
from bench.rpps.places import PHONE, phone

MOST = 6  # activities of a person
KINDS = (
    ("moved",) * 6
    + ("phone",) * 4
    + ("settled",) * 3
    + ("role",) * 2
    + ("ended",) * 2
    + ("renamed", "graduated", "dropped")
)

COMING, GOING, BACK, SKILL_ONLY, MAILBOX = (
    0.06,
    0.05,
    0.5,
    0.02,
    0.06,
)  # in proportion of the changes asked, BACK of those away


@dataclass(slots=True)
class Fate:
    """National ids of a day against the day before."""

    added: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    skills_only: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    waves: dict[int | str, int] = field(default_factory=dict)  # people of both days in each structure that changed


class Days:
    """``next`` changes the people of a chunk in place."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.world = crowd, crowd.world
        # Each answers whether it could: what does not apply to a person is replaced by a new name, which always does.
        self.ways: dict[str, Callable[[Random, Person], bool]] = {
            "moved": self._move,
            "phone": self._phone,
            "settled": self._settle,
            "role": self._role,
            "ended": self._end,
            "renamed": self._rename,
            "graduated": self._graduate,
            "dropped": self._drop,
        }

    def next(self, chunk: int, day: int, present: list[Person], away: list[Person]) -> Fate:
        """What happens to a chunk on a day, from 2."""
        options = self.world.options
        rng = options.rng("day", day, chunk)
        fate = Fate(waves=dict.fromkeys(self.world.waves[day - 1], 0))
        staying = [person for person in present if self._stays(rng, person, fate)]
        leaving = [person for person in present if person.national_id in set(fate.removed)] if fate.removed else []
        coming = [person for person in away if rng.random() < BACK]
        fate.returned = [person.national_id for person in coming]
        back = set(fate.returned)
        away[:] = [*(person for person in away if person.national_id not in back), *leaving]
        count = int(len(present) * options.changes * COMING + rng.random())
        coming += [self.crowd.newcomer(rng, chunk, (day, rank)) for rank in range(count)]
        fate.added = [person.national_id for person in coming]
        present[:] = [*staying, *coming]
        return fate

    def _stays(self, rng: Random, person: Person, fate: Fate) -> bool:
        rate = self.world.options.changes
        draw = rng.random() / rate if rate else 2.0
        if 1 <= draw < 1 + GOING:
            fate.removed.append(person.national_id)
            return False
        hit = [held.place for held in person.activities if held.place in fate.waves]
        for place in hit:
            fate.waves[place] += 1
        if draw < 1:
            self._change(rng, person, fate)
        elif hit:
            fate.changed.append(person.national_id)
        elif draw < 1 + GOING + SKILL_ONLY:
            self._learn(rng, person, fate)
        elif draw < 1 + GOING + SKILL_ONLY + MAILBOX:
            person.has_mailbox = not person.has_mailbox
        return True

    def _change(self, rng: Random, person: Person, fate: Fate) -> None:
        kind = rng.choice(KINDS)
        if not self.ways[kind](rng, person):
            kind = "renamed"
            self._rename(rng, person)
        fate.kinds[kind] = fate.kinds.get(kind, 0) + 1
        fate.changed.append(person.national_id)

    def _learn(self, rng: Random, person: Person, fate: Fate) -> None:
        """One skill more, in SavoirFaire alone."""
        exercise = person.exercises[0]
        gained = rng.choice(self.world.extra_skills)
        if (
            exercise.trade.skills == "doctor"
            and gained not in exercise.skills
            and len(exercise.skills) >= exercise.shown > 0
        ):
            exercise.skills.append(gained)
            fate.skills_only.append(person.national_id)

    def _rename(self, rng: Random, person: Person) -> bool:
        held = {exercise.family for exercise in person.exercises}
        family = self.world.names.family(rng)
        while family in held:
            family = self.world.names.family(rng)
        for exercise in person.exercises:
            exercise.family = family
        return True

    def _move(self, rng: Random, person: Person) -> bool:
        """Another place instead of the last."""
        if not person.activities:
            return False
        exercise, person.town = person.activities[-1].exercise, self.world.addresses.towns[rng.random()]
        if not self.crowd.settle(rng, person, exercise):
            return False
        del person.activities[-2]
        return True

    def _phone(self, rng: Random, person: Person) -> bool:
        """Another telephone in a practice of one's own."""
        for activity in person.activities:
            if isinstance(activity.place, str):
                cells = activity.place.split("|")
                held = cells[PHONE]
                while cells[PHONE] == held:
                    cells[PHONE] = phone(rng, person.town.department)
                activity.place = "|".join(cells)
                return True
        return False

    def _settle(self, rng: Random, person: Person) -> bool:
        return len(person.activities) < MOST and self.crowd.settle(rng, person, person.exercises[0])

    def _role(self, rng: Random, person: Person) -> bool:
        for activity in person.activities:
            others = [
                pair
                for pair in activity.exercise.trade.tails[activity.kind].things
                if pair != (activity.mode, activity.tail)
            ]
            if others:
                activity.mode, activity.tail = rng.choice(others)
                return True
        return False

    def _end(self, rng: Random, person: Person) -> bool:
        """No activity any more: the person keeps one row."""
        had_some = bool(person.activities)
        person.activities.clear()
        return had_some

    def _drop(self, rng: Random, person: Person) -> bool:
        if len(person.activities) < 2:
            return False
        person.activities.pop()
        return True

    def _graduate(self, rng: Random, person: Person) -> bool:
        exercise: Exercise = person.exercises[0]
        trade = exercise.trade.graduate
        if trade is None or any(other.trade.cells == trade.cells for other in person.exercises):
            return False
        exercise.trade = trade
        exercise.skills, exercise.shown = self.crowd.skills(rng, trade)
        person.activities[:] = [
            held for held in person.activities if held.exercise is not exercise or held.kind in trade.tails
        ]
        return True
