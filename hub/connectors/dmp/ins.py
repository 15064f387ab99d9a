"""The national identity number of a patient (INS) as the DMP takes it: authorities, key, written form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MATRICULE = re.compile(r"[0-9]{5}(?:[0-9]{2}|2A|2B)[0-9]{8}")  # 13 characters and the key; Corsica: 2A, 2B


@dataclass(frozen=True, slots=True)
class Authority:
    """Who assigned a matricule. Test authorities are refused by the production DMP."""

    name: str
    is_production: bool


AUTHORITIES: Mapping[str, Authority] = {
    "1.2.250.1.213.1.4.8": Authority("NIR", True),
    "1.2.250.1.213.1.4.9": Authority("NIA", True),
    "1.2.250.1.213.1.4.10": Authority("NIR de test", False),
    "1.2.250.1.213.1.4.11": Authority("NIR de démonstration", False),
}


def key_is_right(matricule: str) -> bool:
    """Whether the last two digits are 97 - (number mod 97), with 2A counted as 19 and 2B as 18."""
    if not MATRICULE.fullmatch(matricule):
        return False
    number = int(matricule[:13].replace("2A", "19").replace("2B", "18"))
    return int(matricule[13:]) == 97 - number % 97


def cx(matricule: str, oid: str) -> str:
    """The INS as an HL7v2 CX string, without the date of qualification (queries must not carry it)."""
    return f"{matricule}^^^&{oid}&ISO^NH"
