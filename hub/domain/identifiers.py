"""National identifiers of people and structures: forms, check digits, systems and OIDs (rpps.md 9, fhir.md 10.3 and 10.4).

``parse`` checks what a person typed and raises ``Refusal("bad-identifier")``; data that come from elsewhere keep a wrong key
(a failed check is information there), so they are built directly or looked at with ``check``. Spaces, dots, dashes and
underscores that people write between digits are dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from hub.domain.check_digits import luhn, require, tidy
from hub.domain.structure_ids import Finess, Siren, Siret, StructureId

__all__ = [
    "Adeli",
    "Finess",
    "Ins",
    "NationalId",
    "Nir",
    "Rpps",
    "Siren",
    "Siret",
    "StructureId",
    "is_usable",
]

INS_OIDS = {
    "1.2.250.1.213.1.4.8": "INS-NIR",
    "1.2.250.1.213.1.4.9": "INS-NIA",
    "1.2.250.1.213.1.4.10": "INS-NIR-TEST",
    "1.2.250.1.213.1.4.11": "INS-NIR-DEMO",
}
REAL_OIDS = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})
OLD_INS_OID = "1.2.250.1.213.1.4.2"  # INS-C, computed, 22 digits: kept, never matched on


@dataclass(frozen=True, slots=True)
class Rpps:
    """Number of a professional: 11 digits, Luhn."""

    number: str

    system: ClassVar[str] = "https://rpps.esante.gouv.fr"
    form: ClassVar[str] = "11 chiffres"

    @staticmethod
    def check(text: str) -> bool:
        """Whether form and key are right."""
        return re.fullmatch(r"[0-9]{11}", text) is not None and luhn(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed; the national form with its leading 8 is taken too."""
        number = tidy(text)
        if len(number) == 12 and number.startswith("8"):
            number = number[1:]
        require(cls.check(number), text, "RPPS", cls.form)
        return cls(number)

    @property
    def national(self) -> NationalId:
        """The prefixed form."""
        return NationalId("8", self.number)

    def __str__(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class Adeli:
    """Residual number of a professional: department, profession, rank, key; 9 characters, Luhn when all are digits."""

    number: str

    form: ClassVar[str] = "9 caractères"

    @staticmethod
    def check(text: str) -> bool:
        """Whether form and key are right."""
        return re.fullmatch(r"[0-9][0-9A-Z][0-9]{7}", text) is not None and (not text.isdigit() or luhn(text))

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed."""
        number = tidy(text)
        require(cls.check(number), text, "ADELI", cls.form)
        return cls(number)

    def __str__(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class NationalId:
    """IDNPS, the national identifier of a person who works in health care: a prefix of TRE_G08, then a number.

    Prefixes 1, 3, 4, 5, 6 carry the number of a structure, a slash, and an internal number.
    """

    prefix: str
    number: str

    system: ClassVar[str] = "urn:oid:1.2.250.1.71.4.2.1"
    oid: ClassVar[str] = "1.2.250.1.71.4.2.1"
    form: ClassVar[str] = "8 puis 11 chiffres, ou 0 puis 9 caractères"

    @staticmethod
    def check(text: str) -> bool:
        """Whether prefix, form and (for RPPS and ADELI) key are right."""
        prefix, number = text[:1], text[1:]
        if prefix == "8":
            return Rpps.check(number)
        if prefix == "0":
            return Adeli.check(number)
        return prefix in {"1", "3", "4", "5", "6"} and re.fullmatch(r"[0-9A-Z]{9,14}/[^/\s]+", number) is not None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed; a bare RPPS or ADELI number gets its prefix."""
        value = text.strip() if "/" in text else tidy(text)
        if Rpps.check(value):
            value = f"8{value}"
        elif Adeli.check(value):
            value = f"0{value}"
        require(cls.check(value), text, "national de professionnel", cls.form)
        return cls(value[0], value[1:])

    @property
    def rpps(self) -> Rpps | None:
        """The RPPS number inside, if that is what it carries."""
        return Rpps(self.number) if self.prefix == "8" else None

    def __str__(self) -> str:
        return self.prefix + self.number


@dataclass(frozen=True, slots=True)
class Nir:
    """Number of a person in the national register: 13 characters and a key of 2 (a NIA has the same form)."""

    number: str
    key: str

    form: ClassVar[str] = "13 caractères et une clé de 2 chiffres"

    @staticmethod
    def key_of(number: str) -> str:
        """The key of 13 characters: 97 less the number modulo 97, with 2A read as 19 and 2B as 18 (places 6 and 7)."""
        department = {"2A": "19", "2B": "18"}.get(number[5:7], number[5:7])
        return f"{97 - int(number[:5] + department + number[7:]) % 97:02}"

    @classmethod
    def check(cls, text: str) -> bool:
        """Whether form and key are right. The month is not looked at: incomplete dates have values of their own."""
        if re.fullmatch(r"[1-478][0-9]{4}([0-9]{2}|2[AB])[0-9]{8}", text) is None:
            return False
        return cls.key_of(text[:13]) == text[13:]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what a person typed, 15 characters."""
        value = tidy(text)
        require(cls.check(value), text, "de sécurité sociale", cls.form)
        return cls(value[:13], value[13:])

    def __str__(self) -> str:
        return self.number + self.key


@dataclass(frozen=True, slots=True)
class Ins:
    """National health identity: 15 characters and an OID. Two are the same when both are."""

    matricule: str
    oid: str

    form: ClassVar[str] = Nir.form

    @staticmethod
    def check(text: str, oid: str = "") -> bool:
        """Whether form and key of the 15 characters are right, and the OID, when given, is one of an INS."""
        return Nir.check(text) and (not oid or oid.removeprefix("urn:oid:") in INS_OIDS)

    @classmethod
    def parse(cls, text: str, oid: str) -> Self:
        """From 15 characters and the OID, with or without ``urn:oid:``."""
        value, bare = tidy(text), oid.removeprefix("urn:oid:")
        require(cls.check(value) and bare in INS_OIDS, text, "INS", cls.form)
        return cls(value, bare)

    @property
    def system(self) -> str:
        """FHIR identifier system."""
        return f"urn:oid:{self.oid}"

    @property
    def type(self) -> str:
        """Code of the identifier type (FR Core), ``""`` for an OID that is no INS."""
        return INS_OIDS.get(self.oid, "")

    def __str__(self) -> str:
        return self.matricule


def is_usable(oid: str, production: bool) -> bool:
    """Whether an INS of that OID counts here: the real ones in production only, those of test elsewhere only."""
    bare = oid.removeprefix("urn:oid:")
    return bare in INS_OIDS and (bare in REAL_OIDS) is production
