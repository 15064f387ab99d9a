"""The crowd: thousands of invented professionals, the same ones for the same seed."""

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from sandbox.rpps import tables
from sandbox.rpps.model import Activity, Exercise, Person, luhn_key
from sandbox.rpps.places import Town
from sandbox.rpps.tables import Site, Trade

GENERAL_PRACTICE = {"SM54": 20, "SM26": 15, "SM53": 13}  # three codes, one speciality
SPECIALITIES = (
    *("SM04", "SM73", "SM15", "SM19", "SM20", "SM24", "SM32", "SM34", "SM38", "SM40", "SM41", "SM42", "SM92"),
    *("SM02", "SM08", "SM14", "SM16", "SM18", "SM27", "SM30", "SM44", "SM74", "SM48", "SM59", "SM58", "SM25"),
)
OTHER_SKILLS = ("CAPA06", "CAPA04", "C05", "C33", "C36", "DEC10")
SECOND_ACTIVITY = {"10": 0.22, "60": 0.10, "70": 0.10, "93": 0.15, "71": 0.12}
TWO_PLACES = 0.06  # share of the other professions
WRONG_KEYS = 5  # RPPS numbers whose last digit is wrong, as in the national examples
SECTIONS = {"pharmacy": "A", "hospital": "H", "lab": "G"}  # of the pharmacists' register, by kind of site
OWN = "own"  # the kind of site of who works alone
MAIL = "medecin.mssante.example"
FIRST = "9971"  # opens the numbers of those who are there on the first day
WITHOUT_ORDER, INSURANCE = (
    "ARS",
    "CPAM",
)  # the agency registers professions that have no order, the insurance their activities


def crowd(
    seed: int,
    series: str = FIRST,
    persons: Mapping[tuple[str, str], int] | None = None,
    town: Callable[[random.Random], Town] = Town,
) -> dict[str, Person]:
    """Persons by national identifier. `series` opens their RPPS numbers; `persons` how many of each (profession,
    category), by default the whole department; `town` makes the places where they work."""
    maker = Maker(seed, series, town)
    made: dict[str, Person] = {}
    for trade in tables.trades():
        wanted = trade.persons if persons is None else persons.get((trade.profession, trade.category), 0)
        for _ in range(wanted):
            person = maker.person(trade)
            made[person.national_id] = person
    return made


class Maker:
    """Draws persons one after the other; numbers are never used twice."""

    def __init__(self, seed: int, series: str, town: Callable[[random.Random], Town] = Town) -> None:
        self.rng = random.Random(f"{seed}/{series}")
        self.town = town(self.rng)
        self._series = series
        self._made = 0
        self._mailboxes: set[str] = set()

    def person(self, trade: Trade) -> Person:
        self._made += 1
        digits = f"{self._series}{self._made:0{10 - len(self._series)}d}"
        key = int(luhn_key(digits))
        national_id = f"8{digits}{(key + 1) % 10 if self._made % 700 == 0 and self._made // 700 <= WRONG_KEYS else key}"
        title, given = self._first_name()
        family = self.rng.choice(tables.names("family"))
        exercise = self._exercise(trade, national_id, family, given)
        return Person(
            national_id=national_id,
            title="" if self.rng.random() < 0.01 else title,
            exercises=(exercise,),
            mailbox=self._mailbox(trade, national_id, family, given),
        )

    def _first_name(self) -> tuple[str, str]:
        title = self.rng.choice(("MME", "MME", "MME", "M", "M"))
        given = self.rng.choice(tables.names("female" if title == "MME" else "male"))
        style = self.rng.random()
        if style < 0.30:
            return title, given.upper()
        return title, _plain(given).upper() if style < 0.40 else given

    def _exercise(self, trade: Trade, national_id: str, family: str, given: str) -> Exercise:
        skills = tuple(self._skills(trade))
        named = f"DU DR {family}" if trade.practice_title else f"{family} {_plain(given).upper()}"
        places = 2 if self.rng.random() < SECOND_ACTIVITY.get(trade.profession, TWO_PLACES) else 1
        activities = [self._activity(trade, named, national_id, rank + 1) for rank in range(places)]
        title = "PR" if trade.practice_title and self.rng.random() < 0.01 else trade.practice_title
        return Exercise(
            family=family,
            given=given,
            profession=trade.profession,
            category=trade.category,
            practice_title=title,
            skills=skills,
            activities=tuple({one.structure.structure_id: one for one in activities if one is not None}.values()),
            row_per_skill=len(skills) > 1 and self.rng.random() < 0.3,
        )

    def _activity(self, trade: Trade, person: str, national_id: str, rank: int) -> Activity | None:
        kind = self.rng.choices(list(trade.sites), list(trade.sites.values()))[0]
        if kind == "none":
            return None
        site = tables.sites()[kind]
        structure = self.town.structure(site, person, national_id, rank)
        section = SECTIONS.get(kind, "") if trade.profession == "21" else ""
        mode, role = site.mode, site.role
        if kind == "pharmacy" and self.rng.random() < 0.6:
            section, mode, role = "D", "S", "FON-05"
        if trade.category == "E":
            mode, role = "S", "FON-48"
        order = trade.authority if trade.authority != WITHOUT_ORDER else INSURANCE
        return Activity(
            structure=structure,
            mode=mode,
            sector=site.sector,
            role="FON-17" if kind == "group" and self.rng.random() < 0.3 else role,
            section=section,
            authority=f"{trade.authority}/{order}/{registrar(site, order)}",
        )

    def _skills(self, trade: Trade) -> Iterator[str]:
        if (trade.profession, trade.category) == ("10", "C"):
            if self.rng.random() < 0.48:
                yield self.rng.choices(list(GENERAL_PRACTICE), list(GENERAL_PRACTICE.values()))[0]
            else:
                yield self.rng.choice(SPECIALITIES)
            if self.rng.random() < 0.10:
                yield self.rng.choice(OTHER_SKILLS)
        if trade.profession == "60" and self.rng.random() < 0.02:
            yield self.rng.choice(("SI01", "SI02", "SI03", "SI04"))
        if trade.profession == "40" and self.rng.random() < 0.06:
            yield self.rng.choice(("SCD01", "SCD02"))

    def _mailbox(self, trade: Trade, national_id: str, family: str, given: str) -> str:
        if trade.category == "E" or len(trade.profession) > 2 or self.rng.random() < 0.25:
            return ""
        name = f"{_plain(given)}.{_plain(family)}".lower().replace(" ", "").replace("'", "")
        if self._series != FIRST:  # those who come later bear a number, so that an address is never given twice
            return f"{name}.{national_id[5:]}@{MAIL}"
        rank = 1
        while (address := f"{name}{rank if rank > 1 else ''}@{MAIL}") in self._mailboxes:
            rank += 1
        self._mailboxes.add(address)
        return address


def registrar(site: Site, order: str) -> str:
    """Who registers a structure: one and the same for all who work there. `order` is who registers the activity."""
    if site.owner != "person":
        return site.owner
    return order if site.kind == OWN else INSURANCE


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
