"""Each reply code of the server, and the kind it is for the worker."""

from __future__ import annotations

import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import read_errors
from hub.connectors.mail.client import MailClient
from sandbox.mail import MailTwin
from tests.connectors.mail.conftest import ERRORS
from tests.connectors.mail.test_mapping import mail

ROWS = read_errors(ERRORS)
KINDS = {**{code: row.kind for code, row in ROWS.items()}, "454": Kind.BUSY, "571": Kind.REFUSED}
NAMED = {"mailbox-full": Kind.BUSY, "unknown-recipient": Kind.REFUSED, "content-refused": Kind.REFUSED}
RIGHT = mail("request-waiting")


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
async def test_every_code_has_its_kind(client: MailClient, twin: MailTwin, code: str, kind: Kind) -> None:
    twin.faults.set("status", value=code)
    with pytest.raises(ConnectorFailure) as failure:
        await client.send(RIGHT)
    assert (failure.value.kind, failure.value.code, failure.value.service) == (kind, code, "mail")
    assert failure.value.detail == (ROWS[code].french if code in ROWS else "")


@pytest.mark.parametrize(("fault", "kind"), NAMED.items())
async def test_a_refusal_at_any_step_is_the_same(client: MailClient, twin: MailTwin, fault: str, kind: Kind) -> None:
    twin.faults.set(fault)
    with pytest.raises(ConnectorFailure) as failure:
        await client.send(RIGHT)
    assert failure.value.kind is kind
