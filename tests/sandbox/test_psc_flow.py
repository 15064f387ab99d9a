"""Authorization code flow of the PSC twin, and each of its refusals (PSC specification 2, 4)."""

import httpx
import pytest

from sandbox.psc import PscTwin
from tests.sandbox.psc_service import (
    CALLBACK,
    CLIENT,
    NONCE,
    SECRET,
    STATE,
    VASSEUR,
    Service,
    at_hash,
    callback,
    origin,
)


@pytest.fixture
async def psc(world):
    service = Service(PscTwin(world))
    async with service.http:
        yield service


async def discover(psc: Service, name: str) -> dict:
    return (await psc.http.get(f"{psc.issuer}/.well-known/{name}")).json()


async def test_discovery_has_a_name_and_an_authorization_host_of_its_own(psc):
    found = await discover(psc, "wallet-openid-configuration")
    assert found["issuer"] == psc.issuer
    assert found["authorization_endpoint"] == f"{psc.wallet}/auth"
    assert origin(found["authorization_endpoint"]) != origin(found["issuer"])
    assert found["acr_values_supported"] == ["0", "0"]
    assert found["token_endpoint"] == f"{psc.issuer}/protocol/openid-connect/token"
    assert found["mtls_endpoint_aliases"]["token_endpoint"] == found["token_endpoint"]
    assert "urn:ietf:params:oauth:grant-type:token-exchange" not in found["grant_types_supported"]


async def test_the_standard_name_leads_to_an_explanation(psc):
    wallet, standard = [await discover(psc, f"{name}openid-configuration") for name in ("wallet-", "")]
    differing = {name for name in wallet if wallet[name] != standard[name]}
    assert differing == {"authorization_endpoint"}
    page = await psc.http.get(standard["authorization_endpoint"])
    assert page.status_code == 400
    assert "wallet-openid-configuration" in page.text
    assert "Environnement fictif, aucune donnée réelle" in page.text


async def test_the_whole_flow(psc):
    back = await psc.sign_in()
    assert back["state"] == STATE and back["iss"] == psc.issuer
    answer = (await psc.redeem(back["code"])).json()
    assert answer["expires_in"] == 120 and answer["refresh_expires_in"] == 1800
    assert answer["scope"] == "openid profile scope_all identity"
    assert answer["session_state"] == back["session_state"]
    token = await psc.verified(answer["id_token"])
    claims = token.claims
    assert token.header["alg"] == "RS256" and token.header["kid"]
    assert (claims["iss"], claims["aud"], claims["azp"], claims["typ"]) == (psc.issuer, CLIENT, CLIENT, "ID")
    assert claims["nonce"] == NONCE and claims["sid"] == claims["session_state"] == back["session_state"]
    assert claims["at_hash"] == at_hash(answer["access_token"])
    assert claims["acr"] == "eidas1" and claims["SubjectNameID"] == VASSEUR
    assert claims["exp"] - claims["iat"] == 120 and claims["auth_time"] <= claims["iat"]
    info = (await psc.userinfo(answer["access_token"])).json()
    assert info["sub"] == claims["sub"] and info["sub"].endswith(VASSEUR)
    assert info["SubjectNameID"] == VASSEUR and info["authMode"] == "MOBILE"


async def test_the_access_token_names_no_audience(psc):
    claims = (await psc.verified((await psc.tokens())["access_token"])).claims
    assert "aud" not in claims and "cnf" not in claims
    assert claims["typ"] == "Bearer" and claims["nonce"] == NONCE
    assert claims["otherIds"] == [{"identifiant": VASSEUR, "origine": "RPPS", "qualite": 1}]


async def test_without_a_nonce_the_access_token_has_an_empty_one(psc):
    answer = await psc.tokens(nonce=None)
    assert (await psc.verified(answer["access_token"])).claims["nonce"] == ""
    assert "nonce" not in (await psc.verified(answer["id_token"])).claims


async def test_a_secret_in_the_form_does_as_well(psc):
    back = await psc.sign_in()
    answer = await psc.redeem(back["code"], auth=None, client_id=CLIENT, client_secret=SECRET)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "inconnu"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "urn:invente"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unauthorized_client"),
        ({"client_secret": SECRET}, "invalid_request"),
    ],
)
async def test_a_wrong_token_request_is_refused(psc, changes, error):
    back = await psc.sign_in()
    refused = await psc.redeem(back["code"], **changes)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.json()["error_description"]


@pytest.mark.parametrize("auth", [(CLIENT, "autre"), ("inconnu", SECRET), ("colibri-sandbox-mtls", SECRET), None])
async def test_a_caller_without_its_secret_is_unknown(psc, auth):
    back = await psc.sign_in()
    refused = await psc.redeem(back["code"], auth=auth)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert (await psc.redeem(back["code"])).status_code == 200, "the code was not spent by a stranger"


async def test_a_code_serves_once_and_its_second_use_closes_what_it_opened(psc):
    back = await psc.sign_in()
    first = (await psc.redeem(back["code"])).json()
    again = await psc.redeem(back["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await psc.userinfo(first["access_token"])).status_code == 401
    assert (await psc.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_wrong_verifier_spends_the_code(psc):
    back = await psc.sign_in()
    await psc.redeem(back["code"], code_verifier="x" * 43)
    assert (await psc.redeem(back["code"])).json()["error"] == "invalid_grant"


async def test_a_code_lives_a_minute(psc, world):
    back = await psc.sign_in()
    world.clock.advance(60)
    refused = await psc.redeem(back["code"])
    assert (refused.json()["error"], refused.json()["error_description"]) == ("invalid_grant", "Code is expired")


async def test_a_code_belongs_to_the_service_that_asked(psc):
    await psc.side("clients", id="autre", name="Autre", redirect_uris=[CALLBACK], secret="autre-secret")
    back = await psc.sign_in()
    assert (await psc.redeem(back["code"], auth=("autre", "autre-secret"))).json()["error"] == "invalid_grant"


async def test_a_plain_challenge_and_none_at_all_are_accepted(psc):
    verifier = "v" * 43
    plain = await psc.sign_in(code_challenge=verifier, code_challenge_method=None)
    assert (await psc.redeem(plain["code"], code_verifier=verifier)).status_code == 200
    psc.http.cookies.clear()
    without = await psc.sign_in(code_challenge=None, code_challenge_method=None)
    assert (await psc.redeem(without["code"], code_verifier=None)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "inconnu"},
        {"client_id": None},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": None},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(psc, changes):
    page = await psc.authorize(**changes)
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "Cette demande ne peut pas être suivie" in page.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"scope": "scope_all"}, "invalid_scope"),
        ({"scope": "openid inconnu"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "autre"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "court"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
    ],
)
async def test_a_wrong_authorization_request_is_sent_back(psc, changes, error):
    back = callback(await psc.authorize(**changes))
    assert (back["error"], back["state"], back["iss"]) == (error, STATE, psc.issuer)
    assert "code" not in back


async def test_a_repeated_parameter_is_refused_on_both_channels(psc):
    door = httpx.URL((await psc.authorize()).request.url)
    assert callback(await psc.http.get(f"{door}&nonce=deux"))["error"] == "invalid_request"
    twice = f"grant_type=authorization_code&grant_type=refresh_token&client_id={CLIENT}&client_secret={SECRET}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = await psc.http.post(f"{psc.issuer}/protocol/openid-connect/token", content=twice, headers=headers)
    assert (refused.status_code, refused.json()["error_description"]) == (400, "duplicated parameter")


async def test_a_json_body_is_no_token_request(psc):
    refused = await psc.http.post(f"{psc.issuer}/protocol/openid-connect/token", json={}, auth=(CLIENT, SECRET))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_every_call_leaves_its_checks_and_no_secret(psc, world):
    answer = await psc.tokens()
    entries = world.journal.entries("psc")
    token = next(entry for entry in entries if entry.facts["path"].endswith("/token"))
    assert token.accepted and token.subject == VASSEUR and token.facts["grant_type"] == "authorization_code"
    assert all(check.passed for check in token.checks if "PKCE" in check.what or "vérificateur" in check.what)
    asked = next(entry for entry in entries if entry.title == "Demande d’autorisation")
    assert {check.what for check in asked.checks} >= {"PKCE en S256", "scope_all est demandé"}
    said = "".join(entry.request + entry.answer for entry in entries)
    secrets = (SECRET, answer["access_token"], answer["refresh_token"], answer["id_token"])
    assert not any(secret in said for secret in secrets)


async def test_what_was_not_granted_is_said_so(psc):
    for path in ("ext/ciba/auth", "ext/par/request", "auth/device"):
        refused = await psc.post(path, {"scope": "openid"})
        assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
