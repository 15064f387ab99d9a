"""Each answer of the gateway, and the kind it is for the worker."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import read_errors
from hub.connectors.sms.client import SmsClient
from hub.connectors.sms.settings import SmsSettings
from sandbox.sms import SmsTwin
from tests.connectors.sms.conftest import ERRORS

GOOD = {"to": "+33639981126", "text": "Colibri.", "reference": "notice/1"}
ROWS = read_errors(ERRORS)
KINDS = {**{code: row.kind for code, row in ROWS.items()}, "500": Kind.UNREACHABLE, "404": Kind.REFUSED}


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
async def test_every_code_has_its_kind(client: SmsClient, twin: SmsTwin, code: str, kind: Kind) -> None:
    twin.faults.set("status", value=code)
    with pytest.raises(ConnectorFailure) as failure:
        await client.send(GOOD)
    assert (failure.value.kind, failure.value.code, failure.value.service) == (kind, code, "sms")


async def test_a_number_nobody_has_is_refused_for_good(client: SmsClient, twin: SmsTwin) -> None:
    twin.faults.set("unknown-number")
    with pytest.raises(ConnectorFailure) as failure:
        await client.send(GOOD)
    assert failure.value.kind is Kind.REFUSED


async def test_a_wrong_token_is_ours_to_mend(http: httpx.AsyncClient, settings: SmsSettings) -> None:
    wrong = settings.model_copy(update={"token": SecretStr("autre")})
    with pytest.raises(ConnectorFailure) as failure:
        await SmsClient(http, wrong, ROWS).send(GOOD)
    assert failure.value.kind is Kind.DENIED
