"""A patient as we decide about one: identity and how sure it is (fhir.md 10.2, 10.3), where to call, where to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Reliability(StrEnum):
    """The four statuses of the national identity rules: checked against a document, fetched from INSi."""

    PROVISIONAL = "PROV"
    FETCHED = "RECUP"
    CHECKED = "VALI"
    QUALIFIED = "QUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; ``commune`` is the INSEE code."""

    lines: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    commune: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """``ins`` is a pair (matricule of 15 characters, OID); it counts only when ``reliability`` is QUALIFIED (fhir.md 10.3).

    ``given`` holds all birth given names in civil order, separated by spaces; ``first_given`` the first one alone.
    ``sex`` is FHIR's word: male, female, other, unknown. ``birth_place`` is the code of a commune or country.
    """

    id: str
    birth_name: str
    first_given: str
    sex: str
    birth_date: date | None
    given: str = ""
    used_name: str = ""
    used_given: str = ""
    birth_place: str = ""
    ins: tuple[str, str] | None = None
    reliability: Reliability = Reliability.PROVISIONAL
    phone: str = ""
    email: str = ""
    address: Address = Address()
    usual_gp: str | None = None  # national identifier of the médecin traitant, with its prefix

    @property
    def is_qualified(self) -> bool:
        """Whether the INS may leave the hub and a note may go to the DMP."""
        return self.ins is not None and self.reliability is Reliability.QUALIFIED

    @property
    def family(self) -> str:
        """The name people use: the used name when there is one."""
        return self.used_name or self.birth_name

    @property
    def first_name(self) -> str:
        """The first name people use."""
        return self.used_given or self.first_given
