"""Every OAuth error and every kind of trouble, as the token endpoint may answer them."""

from __future__ import annotations

import httpx
import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc.answers import ERRORS
from hub.connectors.psc.client import PscClient
from hub.connectors.psc.settings import PscSettings
from hub.web.sign_in import refusal_of
from tests.connectors.psc.forge import ISSUER
from tests.connectors.psc.test_settings import GIVEN

DISCOVERY = {
    "issuer": ISSUER,
    **{
        name: f"{ISSUER}/{name}"
        for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    },
}


async def answered(answer: httpx.Response | Exception) -> ConnectorFailure:
    """What the client says when the token endpoint answers this."""

    def peer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json=DISCOVERY)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(peer)) as http:
        client = PscClient(PscSettings(**{**GIVEN, "issuer": ISSUER}), http)
        with pytest.raises(ConnectorFailure) as caught:
            await client.exchange(code="c", verifier="v")
    return caught.value


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_each_code_of_the_table(code: str) -> None:
    failure = await answered(httpx.Response(400, json={"error": code, "error_description": "détail"}))
    assert (failure.kind, failure.code, failure.detail) == (ERRORS[code].kind, code, "détail")
    refusal = refusal_of(failure)
    assert refusal.text
    assert refusal.remedy


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx.Response(400, json={"error": "nouvelle_erreur"}), Kind.REFUSED, "nouvelle_erreur"),
        (httpx.Response(400, json={"error": 7}), Kind.REFUSED, "400"),
        (httpx.Response(400, json=["x"]), Kind.REFUSED, "400"),
        (httpx.Response(400, text="<html>"), Kind.REFUSED, "400"),
        (httpx.Response(401, json={"error": "invalid_client"}), Kind.DENIED, "invalid_client"),
        (httpx.Response(403), Kind.DENIED, "403"),
        (httpx.Response(429, headers={"Retry-After": "7"}), Kind.BUSY, "429"),
        (httpx.Response(503), Kind.BUSY, "503"),
        (httpx.Response(502), Kind.UNREACHABLE, "502"),
        (httpx.ConnectError("refused"), Kind.UNREACHABLE, "ConnectError"),
        (httpx.ReadTimeout("slow"), Kind.UNREACHABLE, "ReadTimeout"),
        (httpx.Response(200, text="<html>"), Kind.GARBLED, "json"),
        (httpx.Response(200, json=["x"]), Kind.GARBLED, "json"),
        (httpx.Response(200, json={"access_token": "a", "token_type": "mac"}), Kind.GARBLED, "token"),
        (httpx.Response(200, json={"token_type": "Bearer"}), Kind.GARBLED, "token"),
    ],
)
async def test_each_kind_of_trouble(answer: httpx.Response | Exception, kind: Kind, code: str) -> None:
    failure = await answered(answer)
    assert (failure.kind, failure.code) == (kind, code)
    assert refusal_of(failure).text
