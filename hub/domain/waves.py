"""Who is asked, in which order, for how long (workflow.md 4.2, sas.md 17.8). Pure: places, people and instants are given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from hub.domain.places import Precision


class Circle(StrEnum):
    """Which people a wave asks."""

    USUAL = "usual"  # the patient's usual professionals of the wanted profession
    NEAR = "near"  # volunteers nearby, members of the CPTS first
    NETWORK = "network"  # the whole CPTS, and neighbours it agreed with


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave: ``share`` of the whole response delay, at most ``width`` persons."""

    number: int
    circle: Circle
    share: Fraction
    width: int


# (Choice) 1/6, 5/12 and 5/12 of the delay: 20, 50 and 50 minutes of the two hours of a SAS handoff.
DEFAULT: tuple[Wave, ...] = (
    Wave(number=1, circle=Circle.USUAL, share=Fraction(1, 6), width=10),
    Wave(number=2, circle=Circle.NEAR, share=Fraction(5, 12), width=30),
    Wave(number=3, circle=Circle.NETWORK, share=Fraction(5, 12), width=200),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who could take the request. ``metres`` from the place of care, ``None`` when a point is not known; ``precision``:
    of the worse of both points.
    """

    role: str
    account: str
    network: str | None
    metres: float | None = None
    precision: Precision = Precision.ADDRESS
    is_usual: bool = False
    is_usual_gp: bool = False

    @property
    def kilometres(self) -> int | None:
        """Whole kilometres, as an outline shows them."""
        return None if self.metres is None else round(self.metres / 1000)


def by_number(number: int, waves: Sequence[Wave] = DEFAULT) -> Wave | None:
    """The wave of that number; ``None`` after the last one."""
    return next((wave for wave in waves if wave.number == number), None)


def ends_at(number: int, issued: datetime, due: datetime, waves: Sequence[Wave] = DEFAULT) -> datetime:
    """When a wave ends: shares add up from the issue; a shorter delay shortens all waves in proportion."""
    spent = sum((wave.share for wave in waves if wave.number <= number), Fraction(0))
    whole = due - issued
    seconds = int(whole.total_seconds() * min(spent, Fraction(1)))
    return min(issued + timedelta(seconds=seconds), due)


REMINDERS: tuple[int, ...] = (50, 75, 90)  # percent of the response delay (sas.md 17.8)


def reminder_at(percent: int, issued: datetime, due: datetime) -> datetime:
    """When that part of the response delay has passed."""
    return issued + (due - issued) * percent / 100


def reminder_passed(issued: datetime, due: datetime, now: datetime) -> int:
    """The last of :data:`REMINDERS` whose hour has come, in percent; 0 before the first one."""
    return max((one for one in REMINDERS if reminder_at(one, issued, due) <= now), default=0)


def in_order(
    candidates: Sequence[Candidate], wave: Wave, network: str, partners: Collection[str] = ()
) -> list[Candidate]:
    """Those a wave asks, best first: the usual GP, usual professionals, members of the CPTS, then the nearest.

    A network wave keeps members of the CPTS and of the ``partners`` that agreed to be asked.
    """
    served = {network, *partners}
    chosen = [person for person in candidates if _belongs(person, wave, served)]

    def rank(person: Candidate) -> tuple[bool, bool, bool, float, str]:
        far = float("inf") if person.metres is None else person.metres
        return (not person.is_usual_gp, not person.is_usual, person.network != network, far, person.role)

    return sorted(chosen, key=rank)[: wave.width]


def _belongs(person: Candidate, wave: Wave, served: Collection[str]) -> bool:
    if wave.circle is Circle.USUAL:
        return person.is_usual
    if wave.circle is Circle.NETWORK:
        return person.is_usual or person.network in served
    return True
