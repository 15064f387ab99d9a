"""People as lines of the four files of an extraction (rpps.md 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench.rpps import oddities
from bench.rpps.names import plain
from bench.rpps.people import Person
from bench.rpps.places import NATIONAL_ID
from bench.rpps.tables import OURS, rows
from bench.rpps.world import World

ACTIVITIES, SKILLS, DIPLOMAS, MAILBOXES = FILES = ("Personne_activite", "SavoirFaire", "Dipl_AutExerc", "MSSante")
MALFORMED = 0.0006  # of the lines: the guard is at 0.001
DUPLICATES = {False: 0.001, True: 0.01}  # of the lines, by --hostile
TWICE = 450  # one structure in so many shares the address of another
ASTRAY = 25  # one line in so many stands away from the others of its person
POSTAL = (5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)  # name to post code, of the 28 cells
AUTHORISATION = "||||AM01|Autorisation de plein exercice||"

HEADERS = {row["table"]: row["header"] for row in rows(OURS / "headers.csv")}


@dataclass(slots=True)
class Tally:
    """What a chunk counts on one day."""

    counts: Counter[str] = field(default_factory=Counter)
    professions: Counter[str] = field(default_factory=Counter)  # persons
    shared: set[int] = field(default_factory=set)  # structures


def activity_lines(person: Person, places: Sequence[str]) -> list[str]:
    """Rows of Personne_activite, all distinct. ``places``: the cells of the shared structures on that day."""
    lines: list[str] = []
    for exercise in person.exercises:
        trade = exercise.trade
        head = f"{person.ids}|{trade.practice}|{person.title}|{exercise.family}|{exercise.given}|{trade.cells}"
        held = [activity for activity in person.activities if activity.exercise is exercise]
        for skill in exercise.skills[: exercise.shown] or ("|||",):
            if not held:
                lines.append(f"{head}|{skill}|{'|' * 30}{person.authority}{'|' * 8}")
            for activity in held:
                place = activity.place if isinstance(activity.place, str) else places[activity.place]
                lines.append(f"{head}|{skill}|{activity.mode}|{place}|{activity.tail}")
    return lines


def skill_lines(person: Person) -> list[str]:
    return [
        f"{person.ids}|{exercise.family}|{exercise.given}|{exercise.trade.cells}|{skill}"
        for exercise in person.exercises
        for skill in exercise.skills
    ]


def diploma_lines(person: Person) -> list[str]:
    lines: list[str] = []
    for exercise in person.exercises:
        head = f"{person.ids}|{exercise.family}|{exercise.given}"
        if exercise.trade.diploma != "|":
            lines.append(f"{head}|DE|Diplôme d'Etat français|{exercise.trade.diploma}||||")
        if person.index % 12 == 0:
            lines.append(f"{head}|{AUTHORISATION}")
    return lines


def mailbox_line(person: Person) -> str:
    exercise = person.exercises[0]
    trade, (profession, label, category, said) = exercise.trade, exercise.trade.cells.split("|")
    family, given = (
        "".join(sign for sign in plain(name).lower() if "a" <= sign <= "z") or "x"
        for name in (exercise.family, exercise.given)
    )
    skill = exercise.skills[0].split("|", 2)[2] if exercise.skills else "|"
    address = f"{given}.{family}.{person.index}@{'medecin' if trade.profession == '10' else 'pro'}.mssante.example"
    return (
        f"PER|{address}|{person.ids}||||{trade.practice.partition('|')[0]}|{exercise.family}|{exercise.given}"
        f"|{category}|{said}|{profession}|{label}|{skill}|{'O' if person.index % 2 else 'N'}{'|' * 13}"
    )


def organisation_lines(world: World) -> list[str]:
    """Mailboxes of shared structures, about two in three; a few addresses serve two structures."""
    lines: list[str] = []
    for number, cells in enumerate(world.kept):
        if number % 3 and cells[NATIONAL_ID]:
            kind, bare = cells[NATIONAL_ID][0], cells[NATIONAL_ID][1:]
            serves = number - 1 if number % TWICE == 2 else number
            place = "|".join(cells[position] for position in POSTAL)
            lines.append(f"ORG|{serves}@structure.mssante.example||||{kind}|{bare}{'|' * 11}O|{place}||")
    return lines


class Printer:
    """Text of a chunk on one day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.renamed: list[tuple[str, str]] = []
        for row in rows(OURS / "renamed.csv"):
            self.renamed.append((f"|{row['code']}|{row['from']}", f"|{row['code']}|{row['to']}"))

    def print(
        self, present: list[Person], away: list[Person], where: tuple[int, int]
    ) -> tuple[dict[str, bytes], Tally]:
        """The lines of each file, LF included. ``where``: day and chunk."""
        day, chunk = where
        places = self.world.places[day - 1]
        tally = Tally()
        lines: dict[str, list[str]] = {name: [] for name in FILES}
        for person in present:
            lines[ACTIVITIES] += activity_lines(person, places)
            self._count(person, tally)
            if person.has_mailbox:
                lines[MAILBOXES].append(mailbox_line(person))
        for person in (*present, *away):
            lines[SKILLS] += skill_lines(person)
            lines[DIPLOMAS] += diploma_lines(person)
        tally.counts["skill_lines_of_absent"] = sum(len(skill_lines(person)) for person in away)
        self._disturb(self.world.options.rng("order", day, chunk), lines[ACTIVITIES], day, tally)
        for name in FILES[1:]:
            tally.counts[f"{name}_lines"] = len(lines[name])
        return {name: self._text(held, day) for name, held in lines.items()}, tally

    def _text(self, lines: list[str], day: int) -> bytes:
        text = "\n".join([*lines, ""])
        if day > 1:
            for before, after in self.renamed:
                text = text.replace(before, after)
        return text.encode()

    @staticmethod
    def _count(person: Person, tally: Tally) -> None:
        counts = tally.counts
        counts["persons"] += 1
        counts["exercises"] += len(person.exercises)
        counts["situations"] += len(person.activities)
        counts["without_activity"] += not person.activities
        for activity in person.activities:
            if isinstance(activity.place, str):
                counts["structures_of_one"] += 1
            else:
                tally.shared.add(activity.place)
        for profession in {exercise.trade.cells.partition("|")[0] for exercise in person.exercises}:
            tally.professions[profession] += 1

    def _disturb(self, rng: Random, lines: list[str], day: int, tally: Tally) -> None:
        """Duplicates, malformed lines, and another order: in place."""
        hostile = self.world.options.hostile
        distinct = len(lines)
        doubled = [lines[int(rng.random() * distinct)] for _ in range(int(distinct * DUPLICATES[hostile]))]
        broken: list[str] = []
        if hostile:
            for _ in range(int(distinct * MALFORMED / 1.25)):  # one kind in four makes two lines
                broken += oddities.malformed(lines[int(rng.random() * distinct)], int(rng.random() * 4))
        lines += doubled
        lines += broken
        if hostile and day > 1:
            rng.shuffle(lines)
        else:
            for _ in range(len(lines) // ASTRAY):
                here, there = int(rng.random() * len(lines)), int(rng.random() * len(lines))
                lines[here], lines[there] = lines[there], lines[here]
            for here in range(distinct, len(lines)):
                there = int(rng.random() * len(lines))
                lines[here], lines[there] = lines[there], lines[here]
        tally.counts.update(
            lines=len(lines), rejected=len(broken), duplicates=len(doubled), rows=len(lines) - len(broken)
        )
