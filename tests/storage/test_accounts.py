"""Accounts, channels and candidates against a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import clock
from hub.domain import places, preferences
from hub.storage import accounts, candidates, situations
from hub.storage.accounts import Account, Method
from hub.storage.candidates import Row
from hub.storage.session import Session
from hub.storage.situations import Capacity, Preference, Situation
from tests.conftest import FrozenClock


async def person(session: Session, id: str, **more: Any) -> Account:
    one = Account(**{"id": id, "created_at": clock.now(), **more})
    await accounts.create(session, one)
    return one


async def in_role(session: Session, account: str, role: str, **more: Any) -> None:
    now = clock.now()
    await situations.keep_situation(
        session, Situation(role=role, account=account, key=role, seen_at=now, profession="10")
    )
    wish = {"role": role, "radius_km": 10, "kinds": ["visite"], "hours": {}, **more}
    await situations.keep_preference(session, Preference(**wish))


async def test_an_account_is_found_by_every_number_it_bears(session: Session) -> None:
    now = clock.now()
    await person(session, "a", national_id="810000000017")
    await accounts.keep_method(
        session, Method(account="a", kind="psc", subject="0751234567", issuer="i", created_at=now)
    )
    await accounts.add_other_ids(session, "a", {"9950001": "PSI"})
    await person(session, "b", national_id="810000000025")
    for number in ("810000000017", "0751234567", "9950001"):
        assert [one.id for one in await accounts.matching(session, [number])] == ["a"]
    assert [one.id for one in await accounts.matching(session, ["9950001", "810000000025"])] == ["a", "b"]
    assert await accounts.matching(session, ["0"]) == []


async def test_channels(session: Session, clock: FrozenClock) -> None:
    now = clock.move_to(datetime(2026, 11, 21, 19, 30, tzinfo=UTC))  # Saturday, 20:30 in Paris
    await person(
        session, "a", email="a@example.org", email_confirmed_at=now, mobile="+33639980001", mobile_confirmed_at=now
    )
    assert await accounts.channels_of(session, "a") == accounts.Channels(email=True, sms=False)
    await in_role(session, "a", "r1", hours=preferences.DEFAULT_HOURS)
    told = await accounts.channels_of(session, "a")
    assert told.sms
    assert told.opens_at is not None
    assert told.opens_at.isoformat() == "2026-11-23T07:00:00+00:00"
    await in_role(session, "a", "r2", hours={"sat": ["20:00-23:00"]}, by_sms=False)
    assert (await accounts.channels_of(session, "a")).opens_at is None


async def test_an_unconfirmed_address_is_not_written_to(session: Session) -> None:
    await person(session, "a", email="a@example.org", mobile="+33639980001")
    await in_role(session, "a", "r1")
    assert await accounts.channels_of(session, "a") == accounts.Channels(email=False, sms=False)
    assert await accounts.channels_of(session, "nobody") == accounts.Channels(email=False, sms=False)


async def test_operators(session: Session) -> None:
    now = clock.now()
    for id in ("a", "b", "c", "d"):
        await person(session, id, state="closed" if id == "d" else "active")
    for id, capacity, network in (
        ("a", "operator", "n1"),
        ("b", "coordinator", "n1"),
        ("c", "operator", "n2"),
        ("d", "operator", "n1"),
    ):
        await situations.give_capacity(
            session, Capacity(account=id, capacity=capacity, since=now, organization=network)
        )
    assert await accounts.operators_of(session, "n1") == ["a"]
    (given,) = await situations.capacities(session, "a", clock.now())
    assert given.id is not None
    await situations.withdraw_capacity(session, given.id, clock.now())
    assert await accounts.operators_of(session, "n1") == []


async def candidate(session: Session, role: str, **more: Any) -> None:
    await person(session, f"of-{role}")
    await in_role(session, f"of-{role}", role)
    row = {
        "role": role,
        "account": f"of-{role}",
        "profession": "10",
        "specialties": ["SM53"],
        "commune": "95127",
        "radius_km": 10,
        "is_active": True,
        "kinds": ["visite", "consultation"],
        "sas_networks": ["n1"],
        "network": "n1",
        **more,
    }
    await candidates.keep(session, Row(**row))


async def able(session: Session, **more: Any) -> list[str]:
    asked = {
        "profession": "10",
        "specialty": "SM26",
        "near": {"95127": 0, "95500": 4000},
        "networks": ["n1"],
        "kind": "visite",
        "care_type": "consultation-medicale",
        "is_handoff": True,
        "usual": None,
        "at": clock.now(),
        **more,
    }
    return sorted(row.role for row in await candidates.able(session, **asked))


@pytest.mark.parametrize(
    "unfit",
    [
        {"profession": "10/E"},
        {"profession": "60"},
        {"specialties": ["SM04"]},
        {"specialties": []},
        {"commune": "75056", "network": None},
        {"kinds": ["teleconsultation"]},
        {"care_types": ["ecg"]},
        {"sas_networks": ["n2"]},
        {"is_active": False},
        {"absences": [["2000-01-01", "2100-01-01"]]},
        {"max_open": 0},
    ],
)
async def test_who_is_not_able(session: Session, unfit: dict[str, Any]) -> None:
    await candidate(session, "fit")
    await candidate(session, "unfit", **unfit)
    assert await able(session) == ["fit"]


async def test_a_doctor_without_more_is_a_general_practitioner(session: Session) -> None:
    await candidate(session, "gp", specialties=["SM54"])
    await candidate(session, "cardiologist", specialties=["SM04"])
    assert await able(session, specialty=None) == ["gp"]
    assert await able(session, specialty="SM79") == ["cardiologist"]


async def test_the_usual_professional_is_asked_whatever_the_distance(session: Session) -> None:
    far = {"commune": "13001", "network": None, "sas_networks": [], "kinds": [], "national_id": "810000000017"}
    await candidate(session, "usual", **far)
    assert await able(session) == []
    assert await able(session, usual="810000000017") == ["usual"]
    today = clock.now()
    absence = [[(today - timedelta(days=1)).date().isoformat(), (today + timedelta(days=1)).date().isoformat()]]
    await candidates.keep(
        session,
        Row(role="usual", account="of-usual", profession="10", radius_km=1, is_active=True, absences=absence, **far),
    )
    assert await able(session, usual="810000000017") == []


async def test_a_member_of_the_network_is_found_out_of_the_communes(session: Session) -> None:
    await candidate(session, "member", commune="13001")
    assert await able(session) == ["member"]
    assert await able(session, networks=["n2"]) == []
    assert await able(session, networks=["n2"], is_handoff=False) == []


async def test_only_so_many_are_asked_the_networks_own_first_then_the_nearest(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST", 3)
    cergy = places.commune("95127")
    assert cergy is not None and cergy.place is not None
    for role, east, more in (
        ("usual", 0.3, {"national_id": "810000000017", "network": "n2"}),
        ("ours", 0.05, {}),
        ("near", 0.01, {"network": "n2"}),
        ("less-near", 0.02, {"network": "n2"}),
    ):
        point = {"longitude": cergy.place.longitude + east, "latitude": cergy.place.latitude}
        await candidate(session, role, **point, **more)
    asked = {"origin": cergy.place, "is_handoff": False, "usual": "810000000017"}
    assert await able(session, **asked) == ["near", "ours", "usual"]


async def test_an_address_far_from_the_middle_of_its_commune_is_still_reached(session: Session) -> None:
    cergy, pontoise = places.commune("95127"), places.commune("95500")
    assert cergy is not None and cergy.place is not None and pontoise is not None and pontoise.place is not None
    beside = {"longitude": cergy.place.longitude, "latitude": cergy.place.latitude + 0.001}
    await candidate(session, "beside", commune="95500", radius_km=1, **beside)
    near = places.around(cergy.place, 60)
    assert await able(session, near=near, origin=cergy.place, is_handoff=False) == ["beside"]


async def test_a_radius_that_does_not_reach_is_left_out_by_the_query(session: Session) -> None:
    cergy = places.commune("95127")
    assert cergy is not None
    assert cergy.place is not None
    for role, commune, radius in (("close", "95500", 10), ("far", "75056", 10), ("traveller", "75056", 60)):
        there = places.commune(commune)
        assert there is not None
        await candidate(
            session, role, commune=commune, longitude=there.longitude, latitude=there.latitude, radius_km=radius
        )
    await candidate(session, "somewhere", commune="95500")
    near = places.around(cergy.place, 60)
    for is_handoff in (True, False):
        unmeasured = dict.fromkeys(near, 0)
        assert await able(session, near=unmeasured, is_handoff=is_handoff) == ["close", "far", "somewhere", "traveller"]
        measured = await able(session, near=near, is_handoff=is_handoff, origin=cergy.place)
        assert measured == ["close", "somewhere", "traveller"]
