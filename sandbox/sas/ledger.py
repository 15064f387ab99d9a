"""What the SAS knows of each case it handed over: what was sent, what was answered, what came back."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.sas.bundle import case_id, patient_id
from sandbox.sas.wish import Wish

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One version of the Task as notified; `repeats` counts the copies that came after the first."""

    at: datetime
    task: str
    version: int
    status: str
    business: str
    digest: str
    resource: Resource
    repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`bundle` is what was sent last; `locations` are the hub's, by resource type, empty until it has accepted."""

    wish: Wish
    bundle: Resource
    sent_at: datetime
    status: int = 0
    locations: dict[str, str] | None = None
    withdrawn: bool = False
    states: tuple[State, ...] = ()

    @property
    def id(self) -> str:
        return case_id(self.wish.dossier)

    @property
    def patient_id(self) -> str:
        return patient_id(self.wish.dossier, self.wish.ordinal)

    def target(self, type_name: str) -> str:
        """`Task/t417` for the location `Task/t417/_history/1`; empty when the hub has not said."""
        return "/".join((self.locations or {}).get(type_name, "").split("/")[:2])

    def last(self, task: str) -> State | None:
        return next((state for state in reversed(self.states) if state.task == task), None)

    def seen(self, task: str, version: int) -> State | None:
        return next((state for state in self.states if (state.task, state.version) == (task, version)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One appointment received from the hub, with every version of it, oldest first."""

    id: str
    system: str
    value: str
    versions: tuple[Resource, ...]


class Ledger:
    """In memory: cases by patient identifier of the file, appointments by identifier."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.appointments: dict[tuple[str, str], Appointment] = {}
        self._sequence = 0

    def clear(self) -> None:
        self.cases.clear()
        self.appointments.clear()

    def new_number(self, now: datetime) -> str:
        """`DRFR15` + department on 3 + year on 2 + day of the year on 3 + 5 digits: the second of the day, or later."""
        second = now.hour * 3600 + now.minute * 60 + now.second
        self._sequence = max(second, self._sequence + 1) % 100_000
        return f"DRFR15950{now:%y%j}{self._sequence:05d}"

    def keep(self, case: Case) -> Case:
        self.cases[case.patient_id] = case
        return case

    def named(self, dossier: str) -> list[Case]:
        """Cases of a file, by its number or its full identifier."""
        return [case for case in self.cases.values() if dossier in (case.wish.dossier, case.id)]

    def receive(self, case: Case, state: State) -> Case:
        """Keep a new version, or count one more copy of a known one."""
        known = case.seen(state.task, state.version)
        if known is None:
            return self.keep(replace(case, states=(*case.states, state)))
        again = replace(known, repeats=known.repeats + 1)
        return self.keep(replace(case, states=tuple(again if one is known else one for one in case.states)))
