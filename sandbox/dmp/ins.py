"""INS: 13 characters and their key (97 minus the number modulo 97; Corsica 2A counts 19, 2B counts 18)."""

import re

PRODUCTION = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})
TEST = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})


def key_is_right(matricule: str) -> bool:
    if not re.fullmatch(r"\d{5}(\d\d|2A|2B)\d{8}", matricule):
        return False
    number = matricule[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(number) % 97 == int(matricule[13:])


def cx(matricule: str, authority: str) -> str:
    """The patient as HL7 v2 writes it in XDS metadata and in the VIHF."""
    return f"{matricule}^^^&{authority}&ISO^NH"


def from_cx(text: str) -> tuple[str, str] | None:
    """(matricule, authority) of an INS in CX form; the date of qualification, if any, is left aside."""
    found = re.fullmatch(r"([0-9AB]{15})\^\^\^&([0-9.]+)&ISO\^NH(\^\^\d{8})?", text)
    return (found[1], found[2]) if found else None
