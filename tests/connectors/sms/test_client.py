"""One exchange with the gateway: delivered once, whatever happens to the answer."""

from __future__ import annotations

import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.sms.client import SmsClient
from sandbox.sms import SmsTwin

GOOD = {"to": "+33639981126", "text": "Colibri : une demande attend votre réponse.", "reference": "notice/1"}


async def test_a_message_is_handed_over(client: SmsClient, twin: SmsTwin) -> None:
    assert await client.send(GOOD) == twin.messages[0].id
    assert (twin.messages[0].to, twin.messages[0].text) == (GOOD["to"], GOOD["text"])


async def test_a_lost_answer_does_not_deliver_twice(client: SmsClient, twin: SmsTwin) -> None:
    twin.faults.set("lost-answer")
    with pytest.raises(ConnectorFailure) as lost:
        await client.send(GOOD)
    assert lost.value.kind is Kind.UNREACHABLE
    assert await client.send(GOOD) == twin.messages[0].id
    assert len(twin.messages) == 1


async def test_a_cut_line_is_unreachable(client: SmsClient, twin: SmsTwin) -> None:
    twin.faults.set("cut")
    with pytest.raises(ConnectorFailure) as cut:
        await client.send(GOOD)
    assert cut.value.kind is Kind.UNREACHABLE
    assert twin.messages == []


async def test_a_page_instead_of_json_is_garbled(client: SmsClient, twin: SmsTwin) -> None:
    twin.faults.set("html")
    with pytest.raises(ConnectorFailure) as garbled:
        await client.send(GOOD)
    assert garbled.value.kind is Kind.GARBLED
    assert garbled.value.raw.startswith(b"<!doctype html>")
