"""The DMP's code tables (value sets of the NOS, editions in `tables/EDITIONS.md`) as sets of (code, system)."""

import csv
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
Coded = tuple[str, str]

J57_CLASS = "xds-classcode-J06"
J58_CONFIDENTIALITY = "xds-confidentiality-J08"
J59_CONTENT = "xds-contenttype-J59-DMP"
J60_FORMAT = "xds-formatcode-J60-DMP"
J61_FACILITY = "xds-facilitytype-J02"
J65_ROLE = "vihf-subjectrole-J65-DMP"
J66_TYPE = "xds-typecode-J07"
J04_PRACTICE = "xds-practicesetting-J04"
J01_AUTHOR = "cda-author-specialty-J01"

MASKS = frozenset({"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"})
LAST_FACILITY_OF_J61 = "SA63"  # the DMP's edition of 24/04/2020 stops there


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def label(name: str, *, in_dmp: bool = False) -> str:
    """The official name of the value set: JDV_J07, JDV_J66..."""
    short = {J57_CLASS: "J57", J58_CONFIDENTIALITY: "J58", J61_FACILITY: "J61", J66_TYPE: "J66"}.get(name)
    number = re.search(r"J\d+", name)
    assert number is not None
    return f"JDV_{short if in_dmp and short else number[0]}"


@cache
def codes(name: str) -> frozenset[Coded]:
    """The value set as the CI-SIS publishes it."""
    return frozenset((row["code"], row["system_oid"]) for row in rows(name))


@cache
def published_in_dmp(name: str) -> frozenset[Coded]:
    """The DMP's own restriction of the value set, where there is one; otherwise the whole of it."""
    column = {J57_CLASS: "in_DMP_J57", J66_TYPE: "in_DMP_J66_by_ASS_X16_20240223"}.get(name)
    if column is not None:
        return frozenset((row["code"], row["system_oid"]) for row in rows(name) if row[column] == "yes")
    if name == J58_CONFIDENTIALITY:
        return frozenset(pair for pair in codes(name) if pair[0] == "N" or pair[0] in MASKS)
    if name == J61_FACILITY:
        return frozenset(
            pair for pair in codes(name) if not pair[0].startswith("SA") or pair[0] <= LAST_FACILITY_OF_J61
        )
    return codes(name)


@cache
def class_of_type() -> dict[str, str]:
    """typeCode to classCode (ASS_X04); a type without a published class is absent."""
    return {
        row["code"]: row["class_code_ASS_X04_20250415"] for row in rows(J66_TYPE) if row["class_code_ASS_X04_20250415"]
    }


@cache
def format_of_media() -> dict[str, str]:
    """Media type of a level-1 body to formatCode (ASS_A12)."""
    return {
        row["cda_nonxmlbody_media_type_ASS_A12"]: row["code"]
        for row in rows(J60_FORMAT)
        if row["cda_nonxmlbody_media_type_ASS_A12"]
    }
