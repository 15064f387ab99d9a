"""The doors of the PSC twin over real sockets: two origins, TLS, and the certificate of the caller."""

import ssl

import httpx
import pytest

from sandbox.psc import PscTwin
from sandbox.servers import listening
from tests.sandbox.psc_service import CALLBACK, CHALLENGE, LEBRUN, NONCE, STATE, VERIFIER, callback

MTLS = "colibri-sandbox-mtls"


def trusting(certificates, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates.authority)
    if name:
        context.load_cert_chain(certificates.path(name), certificates.key(name))
    return context


@pytest.mark.parametrize(("name", "status"), [("hub-auth-cli", 200), (None, 401)])
async def test_the_certificate_of_the_connection_is_the_one_that_counts(open_world, certificates, name, status):
    twin = PscTwin(open_world)
    issuer, wallet = open_world.settings.url("psc"), open_world.settings.url("wallet")
    async with listening(twin.listeners(), open_world), httpx.AsyncClient(verify=trusting(certificates, name)) as http:
        found = (await http.get(f"{issuer}/auth/realms/esante-wallet/.well-known/wallet-openid-configuration")).json()
        assert found["authorization_endpoint"].startswith(wallet)
        asked = {"response_type": "code", "client_id": MTLS, "redirect_uri": CALLBACK, "scope": "openid scope_all"}
        asked |= {"state": STATE, "nonce": NONCE, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        door = await http.get(found["authorization_endpoint"], params=asked)
        card = await http.post(
            f"{wallet}{door.headers['location']}/carte", data={"identifiant": LEBRUN, "code": "1234"}
        )
        form = {"grant_type": "authorization_code", "code": callback(card)["code"], "client_id": MTLS}
        form |= {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = await http.post(found["token_endpoint"], data=form)
        assert answer.status_code == status, answer.text
        if status == 200:
            bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            assert (await http.get(found["userinfo_endpoint"], headers=bearer)).json()["SubjectNameID"] == LEBRUN
