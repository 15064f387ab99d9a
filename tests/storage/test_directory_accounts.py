"""Those who have an account stand first among equals, page after page (rpps.md 12.1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import clock
from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import accounts, directory, directory_accounts
from hub.storage.accounts import Account
from hub.storage.directory import Criteria
from hub.storage.session import Database
from tests.connectors.rpps.rows import DOCTOR, source, text


def martin(number: str, given: str, **changes: str) -> dict[str, str]:
    same = {**DOCTOR, "identifier": number, "national_id": f"8{number}", "family": "MARTIN", "given": given}
    return {**same, "structure_id": f"R{number}", **changes}


IDLE = dict.fromkeys(
    (
        *("mode_code", "mode", "sector_code", "sector", "role_code", "role", "activity_kind_code", "activity_kind"),
        *("siret", "finess", "structure_id", "structure_name", "structure_national_id", "commune_code", "commune"),
        *("street", "street_type_code", "street_type", "house_number", "postcode", "department_code", "department"),
        *("phone", "email", "post_office", "siren", "finess_ej", "address_recipient", "country_code", "country"),
    ),
    "",
)
ANNE, BLAISE, CHLOE, DENIS, EVE = (f"9970000{place:03d}7" for place in range(5))
ROWS = (
    martin(ANNE, "Anne"),
    martin(BLAISE, "Blaise", commune_code="95127"),
    martin(CHLOE, "Chloé"),
    martin(DENIS, "Denis", **IDLE),
    martin(EVE, "Eve", **IDLE),
)


async def given_names(database: Database, asked: Criteria, limit: int = 50) -> list[str]:
    found, after = [], None
    while True:
        page = await directory.search(database, asked, limit=limit, after=after)
        found += [person.exercises[0].given for person in page.persons]
        if (after := page.following) is None:
            return found


async def sign_up(database: Database, *numbers: str) -> None:
    async with database.transaction() as session:
        for number in numbers:
            await accounts.create(session, Account(id=number, created_at=clock.now(), national_id=f"8{number}"))


async def note(database: Database, *, is_patient: bool = True) -> None:
    async with database.transaction() as session:
        await directory_accounts.know(session, is_patient=is_patient)


NEAR = Criteria(professions=("10",), communes=("95500", "95127"), metres=(0, 4_000))


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_with_an_activity_then_with_an_account_then_by_name(
    database: Database, tmp_path: Path, limit: int
) -> None:
    await load(database, RppsSettings(), source(tmp_path, text(ROWS)))  # type: ignore[call-arg]
    named = Criteria(words="martin")
    assert await given_names(database, named, limit) == ["Anne", "Blaise", "Chloé", "Denis", "Eve"]
    assert await given_names(database, NEAR, limit) == ["Anne", "Chloé", "Blaise"]
    await sign_up(database, BLAISE, CHLOE, EVE)
    await note(database)
    first = ["Blaise", "Chloé", "Anne", "Eve", "Denis"]
    for asked in (named, Criteria(words="mart"), Criteria(words="martain"), Criteria(words="mar", professions=("10",))):
        assert await given_names(database, asked, limit) == first
    assert await given_names(database, NEAR, limit) == ["Chloé", "Blaise", "Anne"]


async def test_who_closes_their_account_is_like_anybody(database: Database, tmp_path: Path) -> None:
    await sign_up(database, CHLOE)
    await load(database, RppsSettings(), source(tmp_path, text(ROWS[:3])))  # type: ignore[call-arg]
    assert await given_names(database, NEAR) == ["Chloé", "Anne", "Blaise"]  # a load notes it too
    async with database.transaction() as session:
        await accounts.change(session, CHLOE, state="closed")
    await note(database)
    assert await given_names(database, NEAR) == ["Anne", "Chloé", "Blaise"]


async def test_it_is_left_to_who_is_at_it(database: Database, tmp_path: Path) -> None:
    await load(database, RppsSettings(), source(tmp_path, text(ROWS[:3])))  # type: ignore[call-arg]
    await sign_up(database, CHLOE)
    async with database.transaction() as session:
        await directory_accounts.know(session)
        await note(database, is_patient=False)  # does not wait
    assert await given_names(database, NEAR) == ["Chloé", "Anne", "Blaise"]
