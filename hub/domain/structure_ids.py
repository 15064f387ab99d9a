"""National identifiers of structures (rpps.md 5.2 and 9); see ``identifiers``, which offers them with those of people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from hub.domain.check_digits import luhn, require, tidy

LA_POSTE = "356000000"  # its SIRET obey a sum of digits instead of Luhn


@dataclass(frozen=True, slots=True)
class Finess:
    """Number of an establishment: department (2, Corsica 2A and 2B) and 7 digits; Luhn with A read as 1 and B as 2."""

    number: str

    system: ClassVar[str] = "https://finess.esante.gouv.fr"
    form: ClassVar[str] = "9 caractères, département en tête"

    @staticmethod
    def check(text: str) -> bool:
        """Whether form and key are right."""
        if re.fullmatch(r"([0-9]{2}|2[AB])[0-9]{7}", text) is None:
            return False
        return luhn(text.replace("A", "1").replace("B", "2"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed."""
        number = tidy(text)
        require(cls.check(number), text, "FINESS", cls.form)
        return cls(number)

    def __str__(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class Siren:
    """Number of a company: 9 digits, Luhn."""

    number: str

    system: ClassVar[str] = "https://sirene.fr"
    form: ClassVar[str] = "9 chiffres"

    @staticmethod
    def check(text: str) -> bool:
        """Whether form and key are right."""
        return re.fullmatch(r"[0-9]{9}", text) is not None and luhn(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed."""
        number = tidy(text)
        require(cls.check(number), text, "SIREN", cls.form)
        return cls(number)

    def __str__(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class Siret:
    """Number of a company's establishment: SIREN and 5 digits, Luhn; La Poste has a rule of its own."""

    number: str

    system: ClassVar[str] = "https://sirene.fr"
    form: ClassVar[str] = "14 chiffres"

    @staticmethod
    def check(text: str) -> bool:
        """Whether form and key are right."""
        if re.fullmatch(r"[0-9]{14}", text) is None:
            return False
        return luhn(text) or (text.startswith(LA_POSTE) and sum(map(int, text)) % 5 == 0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed."""
        number = tidy(text)
        require(cls.check(number), text, "SIRET", cls.form)
        return cls(number)

    @property
    def siren(self) -> Siren:
        """The company."""
        return Siren(self.number[:9])

    def __str__(self) -> str:
        return self.number


STRUCTURE_FORMS = {
    "0": re.compile(r"[0-9][0-9A-Z][0-9]{7,12}"),  # ADELI and rank
    "1": re.compile(r"[0-9A-Z]{9}"),  # FINESS
    "2": re.compile(r"[0-9]{9}"),  # SIREN
    "3": re.compile(r"[0-9]{14}"),  # SIRET
    "4": re.compile(r"[0-9]{11}[0-9]{3}"),  # RPPS and rank
}


@dataclass(frozen=True, slots=True)
class StructureId:
    """IDNST (Struct_IdNat), the national identifier of a structure: prefix of TRE_G07, then a number."""

    prefix: str
    number: str

    system: ClassVar[str] = "urn:oid:1.2.250.1.71.4.2.2"
    oid: ClassVar[str] = "1.2.250.1.71.4.2.2"
    form: ClassVar[str] = "1 puis FINESS, 3 puis SIRET, ou 4 puis RPPS et rang"

    @staticmethod
    def check(text: str) -> bool:
        """Whether prefix and form are right. The key inside is not looked at: invented structures have none."""
        shape = STRUCTURE_FORMS.get(text[:1])
        return shape is not None and shape.fullmatch(text[1:]) is not None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed, prefix included."""
        value = tidy(text)
        require(cls.check(value), text, "national de structure", cls.form)
        return cls(value[0], value[1:])

    @classmethod
    def of(cls, *, finess: str = "", siret: str = "", rank: str = "") -> Self | None:
        """The national form of what a structure has, in the order other services want: FINESS, SIRET, RPPS and rank."""
        for prefix, number in (("1", finess), ("3", siret), ("4", rank)):
            if number:
                return cls(prefix, number)
        return None

    def __str__(self) -> str:
        return self.prefix + self.number
