"""Who may do what to a request: the whole table, in every capacity and relation (workflow.md 4.3, 4.4; fhir.md 9.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.domain import rights
from hub.domain.care_request import CareRequest, Event, Origin, State
from hub.domain.people import Capacity, Viewer, coordinators_key, operators_key, role_key
from hub.domain.refusal import Refusal
from hub.domain.rights import MAY, Relation

R = Relation
REQUEST = CareRequest(
    id="s", task="t", number="n", state=State.ACCEPTED, patient="p", network="cpts", origin=Origin.SAS,
    issued_at=datetime(2026, 11, 16, 8, tzinfo=UTC), response_due=datetime(2026, 11, 16, 10, tzinfo=UTC),
    client="samu", performer="winner", requester="PractitionerRole/issuer",
)  # fmt: skip


def person(role: str, capacity: Capacity = Capacity.PROFESSIONAL) -> Viewer:
    return Viewer(id=role, capacity=capacity, name=role, role=role, keys=frozenset({role_key(role)}))


def cell(capacity: Capacity, network: str) -> Viewer:
    keys = frozenset({operators_key(network) if capacity is Capacity.OPERATOR else coordinators_key(network)})
    return Viewer(id=network, capacity=capacity, name=network, organization=network, keys=keys)


def machine(client: str, capacity: Capacity = Capacity.SAS, role: str | None = None) -> Viewer:
    return Viewer(id=client, capacity=capacity, name=client, client=client, role=role)


# viewer, whether asked, the relations found
WHO = [
    pytest.param(person("asked"), True, {R.ASKED}, id="asked"),
    pytest.param(person("declined"), False, set(), id="no longer asked"),
    pytest.param(person("winner"), False, {R.PERFORMER}, id="performer"),
    pytest.param(person("issuer"), False, {R.ISSUER}, id="issuer"),
    pytest.param(machine("samu"), False, {R.ISSUER}, id="the SAS"),
    pytest.param(machine("other"), False, set(), id="another SAS"),
    pytest.param(machine("soft", Capacity.SOFTWARE, "winner"), False, {R.PERFORMER}, id="software of the performer"),
    pytest.param(machine("soft", Capacity.SOFTWARE, "asked"), True, {R.ASKED}, id="software of a person asked"),
    pytest.param(cell(Capacity.OPERATOR, "cpts"), False, {R.OPERATOR}, id="operator"),
    pytest.param(cell(Capacity.OPERATOR, "elsewhere"), False, set(), id="operator elsewhere"),
    pytest.param(cell(Capacity.COORDINATOR, "cpts"), False, set(), id="coordinator"),
    pytest.param(person("x", Capacity.ADMINISTRATOR), False, set(), id="administrator"),
    pytest.param(Viewer.hub(), False, {R.HUB}, id="hub"),
]


@pytest.mark.parametrize(("viewer", "is_asked", "expected"), WHO)
def test_relations(viewer: Viewer, is_asked: bool, expected: set[Relation]) -> None:
    assert rights.relations(viewer, REQUEST, is_asked=is_asked) == {R.STRANGER, *expected}


@pytest.mark.parametrize(("viewer", "is_asked", "expected"), WHO)
@pytest.mark.parametrize("event", Event)
def test_the_table_is_obeyed(viewer: Viewer, is_asked: bool, expected: set[Relation], event: Event) -> None:
    if expected & MAY[event]:
        rights.require(viewer, event, REQUEST, is_asked=is_asked)
    else:
        with pytest.raises(Refusal, match="not-allowed"):
            rights.require(viewer, event, REQUEST, is_asked=is_asked)


def test_every_event_has_its_row_and_nobody_gets_in_as_a_stranger() -> None:
    assert set(MAY) == set(Event)
    assert all(row and R.STRANGER not in row for row in MAY.values())


@pytest.mark.parametrize("event", [Event.ACCEPT, Event.RELEASE, Event.PROPOSE, Event.WITHDRAW])
def test_what_belongs_to_the_doctor_is_done_by_nobody_else(event: Event) -> None:
    assert MAY[event] <= {R.ASKED, R.PERFORMER}


@pytest.mark.parametrize("event", [Event.RUN_OUT, Event.HAND_BACK, Event.REFUSE])
def test_no_professional_gives_a_handoff_back_by_hand(event: Event) -> None:
    assert MAY[event] <= {R.OPERATOR, R.HUB}


def test_nobody_is_taken_for_somebody_when_a_name_is_missing() -> None:
    bare = replace(REQUEST, client=None, performer=None, requester=None)
    nobody = Viewer(id="x", capacity=Capacity.PROFESSIONAL, name="x")
    assert rights.relations(nobody, bare) == {R.STRANGER}
    operator_without_key = Viewer(id="x", capacity=Capacity.OPERATOR, name="x", organization="cpts")
    assert rights.relations(operator_without_key, bare) == {R.STRANGER}
