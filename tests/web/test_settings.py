"""Settings: what a professional receives, how they are told, addresses proved by their owner."""

from __future__ import annotations

from datetime import timedelta

from hub.storage import accounts as store
from hub.storage import situations
from hub.storage.tables.accounts import one_time_code
from hub.workflows import codes
from tests.web.conftest import LEBRUN, VASSEUR, Browser, Portal
from tests.workflows.conftest import NETWORK


async def sent(portal: Portal, channel: str) -> codes.ToSend:
    """The last code on its way."""
    async with portal.database.reading() as session:
        query = one_time_code.select().where(one_time_code.c.channel == channel, one_time_code.c.used_at.is_(None))
        row = (await session.execute(query)).one()
        found = await codes.to_send(session, row.id)
    assert found is not None
    return found


async def wish(portal: Portal, family: str) -> situations.Preference:
    async with portal.database.reading() as session:
        found = await situations.preference_of(session, portal.viewer(family).role or "")
    assert found is not None
    return found


async def test_what_one_receives_is_kept(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/soins")
    page = await doctor.submit("/reglages/soins", reseau=NETWORK, sas="1", rayon="25", prise_teleconsultation="1")
    assert "Réglages enregistrés." in doctor.words
    assert page.status_code == 200
    kept = await wish(portal, "VASSEUR")
    assert (kept.network, kept.sas_networks, kept.radius_km) == (NETWORK, [NETWORK], 25)
    assert kept.kinds == ["visite", "consultation", "teleconsultation"]


async def test_a_wrong_radius_is_told_beside_its_field_and_kept(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/soins")
    for typed in ("900", "loin"):
        page = await doctor.submit("/reglages/soins", rayon=typed)
        assert page.status_code == 422
        assert f'value="{typed}"' in page.text
        assert 'aria-describedby="rayon-erreur"' in page.text
    assert (await wish(portal, "VASSEUR")).radius_km == 10


async def test_a_pause_for_today_and_back(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/soins")
    await doctor.submit("/reglages/pause")
    assert "Vous ne recevez plus rien aujourd’hui" in doctor.words
    assert (await wish(portal, "VASSEUR")).absences == [["2026-11-16", "2026-11-16"]]
    await doctor.submit("/reglages/pause")
    assert (await wish(portal, "VASSEUR")).absences == []


async def test_hours_and_channels(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/alertes")
    assert doctor.page is not None and 'value="23:59"' in doctor.page.text  # all day, as a time field can say it
    page = await doctor.submit("/reglages/alertes", de="09:00", a="18:30")
    assert page.status_code == 200
    kept = await wish(portal, "VASSEUR")
    assert kept.hours["mon"] == ["09:00-18:30"]
    assert kept.by_sms
    page = await doctor.submit("/reglages/alertes", de="19:00", a="18:30")
    assert page.status_code == 422


async def test_an_address_is_proved_by_its_link(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/alertes")
    page = await doctor.submit("/reglages/alertes/courriel", courriel="pas une adresse")
    assert page.status_code == 422
    assert 'value="pas une adresse"' in page.text
    await doctor.submit("/reglages/alertes/courriel", courriel="nouvelle@example.org")
    assert "Un courriel vient de partir" in doctor.words
    link = (await sent(portal, "email")).path

    elsewhere = portal.stranger()  # the mailbox is read on another machine
    await elsewhere.open(link)
    assert (await account(portal)).email == "vasseur@example.org"  # reading the link confirms nothing
    page = await elsewhere.submit("/connexion/confirmer")
    assert page.url.path == "/connexion"
    assert "Adresse confirmée." in elsewhere.words
    assert (await account(portal)).email == "nouvelle@example.org"
    await elsewhere.open(link)
    page = await elsewhere.submit("/connexion/confirmer")
    assert page.status_code == 401
    assert "Ce code ne sert plus" in elsewhere.words


async def account(portal: Portal) -> store.Account:
    async with portal.database.reading() as session:
        found = await store.by_id(session, portal.people["VASSEUR"].id)
    assert found is not None
    return found


async def test_a_mobile_is_proved_by_its_code(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/reglages/alertes")
    page = await doctor.submit("/reglages/alertes/mobile", mobile="02 61 91 01 18")
    assert page.status_code == 422
    page = await doctor.submit("/reglages/alertes/mobile", mobile="06 39 98 11 09")
    assert page.url.path == "/reglages/alertes/code"
    page = await doctor.submit("/reglages/alertes/code", code="0000")
    assert page.status_code == 401
    page = await doctor.submit("/reglages/alertes/code", code=(await sent(portal, "sms")).code)
    assert page.url.path == "/reglages/alertes"
    assert "06 39 98 11 09, confirmé" in doctor.words
    assert (await account(portal)).mobile == "+33639981109"


async def test_a_code_of_somebody_else_shows_nothing(portal: Portal) -> None:
    vasseur, lebrun = await portal.doctor(VASSEUR, "VASSEUR"), await portal.doctor(LEBRUN, "LEBRUN")
    await vasseur.open("/reglages/alertes")
    await vasseur.submit("/reglages/alertes/mobile", mobile="0639981109")
    stolen = vasseur.http.cookies.get("colibri-code")
    assert stolen is not None
    lebrun.http.cookies.set("colibri-code", stolen)
    page = await lebrun.open("/reglages/alertes/code")
    assert (page.status_code, page.headers["location"]) == (303, "/reglages/alertes")


async def test_settings_are_for_those_who_have_a_situation(portal: Portal) -> None:
    operator: Browser = await portal.staff("operator")
    assert (await operator.open("/reglages/soins")).status_code == 404
    assert (await operator.open("/reglages/alertes")).status_code == 200
    portal.clock.advance(timedelta(seconds=1))
