"""Single sign-on, refresh, introspection, revocation, end of session (PSC specification 3, 6, 11, 13)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.psc import PscTwin
from tests.sandbox.psc_service import AFTER_LOGOUT, CLIENT, LEBRUN, VASSEUR, Service, callback


@pytest.fixture
async def psc(world):
    service = Service(PscTwin(world))
    async with service.http:
        yield service


async def auth_time(psc: Service, back: dict[str, str]) -> int:
    answer = (await psc.redeem(back["code"])).json()
    return (await psc.verified(answer["id_token"])).claims["auth_time"]


async def logout(psc: Service, **params: str):
    return await psc.http.get(f"{psc.issuer}/protocol/openid-connect/logout", params=params)


async def test_a_second_service_needs_no_sign_in(psc):
    first = await psc.sign_in()
    again = callback(await psc.authorize(state="autre-etat-0123456789abcdef"))
    assert again["session_state"] == first["session_state"]
    assert again["code"] != first["code"] and again["state"] == "autre-etat-0123456789abcdef"
    assert await auth_time(psc, first) == await auth_time(psc, again)


async def test_prompt_none_answers_by_a_code_or_by_login_required(psc):
    assert callback(await psc.authorize(prompt="none"))["error"] == "login_required"
    await psc.sign_in()
    assert "code" in callback(await psc.authorize(prompt="none"))


async def test_prompt_login_signs_in_again_within_the_same_session(psc, world):
    first = await psc.sign_in()
    before = await auth_time(psc, first)
    world.clock.advance(100)
    again = await psc.sign_in(prompt="login")
    assert again["session_state"] == first["session_state"]
    assert await auth_time(psc, again) >= before + 100


async def test_another_person_at_the_same_browser_ends_the_former_session(psc):
    first = await psc.tokens(VASSEUR)
    second = await psc.tokens(LEBRUN, prompt="login")
    assert second["session_state"] != first["session_state"]
    assert (await psc.userinfo(first["access_token"])).status_code == 401
    assert (await psc.userinfo(second["access_token"])).json()["SubjectNameID"] == LEBRUN


async def test_max_age_asks_again_when_the_sign_in_is_too_old(psc, world):
    await psc.sign_in()
    world.clock.advance(50)
    assert "code" in callback(await psc.authorize(max_age="60"))
    world.clock.advance(50)
    assert (await psc.authorize(max_age="60")).headers["location"].startswith("/mire/")
    assert callback(await psc.authorize(max_age="60", prompt="none"))["error"] == "login_required"


async def test_the_session_ends_after_half_an_hour_without_activity(psc, world):
    await psc.sign_in()
    world.clock.advance(1790)
    assert "code" in callback(await psc.authorize(prompt="none"))
    world.clock.advance(1790)
    assert "code" in callback(await psc.authorize(prompt="none"))
    world.clock.advance(1800)
    assert callback(await psc.authorize(prompt="none"))["error"] == "login_required"


async def test_activity_never_carries_a_session_past_four_hours(psc, world):
    answer = await psc.tokens()
    for _ in range(15):
        world.clock.advance(900)
        answer = (await psc.refresh(answer["refresh_token"])).json()
    world.clock.advance(840)
    last = (await psc.refresh(answer["refresh_token"])).json()
    assert 0 < last["expires_in"] <= 60 and last["refresh_expires_in"] <= 60
    world.clock.advance(60)
    assert (await psc.refresh(last["refresh_token"])).json()["error"] == "invalid_grant"


async def test_durations_can_be_seconds(psc, world):
    await psc.side("settings", idle_seconds=5, session_seconds=8, access_seconds=2)
    answer = await psc.tokens()
    assert answer["expires_in"] == 2
    world.clock.advance(5)
    assert (await psc.refresh(answer["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_unknown_setting_changes_nothing(psc):
    refused = await psc.http.post(f"{psc.home}/twins/psc/settings", json={"access_seconds": 1, "inconnu": 2})
    assert refused.status_code == 422
    assert (await psc.http.get(f"{psc.home}/twins/psc/settings")).json()["access_seconds"] == 120


async def test_a_refresh_renews_both_tokens_and_keeps_the_sign_in_time(psc, world):
    first = await psc.tokens()
    world.clock.advance(300)
    assert (await psc.userinfo(first["access_token"])).status_code == 401
    second = (await psc.refresh(first["refresh_token"])).json()
    assert (await psc.userinfo(second["access_token"])).status_code == 200
    old, new = [(await psc.verified(answer["id_token"])).claims for answer in (first, second)]
    assert new["auth_time"] == old["auth_time"] and new["iat"] >= old["iat"] + 300
    assert second["refresh_token"] != first["refresh_token"]


async def test_a_refresh_token_serves_once_unless_told_otherwise(psc):
    first = await psc.tokens()
    second = (await psc.refresh(first["refresh_token"])).json()
    assert (await psc.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    await psc.side("settings", refresh_single_use=False)
    for _ in range(2):
        assert (await psc.refresh(second["refresh_token"])).status_code == 200


async def test_an_access_token_does_not_refresh(psc):
    answer = await psc.tokens()
    for token in (answer["access_token"], "pas-un-jeton"):
        assert (await psc.refresh(token)).json()["error"] == "invalid_grant"


async def test_introspection_of_an_access_token(psc):
    answer = await psc.tokens()
    found = await psc.introspect(answer["access_token"])
    assert found["active"] is True and found["SubjectNameID"] == VASSEUR and found["username"] == VASSEUR
    assert found["client_id"] == found["azp"] == CLIENT and found["typ"] == "Bearer"
    assert found["sid"] == answer["session_state"] and found["authMode"] == "MOBILE"
    assert found["otherIds"][0]["identifiant"] == VASSEUR


async def test_introspection_of_a_refresh_token_names_nobody_by_subject_name(psc, world):
    answer = await psc.tokens()
    world.clock.advance(600)
    assert await psc.introspect(answer["access_token"]) == {"active": False}
    found = await psc.introspect(answer["refresh_token"])
    assert found["active"] is True and "SubjectNameID" not in found


async def test_introspection_says_nothing_of_what_is_over(psc):
    answer = await psc.tokens()
    for text in ("pas-un-jeton", answer["id_token"]):
        assert await psc.introspect(text) == {"active": False}
    await psc.side("end-sessions", identifier=VASSEUR)
    for name in ("access_token", "refresh_token"):
        assert await psc.introspect(answer[name]) == {"active": False}
    refused = await psc.post("token/introspect", {"token": answer["access_token"]}, auth=(CLIENT, "autre"))
    assert refused.status_code == 401


async def test_revoking_an_access_token_leaves_the_rest(psc):
    answer = await psc.tokens()
    revoked = await psc.post("revoke", {"token": answer["access_token"]})
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert (await psc.userinfo(answer["access_token"])).status_code == 401
    assert (await psc.refresh(answer["refresh_token"])).status_code == 200


async def test_revoking_a_refresh_token_takes_the_grant_and_not_the_single_sign_on(psc):
    answer = await psc.tokens()
    await psc.post("revoke", {"token": answer["refresh_token"]})
    assert (await psc.userinfo(answer["access_token"])).status_code == 401
    assert (await psc.refresh(answer["refresh_token"])).json()["error"] == "invalid_grant"
    assert "code" in callback(await psc.authorize(prompt="none"))


async def test_revocation_forgives_an_unknown_token_but_not_a_stranger(psc):
    assert (await psc.post("revoke", {"token": "inconnu"})).status_code == 200
    assert (await psc.post("revoke", {})).json()["error"] == "invalid_request"
    await psc.side("clients", id="autre", name="Autre", redirect_uris=["http://localhost:9/"], secret="autre-secret")
    answer = await psc.tokens()
    refused = await psc.post("revoke", {"token": answer["access_token"]}, auth=("autre", "autre-secret"))
    assert refused.status_code == 400
    assert (await psc.userinfo(answer["access_token"])).status_code == 200


async def test_logout_ends_the_session_and_comes_back_with_its_state(psc):
    answer = await psc.tokens()
    left = await logout(
        psc, id_token_hint=answer["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="apres-deconnexion"
    )
    address = urlsplit(left.headers["location"])
    assert left.status_code == 302 and address._replace(query="").geturl() == AFTER_LOGOUT
    assert parse_qs(address.query) == {"state": ["apres-deconnexion"]}
    assert (await psc.refresh(answer["refresh_token"])).json()["error"] == "invalid_grant"
    assert callback(await psc.authorize(prompt="none"))["error"] == "login_required"


async def test_logout_may_come_back_without_state(psc):
    await psc.side("settings", logout_state=False)
    answer = await psc.tokens()
    left = await logout(psc, id_token_hint=answer["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="perdu")
    assert left.headers["location"] == AFTER_LOGOUT


async def test_logout_still_works_with_an_id_token_that_has_expired(psc, world):
    answer = await psc.tokens()
    world.clock.advance(1000)
    left = await psc.http.post(
        f"{psc.issuer}/protocol/openid-connect/logout", data={"id_token_hint": answer["id_token"]}
    )
    assert left.status_code == 200 and "Session terminée" in left.text
    assert (await psc.refresh(answer["refresh_token"])).json()["error"] == "invalid_grant"


async def test_logout_by_client_alone_asks_first(psc):
    answer = await psc.tokens()
    asked = await logout(psc, client_id=CLIENT, post_logout_redirect_uri=AFTER_LOGOUT)
    assert asked.status_code == 200 and "Terminer la session" in asked.text
    assert (await psc.userinfo(answer["access_token"])).status_code == 200
    left = await psc.http.post(
        f"{psc.issuer}/protocol/openid-connect/logout",
        data={"client_id": CLIENT, "post_logout_redirect_uri": AFTER_LOGOUT, "reponse": "terminer"},
    )
    assert left.headers["location"] == AFTER_LOGOUT
    assert (await psc.userinfo(answer["access_token"])).status_code == 401


async def test_logout_from_server_to_server(psc):
    answer = await psc.tokens()
    left = await psc.post("logout", {"refresh_token": answer["refresh_token"]})
    assert left.status_code == 204
    assert await psc.introspect(answer["refresh_token"]) == {"active": False}


async def test_logout_goes_to_no_address_that_is_not_registered(psc):
    answer = await psc.tokens()
    wrong = (
        {"id_token_hint": answer["id_token"], "post_logout_redirect_uri": "http://ailleurs.test/"},
        {"post_logout_redirect_uri": AFTER_LOGOUT},
        {"id_token_hint": "pas-un-jeton", "post_logout_redirect_uri": AFTER_LOGOUT},
        {"id_token_hint": answer["access_token"], "post_logout_redirect_uri": AFTER_LOGOUT},
        {"id_token_hint": answer["id_token"], "client_id": "colibri-sandbox-mtls"},
    )
    for params in wrong:
        refused = await logout(psc, **params)
        assert refused.status_code == 400 and "location" not in refused.headers
    assert (await psc.userinfo(answer["access_token"])).status_code == 200


async def test_reset_forgets_everything(psc):
    answer = await psc.tokens()
    before = {key["kid"] for key in await psc.keys() if key["use"] == "sig"}
    await psc.side("settings", access_seconds=9)
    psc.twin.reset()
    assert (await psc.userinfo(answer["access_token"])).status_code == 401
    assert callback(await psc.authorize(prompt="none"))["error"] == "login_required"
    assert psc.twin.realm.options.access_seconds == 120
    assert not before & {key["kid"] for key in await psc.keys() if key["use"] == "sig"}
