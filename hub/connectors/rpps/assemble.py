"""From rows to normalised lines, each fact once (rpps.md 5). Pure, but for what it remembers of the rows already seen.

A person has exercises (profession and category, with the names used there), an exercise situations (a structure, a mode, a
role). What disagrees between two rows makes two lines: the result does not depend on the order of the rows. Lines are those of
COPY in text form with ``|`` between columns, in the order of ``hub.storage.tables.directory``.

This is the hot loop of a load: two million rows go through :meth:`Assembly.take`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.connectors.rpps import mapping
from hub.connectors.rpps.mapping import PLACE, Cells, Labels
from hub.domain import places
from hub.domain.identity import profession_key
from hub.domain.search_key import folded

TABLES = ("directory_person", "directory_exercise", "directory_situation", "directory_structure", "directory_skill")
LABELS = "directory_label"
DIGEST = (1 << 64) - 1
ID_TYPE, IDENTIFIER, NATIONAL_ID = PLACE["id_type"], PLACE["identifier"], PLACE["national_id"]
FAMILY, GIVEN, PROFESSION, CATEGORY = (PLACE[name] for name in ("family", "given", "profession_code", "category_code"))
SKILL_TYPE, SKILL, AUTHORITY = PLACE["skill_type_code"], PLACE["skill_code"], PLACE["authority"]
COMMUNE, POSTCODE = PLACE["commune_code"], PLACE["postcode"]


@dataclass(slots=True)
class Numbers:
    """Numbers given to distinct contents under a key. Most keys have one content: its number and digest are one integer."""

    first: dict[str, int] = field(default_factory=dict)
    others: dict[tuple[str, int], int] = field(default_factory=dict)
    last: int = 0

    def known(self, key: str, digest: int) -> int:
        """The number of a content, 0 when it is new."""
        held = self.first.get(key, 0)
        if held and held & DIGEST == digest:
            return held >> 64
        return self.others.get((key, digest), 0) if held else 0

    def add(self, key: str, digest: int) -> int:
        """The number of a new content."""
        self.last += 1
        if key in self.first:
            self.others[key, digest] = self.last
        else:
            self.first[key] = self.last << 64 | digest
        return self.last


@dataclass(slots=True)
class Assembly:
    """What was seen so far, and the lines not yet taken away. ``counts``: persons, exercises, situations, structures, skills,
    duplicates, wrong-keys, identifiers-disagree."""

    lines: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in TABLES})
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: set[tuple[str, ...]] = field(default_factory=set)  # codes and labels already looked at, side by side
    counts: Counter[str] = field(default_factory=Counter)
    exercises: Numbers = field(default_factory=Numbers)
    structures: Numbers = field(default_factory=Numbers)
    situations: set[int] = field(default_factory=set)
    skills: set[str] = field(default_factory=set)
    present: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, rows: Iterable[Cells]) -> int:
        """Rows of Personne_activite; how many there were."""
        count = 0
        for count, cells in enumerate(rows, 1):  # noqa: B007 - the last count is the answer
            self._take(cells)
        return count

    def _take(self, cells: Cells) -> None:
        place = "|".join(cells[mapping.STRUCTURE_CELLS])
        activity = "|".join(mapping.activity_columns(cells))
        authority = cells[AUTHORITY]
        has_activity = place != mapping.NO_STRUCTURE or activity != mapping.NO_ACTIVITY
        who = "|".join(cells[mapping.EXERCISE_CELLS])
        if not has_activity:
            who = f"{who}|{authority}"
        digest = hash(who) & DIGEST
        is_new = False
        number = self.exercises.known(cells[NATIONAL_ID], digest)
        if not number:
            number, is_new = self._exercise(cells, digest, "" if has_activity else authority), True
        if has_activity:
            where = self._structure(cells, place) if place != mapping.NO_STRUCTURE else 0
            line = f"{where}|{activity}|{authority}"
            seen = number << 64 | hash(line) & DIGEST
            if seen not in self.situations:
                self.situations.add(seen)
                self._situation(cells, f"{number}|{line}")
                is_new = True
            self._note(cells, mapping.ACTIVITY_LABELS)
        if cells[SKILL]:
            is_new = self._skill(cells) or is_new
        if not is_new:
            self.counts["duplicates"] += 1

    def _exercise(self, cells: Cells, digest: int, authority: str) -> int:
        national_id, id_type, identifier = cells[NATIONAL_ID], cells[ID_TYPE], cells[IDENTIFIER]
        if national_id not in self.exercises.first:
            self.lines["directory_person"].append(f"{national_id}|{id_type}|{identifier}")
            if national_id != id_type + identifier:
                self.counts["identifiers-disagree"] += 1
            if id_type == "8" and not mapping.has_valid_key(identifier):
                self.counts["wrong-keys"] += 1
        number = self.exercises.add(national_id, digest)
        family_key, family = folded(cells[FAMILY])
        given_key, given = folded(cells[GIVEN])
        self.lines["directory_exercise"].append(
            f"{number}|{national_id}|{'|'.join(mapping.exercise_columns(cells))}|{authority}"
            f"|{family_key}|{given_key}|{family} {given}"
        )
        self._note(cells, mapping.EXERCISE_LABELS)
        return number

    def _structure(self, cells: Cells, place: str) -> int:
        name, digest = mapping.structure_key(cells), hash(place) & DIGEST
        number = self.structures.known(name, digest)
        if not number:
            number = self.structures.add(name, digest)
            self.lines["directory_structure"].append(f"{number}|{name}|{'|'.join(mapping.structure_columns(cells))}")
            self._note(cells, mapping.STRUCTURE_LABELS)
        return number

    def _situation(self, cells: Cells, line: str) -> None:
        commune = cells[COMMUNE], cells[POSTCODE]
        place = self.present.get(commune)
        if place is None:
            place = self.present[commune] = _place(*commune)
        profession = profession_key(cells[PROFESSION], cells[CATEGORY])
        self.lines["directory_situation"].append(
            f"{line}|{profession}|{place}|{folded(cells[FAMILY])[0]}|{folded(cells[GIVEN])[0]}"
        )

    def _skill(self, cells: Cells) -> bool:
        self._note(cells, mapping.SKILL_LABELS)
        line = "|".join((cells[NATIONAL_ID], cells[PROFESSION], cells[CATEGORY], cells[SKILL_TYPE], cells[SKILL]))
        if line in self.skills:
            return False
        self.skills.add(line)
        self.lines["directory_skill"].append(line)
        return True

    def take_skills(self, rows: Iterable[Cells]) -> int:
        """Rows of SavoirFaire, in its own columns: one person, exercise and skill each; how many there were."""
        count = 0
        for count, cells in enumerate(rows, 1):  # noqa: B007 - the last count is the answer
            wide = mapping.widened(cells)
            if wide[SKILL]:
                self._skill(wide)
        return count

    def _note(self, cells: Cells, subjects: Labels) -> None:
        """Keep the labels of codes; of two labels of one code, the first in alphabetical order."""
        words = subjects.cells(cells)
        if words in self.noted:
            return
        self.noted.add(words)
        for subject, code, label in zip(subjects.names, words[::2], words[1::2], strict=True):
            if code and label:
                self.labels[subject, code] = min(label, self.labels.get((subject, code), label))

    def drain(self) -> dict[str, str]:
        """The lines made since the last time, by table, as COPY reads them; and count them."""
        taken = {}
        for table, lines in self.lines.items():
            if lines:
                self.counts[table.removeprefix("directory_") + "s"] += len(lines)
                taken[table] = _copied(lines)
                lines.clear()
        return taken

    def drain_labels(self) -> dict[str, str]:
        """The lines of the labels, once everything is read."""
        return {
            LABELS: _copied([f"{subject}|{code}|{label}" for (subject, code), label in sorted(self.labels.items())])
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
