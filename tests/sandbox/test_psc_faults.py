"""Keys, certificates and wanted faults of the PSC twin (PSC specification 2.5, 8.4, 13 points 3, 12, 13)."""

import hashlib
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import JoseError

from sandbox.psc import PscTwin, jose, tokens
from tests.sandbox.psc_service import CALLBACK, CLIENT, NONCE, VERIFIER, Service, at_hash


@pytest.fixture
async def psc(world):
    service = Service(PscTwin(world))
    async with service.http:
        yield service


MTLS = "colibri-sandbox-mtls"


def der(certificates, name: str) -> bytes:
    first = certificates.path(name).read_text().split("-----END CERTIFICATE-----")[0]
    return ssl.PEM_cert_to_DER_cert(first + "-----END CERTIFICATE-----\n")


async def by_certificate(psc: Service, **changes):
    back = await psc.sign_in(client_id=MTLS)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK}
    form |= {"code_verifier": VERIFIER, "client_id": MTLS} | changes
    return await psc.post("token", form, auth=None)


# Keys


def test_a_signature_is_refused_when_one_byte_changes():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jose.sign_rs256({"sub": "x"}, key, kid="k")
    good = jose.read(token)
    assert jose.verified_rs256(good, key.public_key())
    head, body, signature = token.split(".")
    altered = jose.read(f"{head}.{jose.b64(b'{}')}.{signature}")
    assert not jose.verified_rs256(altered, key.public_key())
    none = jose.b64(b'{"alg":"none"}')
    unsigned = jose.read(f"{none}.{body}.")
    assert not jose.verified_rs256(unsigned, key.public_key())


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "é.é.é", f"{jose.b64(b'[]')}.{jose.b64(b'[]')}.", "!.!.!"])
def test_what_is_no_token_is_unreadable(text):
    with pytest.raises(jose.Unreadable):
        jose.read(text)


async def test_the_next_key_is_published_before_it_signs_and_the_old_one_is_kept(psc):
    first = await psc.tokens()
    announced = {key["kid"] for key in await psc.keys() if key["use"] == "sig"}
    rotated = await psc.side("rotate-keys")
    assert rotated["kid"] in announced
    second = (await psc.refresh(first["refresh_token"])).json()
    old, new = [await psc.verified(answer["id_token"]) for answer in (first, second)]
    assert old.header["kid"] != new.header["kid"] == rotated["kid"]
    assert (await psc.userinfo(first["access_token"])).status_code == 200


async def test_a_brutal_rotation_drops_the_old_key_and_announced_nothing(psc):
    first = await psc.tokens()
    announced = {key["kid"] for key in await psc.keys()}
    rotated = await psc.side("rotate-keys", brutal=True)
    assert rotated["kid"] not in announced
    with pytest.raises((JoseError, ValueError)):
        await psc.verified(first["id_token"])
    assert (await psc.userinfo(first["access_token"])).status_code == 401
    second = (await psc.refresh(first["refresh_token"])).json()
    assert (await psc.verified(second["id_token"])).header["kid"] == rotated["kid"]


# Certificates


async def test_a_service_is_known_by_the_subject_of_its_certificate(psc, certificates):
    psc.certificate = der(certificates, "hub-auth-cli")
    answer = await by_certificate(psc)
    assert answer.status_code == 200, answer.text
    claims = (await psc.verified(answer.json()["access_token"])).claims
    assert claims["cnf"] == {"x5t#S256": jose.b64(hashlib.sha256(psc.certificate).digest())}
    assert (await psc.userinfo(answer.json()["access_token"])).status_code == 200
    again = await psc.post(
        "token",
        {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"], "client_id": MTLS},
        auth=None,
    )
    assert again.status_code == 200


@pytest.mark.parametrize("name", [None, "sas-client", "hub-sign", "hub-server"])
async def test_any_other_certificate_is_unknown(psc, certificates, name):
    psc.certificate = der(certificates, name) if name else None
    refused = await by_certificate(psc)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_a_bound_token_is_worth_nothing_on_another_connection(psc, certificates):
    psc.certificate = der(certificates, "hub-auth-cli")
    answer = (await by_certificate(psc)).json()
    for other in (None, der(certificates, "sas-client")):
        psc.certificate = other
        refused = await psc.userinfo(answer["access_token"])
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


async def test_the_binding_has_two_encodings_and_none(psc, certificates):
    psc.certificate = der(certificates, "hub-auth-cli")
    lengths = {}
    for encoding in ("rfc", "ans", "none"):
        await psc.side("settings", cnf_encoding=encoding)
        token = (await by_certificate(psc)).json()["access_token"]
        psc.http.cookies.clear()
        lengths[encoding] = len((await psc.verified(token)).claims.get("cnf", {}).get("x5t#S256", ""))
        assert (await psc.userinfo(token)).status_code == 200
    assert lengths == {"rfc": 43, "ans": 88, "none": 0}


def test_the_published_example_of_both_encodings():
    digest = bytes.fromhex("8649b44650c0f9b80caf243e0a518681da04c9b1d4be30776504cfdc57286415")
    assert tokens.encodings(digest) == {
        "rfc": "hkm0RlDA-bgMryQ-ClGGgdoEybHUvjB3ZQTP3FcoZBU",
        "ans": "ODY0OWI0NDY1MGMwZjliODBjYWYyNDNlMGE1MTg2ODFkYTA0YzliMWQ0YmUzMDc3NjUwNGNmZGM1NzI4NjQxNQ==",
    }


# Wanted faults


async def id_claims(psc: Service, fault: str = "", **how) -> dict:
    if fault:
        psc.twin.faults.set(fault, **how)
    psc.http.cookies.clear()
    answer = await psc.tokens()
    return (await psc.verified(answer["id_token"])).claims | {"access": answer["access_token"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("eidas1", "eidas1"),
        ("eidas2", "eidas2"),
        ("eidas3", "eidas3"),
        ("garbage", "niveau-inattendu"),
        ("absent", None),
    ],
)
async def test_the_level_comes_back_as_wanted(psc, value, expected):
    assert (await id_claims(psc, "acr", value=value)).get("acr") == expected
    assert (await id_claims(psc))["acr"] == "eidas1", "one call was asked for"


@pytest.mark.parametrize(
    ("fault", "claim", "truth"),
    [("wrong-nonce", "nonce", NONCE), ("wrong-aud", "aud", CLIENT), ("wrong-iss", "iss", None)],
)
async def test_a_claim_is_false(psc, fault, claim, truth):
    truth = truth or psc.issuer
    assert (await id_claims(psc, fault))[claim] not in (truth, "")
    assert (await id_claims(psc))[claim] == truth


async def test_the_hash_of_the_access_token_is_false(psc):
    claims = await id_claims(psc, "wrong-at-hash")
    assert claims["at_hash"] and claims["at_hash"] != at_hash(claims["access"])


async def test_the_clock_of_the_issuer_is_elsewhere(psc, world):
    now = world.clock.now().timestamp()
    claims = await id_claims(psc, "clock-skew", seconds=600)
    assert claims["iat"] >= now + 599 and claims["exp"] >= now + 719
    assert (await psc.userinfo(claims["access"])).status_code == 200


async def test_the_signing_key_is_nowhere(psc):
    psc.twin.faults.set("unknown-kid")
    answer = await psc.tokens()
    kid = jose.read(answer["id_token"]).header["kid"]
    assert kid not in {key["kid"] for key in await psc.keys()}


async def test_userinfo_speaks_of_somebody_else(psc):
    answer = await psc.tokens()
    psc.twin.faults.set("other-sub")
    sub = (await psc.verified(answer["id_token"])).claims["sub"]
    assert (await psc.userinfo(answer["access_token"])).json()["sub"] != sub
    assert (await psc.userinfo(answer["access_token"])).json()["sub"] == sub


async def test_userinfo_comes_signed(psc):
    answer = await psc.tokens()
    plain = (await psc.userinfo(answer["access_token"])).json()
    psc.twin.faults.set("userinfo-jwt")
    signed = await psc.userinfo(answer["access_token"])
    assert signed.headers["content-type"].startswith("application/jwt")
    claims = (await psc.verified(signed.text)).claims
    assert claims == {**plain, "iss": psc.issuer, "aud": CLIENT}


async def test_claims_nobody_expects_are_added(psc):
    psc.twin.faults.set("extra-claims", times=2)
    answer = await psc.tokens()
    assert (await psc.verified(answer["id_token"])).claims["auth_level"] == "1"
    assert "donnee_inconnue" in (await psc.userinfo(answer["access_token"])).json()


async def test_a_generic_fault_strikes_the_issuer(psc):
    answer = await psc.tokens()
    psc.twin.faults.set("status", value="503")
    assert (await psc.userinfo(answer["access_token"])).status_code == 503
    assert (await psc.userinfo(answer["access_token"])).status_code == 200
