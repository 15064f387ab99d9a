"""From rows to what is new in them, each fact once (rpps.md 5 and 10.3). Pure, but for what it remembers of the rows already seen.

A row that counts like one of the load before, or like one already met today, says nothing: neither order, nor duplicates, nor
labels matter. A row that nobody knew becomes a situation, and brings its exercise and its structure. Everything is numbered by a
digest of its content (XXH3, 60 bits, the same on every machine and every day). Lines are those of COPY in text form with ``|``
between columns, in the order of ``COLUMNS``.

This is the hot loop of a load: two million rows go through :func:`Facts.take`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from xxhash import xxh3_64_intdigest

from hub.connectors.rpps import mapping
from hub.connectors.rpps.mapping import ACTIVITY, DIPLOMA, MAILBOX, SKILL, Cells, Labels
from hub.connectors.rpps.memory import SIXTY_BITS, Memory, number
from hub.connectors.rpps.names import Keys
from hub.domain import places
from hub.domain.identity import profession_key

EXERCISE = (*mapping.WHO[:1], *mapping.WHO[3:])
_SKILL = ("national_id", "profession_code", "category_code", "skill_type_code", "skill_code")
_DIPLOMA = ("national_id", "diploma_type_code", "diploma_code", "authorization_type_code", "authorization_field_code")
_MAILBOX = (
    *("address", "kind", "national_id", "structure_id_type", "structure_national_id", "service", "profession_code"),
    *("category_code", "skill_code", "paperless", "structure_name", "postcode"),
)
# What the lines of each table hold, in their order.
COLUMNS = {
    "directory_person": ("national_id", "id_type", "identifier", "since", "load"),
    "directory_exercise": ("id", *EXERCISE, "is_idle", "profession", "family_key", "given_key", "load"),
    "directory_name": ("part", "place", "word", "key", "sound"),
    "directory_structure": ("id", "key", *mapping.WHERE, "place", "load"),
    "directory_situation": (
        *("id", "exercise", "structure", *mapping.WHAT, "is_idle", "profession", "place"),
        *("family_key", "given_key", "load"),
    ),
    "directory_skill": ("id", *_SKILL, "load"),
    "directory_diploma": ("id", *_DIPLOMA, "load"),
    "directory_mailbox": ("id", *_MAILBOX, "load"),
    "directory_label": ("subject", "code", "label"),
}
_PLACE = {key: place for place, key in enumerate(ACTIVITY)}
NATIONAL_ID, ID_TYPE, IDENTIFIER = _PLACE["national_id"], _PLACE["id_type"], _PLACE["identifier"]
COMMUNE, COMMUNE_NAME, POSTCODE = _PLACE["commune_code"], _PLACE["commune"], _PLACE["postcode"]
FAMILY, GIVEN, PROFESSION, CATEGORY = (_PLACE[key] for key in ("family", "given", "profession_code", "category_code"))
# The name of a commune that has its code is a label (rpps.md 10.3).
counted_where = mapping.columns(ACTIVITY, *(key for key in mapping.WHERE if key != "commune"))
NOWHERE = "|" * (len(mapping.WHERE) - 2)


def row_number(cells: Cells) -> int:
    """The number of a row of Personne_activite, by what counts in it."""
    place = "|".join(counted_where(cells)) + ("" if cells[COMMUNE] else cells[COMMUNE_NAME])
    return number(f"{'|'.join(mapping.who(cells))}\n{place}\n{'|'.join(mapping.what(cells))}")


@dataclass(slots=True, kw_only=True)
class Facts:
    """What was met so far, and the lines not yet taken away.

    ``memory``: of the load before, for the list being read. ``counts``: new rows of each table, ``wrong-keys``,
    ``identifiers-disagree``.
    """

    load: int
    day: date
    memory: Memory = field(default_factory=Memory)
    fresh: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in COLUMNS})
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)  # codes and labels already looked at, joined: quicker than tuples
    exercises: set[int] = field(default_factory=set)
    idle: set[int] = field(default_factory=set)  # exercises of which no activity was met yet
    awake: list[int] = field(default_factory=list)  # those written as idle of which an activity was met later
    structures: set[int] = field(default_factory=set)
    persons: set[int] = field(default_factory=set)
    present: dict[str, str] = field(default_factory=dict)  # commune of today, by what a row says of it
    families: Keys = field(default_factory=lambda: Keys("family"))
    givens: Keys = field(default_factory=lambda: Keys("given"))
    dated: str = field(init=False)  # end of the line of a person

    def __post_init__(self) -> None:
        self.begin(self.memory)

    def taker(self, table: str) -> Callable[[Iterable[Cells]], int]:
        """What takes the rows of the list that fills ``table``, in our order of its columns, and says how many there were."""
        if table == "directory_situation":
            return self.take
        content, labels = LISTS[table]
        return lambda rows: self._take_list(table, rows, content, labels)

    def begin(self, memory: Memory) -> None:
        """Start another list."""
        self.memory, self.fresh, self.dated = memory, set(), f"|{self.day}|{self.load}"

    def let_go(self) -> None:
        """Personne_activite has been read: forget who and what was met, a third of a gigabyte in a first load. The keys of names
        stay for :meth:`settle`."""
        for met in (self.fresh, self.exercises, self.idle, self.structures, self.persons, self.families, self.givens):
            met.clear()

    def settle(self) -> None:
        """Make the lines of the names met: a part of a first load that waits until the database is busy with indexes."""
        for names in (self.families, self.givens):
            self.lines["directory_name"] += names.lines()

    def take(self, rows: Iterable[Cells]) -> int:
        """Rows of Personne_activite; how many there were."""
        who, where, what, digest = mapping.who, counted_where, mapping.what, xxh3_64_intdigest
        memory, fresh, read = self.memory, self.fresh, 0
        known, lines, numbers = memory.known, memory.digests.append, memory.rows.append
        for cells in rows:
            read += 1
            person, place, work = "|".join(who(cells)), "|".join(where(cells)), "|".join(what(cells))
            if not cells[COMMUNE]:
                place += cells[COMMUNE_NAME]
            row = digest(f"{person}\n{place}\n{work}".encode()) & SIXTY_BITS
            lines(memory.line)
            numbers(row)
            if row not in known and row not in fresh:
                fresh.add(row)
                self._new(cells, row, person, place, work)
                continue
            for labels in (mapping.EXERCISE_LABELS, mapping.STRUCTURE_LABELS, mapping.ACTIVITY_LABELS):
                if (words := "|".join(labels.cells(cells))) not in self.noted:
                    self._note(words, labels)  # the same row in other words
        return read

    def _new(self, cells: Cells, row: int, person: str, place: str, work: str) -> None:
        """A row that neither the load before nor today had yet."""
        exercise, structure = xxh3_64_intdigest(person.encode()) & SIXTY_BITS, 0
        profession = profession_key(cells[PROFESSION], cells[CATEGORY])
        keys = f"|{self.families[cells[FAMILY]]}|{self.givens[cells[GIVEN]]}|{self.load}"
        commune = cells[COMMUNE] or f"post {cells[POSTCODE]}"
        where = self.present.get(commune)
        if where is None:
            where = self.present[commune] = _place(cells[COMMUNE], cells[POSTCODE])
        if place != NOWHERE:
            structure = xxh3_64_intdigest(place.encode()) & SIXTY_BITS
            if structure not in self.structures:
                self._structure(cells, structure, where)
        is_idle = not structure and work.startswith(mapping.NO_ACTIVITY)
        if exercise not in self.exercises:
            self._exercise(cells, exercise, person, is_idle=is_idle)
            self.lines["directory_exercise"][-1] += f"|{'t' if is_idle else 'f'}|{profession}{keys}"
        elif not is_idle and exercise in self.idle:
            self.idle.discard(exercise)
            self.awake.append(exercise)
        self.lines["directory_situation"].append(
            f"{row}|{exercise}|{structure}|{work}|{'t' if is_idle else 'f'}|{profession}|{where}{keys}"
        )
        if (words := "|".join(_work_labels(cells))) not in self.noted:
            self._note(words, mapping.ACTIVITY_LABELS)

    def _exercise(self, cells: Cells, exercise: int, person: str, *, is_idle: bool) -> None:
        """Begin the line of an exercise: ``person`` is the identifier in three columns, then what else makes an exercise."""
        self.exercises.add(exercise)
        if is_idle:
            self.idle.add(exercise)
        national_id, id_type, identifier = cells[NATIONAL_ID], cells[ID_TYPE], cells[IDENTIFIER]
        met = hash(national_id)  # of this process: nothing keeps it
        if met not in self.persons:
            self.persons.add(met)
            self.lines["directory_person"].append(f"{national_id}|{id_type}|{identifier}{self.dated}")
            if national_id != id_type + identifier:
                self.counts["identifiers-disagree"] += 1
            if id_type == "8" and not mapping.has_valid_key(identifier):
                self.counts["wrong-keys"] += 1
        if (words := "|".join(_person_labels(cells))) not in self.noted:
            self._note(words, mapping.EXERCISE_LABELS)
        rest = person[len(national_id) + len(id_type) + len(identifier) + 2 :]
        self.lines["directory_exercise"].append(f"{exercise}|{national_id}{rest}")

    def _structure(self, cells: Cells, structure: int, where: str) -> None:
        self.structures.add(structure)
        content = mapping.where(cells)
        if (words := "|".join(_place_labels(cells))) not in self.noted:
            self._note(words, mapping.STRUCTURE_LABELS)
        self.lines["directory_structure"].append(
            f"{structure}|{mapping.structure_key(content)}|{'|'.join(content)}|{where}|{self.load}"
        )

    def _take_list(self, table: str, rows: Iterable[Cells], content: mapping.Getter, labels: Labels) -> int:
        """Rows of a list that fills one table, by what counts in them."""
        read, lines = 0, self.lines[table]
        is_mailbox = table == "directory_mailbox"
        for cells in rows:
            read += 1
            counted = content(cells)
            if is_mailbox:
                counted = (counted[0].strip().lower(), *counted[1:])
            line = "|".join(counted)
            row = number(line)
            self.memory.digests.append(self.memory.line)
            self.memory.rows.append(row)
            if (words := "|".join(labels.cells(cells))) not in self.noted:
                self._note(words, labels)
            if row not in self.memory.known and row not in self.fresh:
                self.fresh.add(row)
                lines.append(f"{row}|{line}|{self.load}")
        return read

    def _note(self, joined: str, subjects: Labels) -> None:
        """Keep the labels of codes; of two labels of one code, the first in alphabetical order."""
        self.noted.add(joined)
        words = joined.split("|")
        for subject, code, label in zip(subjects.names, words[::2], words[1::2], strict=True):
            if code and label:
                self.labels[subject, code] = min(label, self.labels.get((subject, code), label))

    def drain(self) -> dict[str, str]:
        """The lines made since the last time, by table, as COPY reads them; and count them."""
        taken = {}
        for table, lines in self.lines.items():
            if lines:
                self.counts[table] += len(lines)
                taken[table] = _copied(lines)
                lines.clear()
        return taken

    def drain_last(self) -> dict[str, str]:
        """What is known once everything is read: the labels."""
        self.lines["directory_label"] = [
            f"{subject}|{code}|{label}" for (subject, code), label in sorted(self.labels.items())
        ]
        return self.drain()


_person_labels, _place_labels, _work_labels = (
    one.cells for one in (mapping.EXERCISE_LABELS, mapping.STRUCTURE_LABELS, mapping.ACTIVITY_LABELS)
)
LISTS: dict[str, tuple[mapping.Getter, Labels]] = {
    "directory_skill": (mapping.columns(SKILL, *_SKILL), mapping.SKILL_LABELS),
    "directory_diploma": (mapping.columns(DIPLOMA, *_DIPLOMA), mapping.DIPLOMA_LABELS),
    "directory_mailbox": (mapping.columns(MAILBOX, *_MAILBOX), mapping.MAILBOX_LABELS),
}


def _copied(lines: list[str]) -> str:
    """Lines as COPY reads them: the backslash and the lone CR are the only signs it would not take as they are."""
    return "\n".join([*lines, ""]).replace("\\", "\\\\").replace("\r", "\\r")


def _place(commune: str, postcode: str) -> str:
    """The present commune, by its code; by the post code only without one, when it has but one commune (rpps.md 7)."""
    if commune:
        return places.normalise(commune)
    found = places.of_postcode(postcode)
    return found[0].code if len(found) == 1 else ""
