"""Arriving with Pro Santé Connect: found, linked, created; situations, FHIR resources and preferences kept in step."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from hub import clock as hub_clock
from hub.domain.identity import Identity, OtherId, organization_id, practitioner_id
from hub.domain.people import Capacity, Viewer, account_key, operators_key, role_key, usual_gp_key
from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.storage import accounts, resources, situations
from hub.storage.accounts import Account
from hub.storage.session import Database, Session
from hub.storage.situations import Capacity as Held
from hub.storage.tables.accounts import account_review, candidate
from hub.storage.tables.machinery import audit
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import accounts as entries
from hub.workflows import capacities
from hub.workflows.accounts import Arrival, Outcome
from tests.workflows.conftest import CERGY, PONTOISE, identity

DOCTOR = "899700999909"


async def arrive(session: Session, who: Identity) -> Arrival:
    return await entries.arrive(session, who, accepts_test_identities=True)


async def events(session: Session) -> list[str]:
    return [row.event for row in await session.execute(select(audit.c.event).order_by(audit.c.id))]


async def entered(session: Session, who: Identity) -> Account:
    arrival = await arrive(session, who)
    assert arrival.account is not None
    return arrival.account


def with_activities(who: Identity, *changes: dict[str, Any]) -> Identity:
    (exercise,) = who.exercises
    (activity,) = exercise.activities
    return replace(who, exercises=(replace(exercise, activities=tuple(replace(activity, **one) for one in changes)),))


async def test_first_arrival_creates_the_account_and_its_fhir_resources(session: Session) -> None:
    arrival = await arrive(session, identity(DOCTOR, "VASSEUR"))
    assert arrival.outcome is Outcome.CREATED
    account = arrival.account
    assert account is not None
    assert account.practitioner == practitioner_id(DOCTOR)
    (situation,) = await situations.situations(session, account.id)
    person = await resources.peek(session, "Practitioner", account.practitioner)
    role = await resources.peek(session, "PractitionerRole", situation.role)
    assert person is not None
    assert role is not None
    assert elements.identifier(person, names.IDNPS) == DOCTOR
    assert elements.identifier(person, names.RPPS) == DOCTOR[1:]
    assert role["practitioner"]["reference"] == f"Practitioner/{account.practitioner}"
    assert role["organization"]["reference"] == f"Organization/{organization_id('R99700999909001')}"
    place = await resources.peek(session, "Organization", situation.organization or "")
    assert place is not None
    assert elements.identifier(place, names.IDNST) == "499700999909001"
    assert await resources.find(session, "Practitioner", names.IDNPS, DOCTOR) == [account.practitioner]
    assert await accounts.of_role(session, situation.role) == account.id
    assert "account.created" in await events(session)


async def test_a_new_professional_may_be_asked_with_the_defaults(session: Session) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    (row,) = (await session.execute(select(candidate).where(candidate.c.account == account.id))).all()
    assert (row.profession, row.specialties, row.commune, row.radius_km) == ("10", ["SM26"], CERGY, 10)
    assert (row.kinds, row.sas_networks, row.is_active) == (["visite", "consultation"], [], True)
    assert row.longitude == pytest.approx(2.06, abs=0.1)


async def test_the_second_arrival_finds_the_same_account_and_changes_nothing(session: Session) -> None:
    first = await entered(session, identity(DOCTOR, "VASSEUR"))
    before = await resources.peek(session, "Practitioner", first.practitioner or "")
    again = await arrive(session, identity(DOCTOR, "VASSEUR"))
    assert again.outcome is Outcome.KNOWN
    assert again.account is not None
    assert again.account.id == first.id
    assert await resources.peek(session, "Practitioner", first.practitioner or "") == before


async def test_a_changed_number_announced_in_other_ids_links_and_leaves_a_trace(session: Session) -> None:
    adeli = replace(identity("0959100018", "ROUSSEAU", profession="91", skill=""), other_ids=())
    first = await entered(session, adeli)
    (old,) = await situations.situations(session, first.id)
    rpps = replace(
        with_activities(
            identity("899700950076", "ROUSSEAU", profession="91", skill=""), {"technical_id": old.structure_key}
        ),
        other_ids=(OtherId(value="0959100018", origin="ADELI"), OtherId(value="899700950076", origin="RPPS")),
    )
    arrival = await arrive(session, rpps)
    assert arrival.outcome is Outcome.LINKED
    assert arrival.account is not None
    assert (arrival.account.id, arrival.account.national_id) == (first.id, "899700950076")
    (now,) = await situations.situations(session, first.id)
    assert now.role == old.role
    assert now.key != old.key
    person = await resources.peek(session, "Practitioner", first.practitioner or "")
    assert person is not None
    assert elements.identifier(person, names.IDNPS) == "899700950076"
    assert "account.linked" in await events(session)
    assert (await arrive(session, adeli)).account is not None


async def test_two_accounts_that_match_are_left_to_an_operator(session: Session) -> None:
    one = await entered(session, identity("0959100018", "ROUSSEAU", profession="91", skill=""))
    two = await entered(session, identity("899700950076", "ROUSSEAU", profession="91", skill=""))
    both = replace(identity("899700950076", "ROUSSEAU"), other_ids=(OtherId(value="0959100018", origin="ADELI"),))
    for _ in range(2):
        arrival = await arrive(session, both)
        assert (arrival.outcome, arrival.account) == (Outcome.REVIEW, None)
    (row,) = (await session.execute(select(account_review))).all()
    assert sorted(row.accounts) == sorted([one.id, two.id])


async def test_nobody_is_joined_by_name_or_mail(session: Session) -> None:
    first = await entered(session, identity(DOCTOR, "VASSEUR"))
    await accounts.change(session, first.id, email="v@example.org", email_confirmed_at=hub_clock.now())
    second = await entered(session, identity("899700999917", "VASSEUR"))
    assert second.id != first.id


async def test_a_new_sub_for_the_same_number_is_accepted_and_recorded(session: Session) -> None:
    first = await entered(session, identity(DOCTOR, "VASSEUR"))
    arrival = await arrive(session, replace(identity(DOCTOR, "VASSEUR"), sub="5b1c0d6e"))
    assert arrival.outcome is Outcome.KNOWN
    assert "account.sub-changed" in await events(session)
    (method,) = await accounts.methods(session, first.id)
    assert method.sub == "5b1c0d6e"


async def test_numbers_that_disagree_are_recorded(session: Session) -> None:
    await arrive(session, replace(identity(DOCTOR, "VASSEUR"), agrees=False))
    assert "account.numbers-disagree" in await events(session)


async def test_test_identities_enter_only_where_the_setting_says(session: Session) -> None:
    for number in (DOCTOR, "ANS20260401101500"):
        with pytest.raises(Refusal, match="test-identity"):
            await entries.arrive(session, identity(number, "VASSEUR"), accepts_test_identities=False)
    real = await entries.arrive(session, identity("810101010105", "REEL"), accepts_test_identities=False)
    assert real.outcome is Outcome.CREATED


async def test_a_closed_account_does_not_enter(session: Session) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    await entries.close(session, Viewer.hub(), account.id)
    with pytest.raises(Refusal, match="account-closed"):
        await arrive(session, identity(DOCTOR, "VASSEUR"))
    (row,) = (await session.execute(select(candidate))).all()
    assert row.is_active is False


async def test_minimal_user_and_staff_enter_without_professional_right(session: Session) -> None:
    minimal = replace(identity("899700950084", "DUPUIS"), exercises=())
    staff = replace(identity("30B0123456/CPET00012", "DELMAS", profession="", skill=""))
    for who in (minimal, staff):
        account = await entered(session, who)
        assert account.practitioner is None
        assert await capacities.choices(session, account.id) == []
        assert await capacities.viewer(session, account, role=None, held=None) is None
    assert (await session.execute(select(candidate))).all() == []


async def test_a_student_is_not_found_as_a_doctor(session: Session) -> None:
    who = identity("995000000001", "CHEVALIER")
    student = replace(who, exercises=(replace(who.exercises[0], category="E"),))
    account = await entered(session, student)
    (row,) = (await session.execute(select(candidate))).all()
    assert row.profession == "10/E"
    (choice,) = await capacities.choices(session, account.id)
    assert choice.label == "Médecin (étudiant)"


# ---------------------------------------------------------------- situations


async def test_a_situation_whose_role_changed_keeps_its_practitioner_role(session: Session) -> None:
    account = await entered(session, with_activities(identity(DOCTOR, "VASSEUR"), {"role": "FON-22"}))
    (before,) = await situations.situations(session, account.id)
    await entered(session, with_activities(identity(DOCTOR, "VASSEUR"), {"role": "FON-01"}))
    (after,) = await situations.situations(session, account.id)
    assert after.role == before.role
    assert after.key != before.key
    assert after.role_code == "FON-01"


async def test_a_situation_no_longer_declared_ends_and_comes_back(session: Session) -> None:
    two = with_activities(
        identity(DOCTOR, "VASSEUR"), {}, {"technical_id": "F950099911", "former_id": "1950099911", "mode": "S"}
    )
    account = await entered(session, two)
    practice, hospital = sorted(await situations.situations(session, account.id), key=lambda one: one.mode)
    assert (practice.mode, hospital.mode) == ("L", "S")
    await entered(session, identity(DOCTOR, "VASSEUR"))
    assert [one.role for one in await situations.situations(session, account.id)] == [practice.role]
    gone = await resources.peek(session, "PractitionerRole", hospital.role)
    assert gone is not None
    assert gone["active"] is False
    assert (await session.execute(select(candidate.c.role))).scalars().all() == [practice.role]
    assert await capacities.viewer(session, account, role=hospital.role, held=None) is None
    await entered(session, two)
    back = await resources.peek(session, "PractitionerRole", hospital.role)
    assert back is not None
    assert back["active"] is True
    assert len(await situations.situations(session, account.id)) == 2


async def test_a_known_structure_is_used_and_left_as_it_is(session: Session) -> None:
    known = {"resourceType": "Organization", "name": "Nom choisi par la CPTS", "active": True}
    known["identifier"] = [{"system": names.IDNST, "value": "499700999909001"}]  # type: ignore[assignment]
    await resources.create(session, Viewer.hub(), known, id="structure-connue")
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    (situation,) = await situations.situations(session, account.id)
    assert situation.organization == "structure-connue"
    kept = await resources.peek(session, "Organization", "structure-connue")
    assert kept is not None
    assert kept["name"] == "Nom choisi par la CPTS"


async def test_elements_of_others_survive_on_the_practitioner(session: Session) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    person = await resources.lock(session, "Practitioner", account.practitioner or "")
    person["telecom"] = [{"system": "email", "value": "vasseur@medecin.mssante.example"}]
    person["identifier"].append({"system": "https://ailleurs.example.org", "value": "x"})
    await resources.save(session, Viewer.hub(), person)
    await entered(session, identity(DOCTOR, "VASSEUR-LEROY"))
    after = await resources.peek(session, "Practitioner", account.practitioner or "")
    assert after is not None
    assert after["telecom"] == person["telecom"]
    assert elements.identifier(after, "https://ailleurs.example.org") == "x"
    assert after["name"][0]["family"] == "VASSEUR-LEROY"


# ---------------------------------------------------------------- capacities


async def test_a_professional_becomes_a_viewer_of_one_situation(session: Session) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    (choice,) = await capacities.choices(session, account.id)
    viewer = await capacities.viewer(session, account, role=choice.role, held=choice.held)
    assert viewer is not None
    assert viewer.capacity is Capacity.PROFESSIONAL
    assert viewer.name == "Dr Hélène VASSEUR, médecin"
    assert viewer.keys == {role_key(choice.role or ""), account_key(account.id), usual_gp_key(DOCTOR)}
    assert viewer.practitioner == account.practitioner


async def test_nobody_takes_the_situation_of_another(session: Session) -> None:
    first = await entered(session, identity(DOCTOR, "VASSEUR"))
    second = await entered(session, identity("899700999917", "LEBRUN"))
    (choice,) = await capacities.choices(session, first.id)
    assert await capacities.viewer(session, second, role=choice.role, held=None) is None


async def test_operator_and_secretary(session: Session, place: Any) -> None:
    doctor = await entered(session, identity(DOCTOR, "VASSEUR"))
    (choice,) = await capacities.choices(session, doctor.id)
    nadia = await entries.create_local(session, given="Nadia", family="ROCHE")
    now = hub_clock.now()
    operator = Held(account=nadia.id, capacity="operator", since=now, organization="cpts-boucles-oise")
    secretary = Held(account=nadia.id, capacity="secretary", since=now, role=choice.role)
    numbers = [await situations.give_capacity(session, one) for one in (operator, secretary)]
    offered = await capacities.choices(session, nadia.id)
    assert [(one.capacity, one.place) for one in offered] == [
        (Capacity.OPERATOR, "CPTS des Boucles de l'Oise"),
        (Capacity.SECRETARY, "Dr Hélène VASSEUR"),
    ]
    first = await capacities.viewer(session, nadia, role=None, held=numbers[0])
    assert first is not None
    assert operators_key("cpts-boucles-oise") in first.keys
    second = await capacities.viewer(session, nadia, role=None, held=numbers[1])
    assert second is not None
    assert (second.role, second.on_behalf_of) == (choice.role, "Dr Hélène VASSEUR")
    assert role_key(choice.role or "") in second.keys
    await situations.withdraw_capacity(session, numbers[1], now)
    assert await capacities.viewer(session, nadia, role=None, held=numbers[1]) is None


# ---------------------------------------------------------------- preferences


async def test_preferences_and_the_row_that_may_be_asked_stay_in_step(session: Session) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    (choice,) = await capacities.choices(session, account.id)
    viewer = await capacities.viewer(session, account, role=choice.role, held=None)
    assert viewer is not None
    where = {"commune": PONTOISE, "longitude": 2.1, "latitude": 49.05}
    await entries.set_preferences(
        session, viewer, choice.role or "", radius_km=25, kinds=["conseil"], sas_networks=["n"], addresses=[where]
    )
    (row,) = (await session.execute(select(candidate))).all()
    assert (row.radius_km, row.kinds, row.sas_networks) == (25, ["conseil"], ["n"])
    assert (row.commune, row.longitude, row.latitude) == (PONTOISE, 2.1, 49.05)
    await entered(session, identity(DOCTOR, "VASSEUR"))
    (again,) = (await session.execute(select(candidate))).all()
    assert again == row


@pytest.mark.parametrize(
    "wrong",
    [
        {"radius_km": 0},
        {"radius_km": 1000},
        {"max_open": 0},
        {"absences": [["2026-12-02", "2026-12-01"]]},
        {"hours": {"lundi": ["08:00-20:00"]}},
        {"hours": {"mon": ["20:00-08:00"]}},
    ],
)
async def test_preferences_that_make_no_sense_are_refused(session: Session, wrong: dict[str, Any]) -> None:
    account = await entered(session, identity(DOCTOR, "VASSEUR"))
    (choice,) = await capacities.choices(session, account.id)
    viewer = await capacities.viewer(session, account, role=choice.role, held=None)
    assert viewer is not None
    with pytest.raises(Refusal):
        await entries.set_preferences(session, viewer, choice.role or "", **wrong)


async def test_nobody_sets_the_preferences_of_another(session: Session) -> None:
    first = await entered(session, identity(DOCTOR, "VASSEUR"))
    second = await entered(session, identity("899700999917", "LEBRUN"))
    (theirs,), (mine,) = [await capacities.choices(session, one.id) for one in (first, second)]
    viewer = await capacities.viewer(session, second, role=mine.role, held=None)
    assert viewer is not None
    with pytest.raises(Refusal, match="not-found"):
        await entries.set_preferences(session, viewer, theirs.role or "", radius_km=5)


# ---------------------------------------------------------------- local accounts that turn out to be the same person


async def local_doctor(database: Database) -> Account:
    async with database.transaction() as session:
        return await entries.create_local(
            session,
            national_id=DOCTOR,
            email="helene@example.org",
            email_confirmed_at=hub_clock.now(),
            family="VASSEUR",
        )


async def test_a_local_account_of_the_same_number_is_joined_by_its_owners_mail(database: Database) -> None:
    local = await local_doctor(database)
    async with database.transaction() as session:
        arrival = await arrive(session, identity(DOCTOR, "VASSEUR"))
        assert arrival.account is not None
        assert arrival.same_person == local.id
        assert arrival.account.id != local.id
        code = await entries.ask_joining(session, psc=arrival.account.id, local=local.id)
        sent = await entries.code_to_send(session, code)
        payloads = [row.payload for row in await session.execute(select(outbox_table.c.payload))]
    assert sent is not None
    assert sent.template == "join-accounts"
    token = sent.path.rsplit(".", 1)[1]
    assert token not in str(payloads)
    with pytest.raises(Refusal, match="code-wrong"):
        await entries.use_code(database, code, "faux", purpose="join")
    assert await entries.use_code(database, code, token, purpose="join") == local.id
    with pytest.raises(Refusal, match="code-expired"):
        await entries.use_code(database, code, token, purpose="join")
    async with database.transaction() as session:
        again = await arrive(session, identity(DOCTOR, "VASSEUR"))
        assert again.account is not None
        assert (again.outcome, again.account.id, again.same_person) == (Outcome.KNOWN, local.id, None)
        (row,) = (await session.execute(select(candidate))).all()
        assert (row.account, row.national_id, row.is_active) == (local.id, DOCTOR, True)


async def test_two_arrivals_at_once_make_one_account(database: Database) -> None:
    async def once() -> str:
        async with database.transaction() as session:
            return (await entered(session, identity(DOCTOR, "VASSEUR"))).id

    assert len(set(await asyncio.gather(*(once() for _ in range(5))))) == 1
