"""Authorised care activities, social equipment and heavy equipment of the establishments: HealthcareService and Device.

The tables of their codes are not among the published ones at hand: codes go without a system, with their label.
"""

import csv
from functools import cache
from importlib import resources

from sandbox.rpps.api.shapes import opened
from sandbox.rpps.api.systems import ARHGOS, Json
from sandbox.rpps.model import Structure

SECTORS = {"SA01": "hospital", "SA04": "clinic", "SA17": "ehpad"}
SOCIAL = "as-dp-healthcareservice-social-equipment"


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = resources.files(__package__).joinpath("equipment.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def of(organization: str, place: Structure, sector: str) -> list[Json]:
    """What this place may do and owns; nothing for most of them. Ids follow from that of its Organization."""
    kind = SECTORS.get(sector, "")
    rows = [row for row in _rows() if row["kind"] == kind and place.finess]
    number = organization.rpartition("-")[2]
    return [_made(row, f"{number}-{rank}", organization, place) for rank, row in enumerate(rows, 1)]


def _made(row: dict[str, str], number: str, organization: str, place: Structure) -> Json:
    code = {"coding": [{"code": row["code"], "display": row["label"]}], "text": row["label"]}
    owner = {"reference": f"Organization/{organization}"}
    authorised = [{"use": "official", "system": ARHGOS, "value": f"95-99-{place.finess[2:]}-{row['code']}"}]
    if row["resource"] == "Device":
        made = opened("Device", f"002-{number}")
        return made | {"identifier": authorised, "status": "active", "type": code, "owner": owner}
    made = opened("HealthcareService", f"004-{number}", row["profile"]) | {"active": True, "providedBy": owner}
    return made | {"type": [code], **({} if row["profile"] == SOCIAL else {"identifier": authorised})}
