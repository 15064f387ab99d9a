"""Each answer of the platform, and the kind it is for the worker."""

from __future__ import annotations

import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import read_errors
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.mapping import Notification
from sandbox.sas import SasTwin
from tests.connectors.sas.conftest import ERRORS

ROWS = read_errors(ERRORS)
USUAL = {"401": Kind.DENIED, "403": Kind.DENIED, "429": Kind.BUSY, "503": Kind.BUSY, "500": Kind.UNREACHABLE}
KINDS = {**USUAL, **{code: row.kind for code, row in ROWS.items() if code.isdigit()}}
NAMED = {"refuse-notification": Kind.BUSY, "reject-notification": Kind.REFUSED, "unknown-subscription": Kind.REFUSED}
ANY = Notification(method="PUT", url="https://localhost/notifications/x/Task/t1", headers={}, body="{}")


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
async def test_every_code_has_its_kind(client: SasClient, twin: SasTwin, code: str, kind: Kind) -> None:
    twin.faults.set("status", value=code)
    with pytest.raises(ConnectorFailure) as failure:
        await client.notify(ANY)
    assert (failure.value.kind, failure.value.code, failure.value.service) == (kind, code, "sas")


def test_our_own_refusals_have_their_words() -> None:
    ours = {code for code in ROWS if not code.isdigit()}
    assert ours == {"doctor-without-identifier", "regulator-without-identifier", "host-not-allowed"}
    assert {ROWS[code].kind for code in ours} == {Kind.REFUSED}


@pytest.mark.parametrize(("fault", "kind"), NAMED.items())
async def test_what_the_platform_may_answer(client: SasClient, twin: SasTwin, fault: str, kind: Kind) -> None:
    twin.faults.set(fault)
    with pytest.raises(ConnectorFailure) as failure:
        await client.notify(ANY)
    assert failure.value.kind is kind


async def test_a_cut_line_is_unreachable(client: SasClient, twin: SasTwin) -> None:
    twin.faults.set("cut")
    with pytest.raises(ConnectorFailure) as failure:
        await client.notify(ANY)
    assert failure.value.kind is Kind.UNREACHABLE
