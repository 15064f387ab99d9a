"""The whole flow against the twin, and what each of its faults becomes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

import hub.clock
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc.answers import SignedIn
from hub.connectors.psc.authentication import assertion, days_left
from hub.connectors.psc.client import PscClient
from hub.domain.identity import situations
from hub.web.sign_in import challenge_of
from tests.psc_twin import EDIT, MARCHAND, MINIMAL, VASSEUR, Psc

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
NONCE = "nonce-invente-0123456789abcdef"


async def sign_in(psc: Psc, person: str = VASSEUR, *, client: PscClient | None = None) -> SignedIn:
    ours = client or psc.client
    url = await ours.authorization_url(state="etat-0123456789abcdef", nonce=NONCE, challenge=challenge_of(VERIFIER))
    back = await psc.go(url, person)
    assert back["state"] == "etat-0123456789abcdef"
    return await ours.signed_in(await ours.exchange(code=back["code"], verifier=VERIFIER), nonce=NONCE)


async def failed(psc: Psc, **changes: object) -> ConnectorFailure:
    with pytest.raises(ConnectorFailure) as caught:
        await sign_in(psc, client=psc.client_with(**changes))
    return caught.value


async def test_a_doctor_with_two_activities_signs_in(psc: Psc) -> None:
    signed = await sign_in(psc, MARCHAND)
    assert signed.identity.national_id == MARCHAND
    assert [one.structure_key for one in situations(signed.identity)] == ["R10000000950003", "F950099911"]
    assert (signed.acr, signed.auth_mode) == ("eidas1", "MOBILE")
    assert signed.sid
    assert signed.tokens.refresh
    assert timedelta(0) <= hub.clock.now() - signed.auth_time < timedelta(minutes=1)


async def test_everybody_the_twin_knows_can_be_read(psc: Psc) -> None:
    people = (await psc.browser.get("http://home.test/twins/psc/people")).json()["people"]
    assert len(people) > 10
    for person in people:
        psc.browser.cookies.clear()
        signed = await sign_in(psc, person["identifier"])
        assert signed.identity.national_id == person["identifier"]
        assert signed.identity.agrees
        assert signed.identity.is_minimal is (person["identifier"] == MINIMAL)
        assert signed.identity.is_test is person["identifier"].startswith(("8997", EDIT))


async def test_the_authorization_address(psc: Psc) -> None:
    ours = psc.client_with(idp_hints={"hopital": "alias-hopital"})
    url = await ours.authorization_url(state="s", nonce="n", challenge="c", prompt="login", establishment="hopital")
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{psc.wallet}/auth?")
    assert query["scope"] == ["openid scope_all"]
    assert query["acr_values"] == ["eidas1"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["kc_idp_hint"] == ["alias-hopital"]
    unknown = await ours.authorization_url(state="s", nonce="n", challenge="c", establishment="autre")
    assert "kc_idp_hint" not in unknown


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_client_authentication_with_a_secret(psc: Psc, method: str) -> None:
    assert await sign_in(psc, client=psc.client_with(auth_method=method))
    psc.browser.cookies.clear()
    refused = await failed(psc, auth_method=method, client_secret="faux")
    assert (refused.kind, refused.code) == (Kind.DENIED, "invalid_client")


async def test_private_key_jwt_assertion_verifies(psc: Psc, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "signing.pem"
    file.write_bytes(key.private_bytes(*form))
    settings = psc.settings(auth_method="private_key_jwt", client_secret=None, signing_key=file, signing_key_id="k")
    text = assertion(settings, audience="https://psc.example.org/token", now=hub.clock.now())
    claims = jwt.decode(text, RSAKey.import_key(file.read_bytes()), algorithms=["RS256"]).claims
    assert claims["iss"] == claims["sub"] == "colibri-sandbox"
    assert claims["aud"] == "https://psc.example.org/token"
    assert claims["exp"] - claims["iat"] == 60


async def test_days_left_of_our_certificate(psc: Psc) -> None:
    pair = {"certificate": psc.certificates.path("hub-auth-cli"), "key": psc.certificates.key("hub-auth-cli")}
    settings = psc.settings(auth_method="tls_client_auth", client_secret=None, **pair)
    left = days_left(settings, hub.clock.now())
    assert left is not None
    assert left > 0
    assert days_left(psc.settings(), hub.clock.now()) is None


async def test_the_user_refuses_on_the_phone(psc: Psc) -> None:
    url = await psc.client.authorization_url(state="s" * 22, nonce=NONCE, challenge=challenge_of(VERIFIER))
    back = await psc.go(url, answer="refuse")
    assert back["error"] == "access_denied"


async def test_a_code_serves_once_and_with_its_verifier(psc: Psc) -> None:
    url = await psc.client.authorization_url(state="s" * 22, nonce=NONCE, challenge=challenge_of(VERIFIER))
    back = await psc.go(url)
    with pytest.raises(ConnectorFailure) as wrong:
        await psc.client.exchange(code=back["code"], verifier="autre" * 10)
    assert wrong.value.code == "invalid_grant"
    with pytest.raises(ConnectorFailure) as twice:
        await psc.client.exchange(code=back["code"], verifier=VERIFIER)
    assert (twice.value.kind, twice.value.code) == (Kind.REFUSED, "invalid_grant")


async def test_another_nonce_is_not_believed(psc: Psc) -> None:
    url = await psc.client.authorization_url(state="s" * 22, nonce=NONCE, challenge=challenge_of(VERIFIER))
    back = await psc.go(url)
    obtained = await psc.client.exchange(code=back["code"], verifier=VERIFIER)
    with pytest.raises(ConnectorFailure) as caught:
        await psc.client.signed_in(obtained, nonce="nonce-d-un-autre")
    assert (caught.value.kind, caught.value.code) == (Kind.GARBLED, "id_token.nonce")


async def test_refresh_gives_new_tokens_until_the_session_ends(psc: Psc) -> None:
    signed = await sign_in(psc)
    assert signed.tokens.refresh is not None
    fresh = await psc.client.refresh(signed.tokens.refresh, sub=signed.identity.sub)
    assert fresh.refresh is not None
    with pytest.raises(ConnectorFailure) as other:
        await psc.client.refresh(fresh.refresh, sub="f:autre:899700999917")
    assert other.value.code == "id_token.sub"
    await psc.side("end-sessions", identifier=VASSEUR)
    with pytest.raises(ConnectorFailure) as over:
        await psc.client.refresh(fresh.refresh, sub=signed.identity.sub)
    assert over.value.code == "invalid_grant"


async def test_keys_turn_and_the_new_one_is_fetched(psc: Psc) -> None:
    ours = psc.client_with(keys_refetch=0.0)
    assert await sign_in(psc, client=ours)
    await psc.side("rotate-keys", brutal=True)
    psc.browser.cookies.clear()
    assert await sign_in(psc, client=ours)


async def test_unknown_keys_are_not_fetched_at_every_call(psc: Psc) -> None:
    assert await sign_in(psc)
    await psc.side("rotate-keys", brutal=True)
    psc.browser.cookies.clear()
    with pytest.raises(ConnectorFailure) as caught:
        await sign_in(psc)
    assert caught.value.code == "id_token.kid"


async def test_the_last_good_discovery_document_serves_when_the_service_is_silent(psc: Psc) -> None:
    ours = psc.client_with(discovery_cache=0.0, keys_refetch=0.0)
    before = await ours.discovery()
    psc.is_down = True
    assert await ours.discovery() == before
    with pytest.raises(ConnectorFailure) as caught:
        await psc.client_with().discovery()
    assert caught.value.kind is Kind.UNREACHABLE


async def test_an_ordinary_provider_is_found_under_the_usual_name(psc: Psc) -> None:
    found = await psc.client_with(discovery_path="/.well-known/openid-configuration").discovery()
    assert found.token_endpoint.startswith(psc.issuer)
    moved = await psc.client_with(endpoints={"token_endpoint": "https://ailleurs.example.org/token"}).discovery()
    assert moved.token_endpoint == "https://ailleurs.example.org/token"


async def test_the_issuer_must_be_ours_to_the_letter(psc: Psc) -> None:
    refused = await failed(psc, issuer=psc.issuer.replace("localhost", "LOCALHOST"))
    assert refused.kind in (Kind.GARBLED, Kind.UNREACHABLE)


async def test_end_of_session_address(psc: Psc) -> None:
    signed = await sign_in(psc)
    url = await psc.client.end_session_url(id_token=signed.tokens.id_token, state="s1")
    assert url is not None
    answer = await psc.browser.get(url)
    assert answer.headers["location"].startswith("http://localhost:8000/connexion")


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("wrong-nonce", "id_token.nonce"),
        ("wrong-iss", "id_token.iss"),
        ("wrong-aud", "id_token.aud"),
        ("wrong-at-hash", "id_token.at_hash"),
        ("other-sub", "userinfo.sub"),
        ("unknown-kid", "id_token.kid"),
    ],
)
async def test_a_twin_that_lies_is_not_believed(psc: Psc, fault: str, check: str) -> None:
    psc.twin.faults.set(fault, times=0)
    refused = await failed(psc)
    assert (refused.kind, refused.code) == (Kind.GARBLED, check)


@pytest.mark.parametrize("fault", ["userinfo-jwt", "extra-claims"])
async def test_lawful_oddities_pass(psc: Psc, fault: str) -> None:
    psc.twin.faults.set(fault, times=0)
    assert (await sign_in(psc)).identity.national_id == VASSEUR


@pytest.mark.parametrize(("skew", "passes"), [(50, True), (90, False)])
async def test_clocks_that_differ(psc: Psc, skew: int, passes: bool) -> None:
    psc.twin.faults.set("clock-skew", times=0, seconds=skew)
    if passes:
        assert await sign_in(psc)
    else:
        assert (await failed(psc)).code == "id_token.iat"


@pytest.mark.parametrize(
    ("value", "kept"),
    [("eidas1", "eidas1"), ("eidas2", "eidas2"), ("eidas3", "eidas3"), ("absent", None), ("garbage", ...)],
)
async def test_acr_never_crashes(psc: Psc, value: str, kept: object) -> None:
    psc.twin.faults.set("acr", times=0, value=value)
    signed = await sign_in(psc)
    assert kept is ... or signed.acr == kept


async def test_acr_below_the_level_asked_is_refused(psc: Psc) -> None:
    psc.twin.faults.set("acr", times=0, value="eidas1")
    assert (await failed(psc, acr_values="eidas2")).code == "acr-too-low"
    psc.twin.faults.set("acr", times=0, value="absent")
    psc.browser.cookies.clear()
    assert (await failed(psc, acr_missing="refuse")).code == "acr-missing"


@pytest.mark.parametrize(
    ("fault", "value", "kind"),
    [("status", "503", Kind.BUSY), ("status", "500", Kind.UNREACHABLE), ("html", "", Kind.GARBLED)],
)
async def test_a_service_in_trouble(psc: Psc, fault: str, value: str, kind: Kind) -> None:
    psc.twin.faults.set(fault, times=0, value=value)
    with pytest.raises(ConnectorFailure) as caught:
        await psc.client.discovery()
    assert caught.value.kind is kind
