"""Every check of psc.md 4.4 and 11.3, each with a forged token that must fail."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from hub.connectors.psc import tokens
from tests.connectors.psc.forge import ACCESS, CLIENT, ISSUER, NOW, Signer, expected, id_claims, logout_claims

SKEWS = Signer("skews")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refused(
    text: str, keys: dict[str, tokens.Key], table: tuple[tokens.Check, ...] = tokens.ID_TOKEN, **changes: Any
) -> str:
    with pytest.raises(tokens.Rejected) as caught:
        tokens.check(text, keys, table, expected(**changes))
    return caught.value.check


def test_a_good_token_passes(signer: Signer) -> None:
    claims = tokens.check(signer.sign(id_claims()), signer.keys(), tokens.ID_TOKEN, expected())
    assert claims["sub"].endswith(":899700999909")


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": None},
        {"at_hash": None},
        {"azp": None},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "autre"]},
        {"acr": None, "auth_level": "1", "inconnu": {"a": [1]}},
        {"nbf": int(NOW.timestamp())},
    ],
)
def test_lawful_variants_pass(signer: Signer, changes: dict[str, Any]) -> None:
    assert tokens.check(signer.sign(id_claims(**changes)), signer.keys(), tokens.ID_TOKEN, expected())


AT = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("iss", {"iss": ISSUER + "/"}),
        ("iss", {"iss": None}),
        ("aud", {"aud": "autre"}),
        ("aud", {"aud": ["autre"]}),
        ("aud", {"aud": {CLIENT: 1}}),
        ("aud", {"aud": None}),
        ("azp", {"azp": "autre"}),
        ("azp", {"aud": [CLIENT, "autre"], "azp": None}),
        ("azp", {"aud": [CLIENT, "autre"], "azp": "autre"}),
        ("exp", {"exp": None}),
        ("exp", {"exp": AT - 60}),
        ("exp", {"exp": str(AT + 60)}),
        ("exp", {"exp": True}),
        ("iat", {"iat": None}),
        ("iat", {"iat": AT + 61}),
        ("nbf", {"nbf": AT + 61}),
        ("nbf", {"nbf": "demain"}),
        ("nonce", {"nonce": "n-0123456789abcdeg"}),
        ("nonce", {"nonce": None}),
        ("nonce", {"nonce": ""}),
        ("typ", {"typ": "Bearer"}),
        ("typ", {"typ": "Refresh"}),
        ("at_hash", {"at_hash": tokens.at_hash(ACCESS + "x", "RS256")}),
        ("at_hash", {"at_hash": tokens.at_hash(ACCESS, "RS256") + "="}),
        ("at_hash", {"at_hash": ""}),
        ("sub", {"sub": ""}),
        ("sub", {"sub": None}),
    ],
)
def test_a_forged_claim_fails(signer: Signer, name: str, changes: dict[str, Any]) -> None:
    assert refused(signer.sign(id_claims(**changes)), signer.keys()) == name


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_times_that_are_not_numbers_fail(signer: Signer, literal: str) -> None:
    text = json.dumps(id_claims()).replace(f'"exp": {AT + 120}', f'"exp": {literal}')
    assert literal in text
    assert refused(signer.sign_bytes(text.encode()), signer.keys()) == "exp"


def test_alg_none_fails(signer: Signer) -> None:
    body = b64(json.dumps(id_claims()).encode())
    for alg in ("none", "None", "NONE", "", None, ["RS256"]):
        head = b64(json.dumps({"alg": alg, "kid": "k1"}).encode())
        assert refused(f"{head}.{body}.", signer.keys()) == "alg"


def test_hs256_with_our_public_key_or_secret_fails(signer: Signer) -> None:
    for secret in (signer.key.as_pem(private=False), b"secret-invente-colibri"):
        signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k1'}).encode())}.{b64(json.dumps(id_claims()).encode())}"
        text = f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"
        assert refused(text, signer.keys()) == "alg"


def test_a_stranger_with_our_kid_fails(signer: Signer) -> None:
    assert refused(Signer("k1").sign(id_claims()), signer.keys()) == "signature"


def test_an_unknown_or_absent_kid_fails(signer: Signer) -> None:
    assert refused(signer.sign(id_claims(), kid="k2"), signer.keys()) == "kid"
    _head, body, signature = signer.sign(id_claims()).split(".")
    for kid in ({}, {"kid": None}, {"kid": ["k1"]}, {"kid": ""}):
        assert (
            refused(f"{b64(json.dumps({'alg': 'RS256', **kid}).encode())}.{body}.{signature}", signer.keys()) == "kid"
        )


def test_a_key_of_another_kind_fails(signer: Signer) -> None:
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    text = jwt.encode({"alg": "ES256", "kid": "k1"}, id_claims(at_hash=None), key)
    assert refused(text, signer.keys()) == "signature"


def test_a_changed_byte_fails(signer: Signer) -> None:
    head, _, signature = signer.sign(id_claims()).split(".")
    body = b64(json.dumps(id_claims(sub="f:x:899700999917")).encode())
    assert refused(f"{head}.{body}.{signature}", signer.keys()) == "signature"


def test_an_unknown_critical_header_fails(signer: Signer) -> None:
    _head, body, signature = signer.sign(id_claims()).split(".")
    strange = b64(json.dumps({"alg": "RS256", "kid": "k1", "crit": ["exp"], "exp": 1}).encode())
    assert refused(f"{strange}.{body}.{signature}", signer.keys()) == "signature"


@given(text=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(b64), st.just("a.b.c"), st.just("W10.e30.")))
def test_noise_is_rejected_not_crashed_on(text: str) -> None:
    with pytest.raises(tokens.Rejected):
        tokens.check(text, SKEWS.keys(), tokens.ID_TOKEN, expected())


@pytest.mark.parametrize("algorithm", ["PS256", "RS512"])
def test_stronger_sisters_pass_with_their_own_at_hash(signer: Signer, algorithm: str) -> None:
    bare = {**signer.key.as_dict(private=True)}
    bare.pop("alg")
    key = RSAKey.import_key(bare)
    published = tokens.keys({"keys": [{**key.as_dict(private=False), "kid": "k1", "use": "sig"}]})
    claims = id_claims(at_hash=tokens.at_hash(ACCESS, algorithm))
    text = jwt.encode({"alg": algorithm, "kid": "k1"}, claims, key, algorithms=[algorithm])
    assert tokens.check(text, published, tokens.ID_TOKEN, expected())


def test_es256_passes() -> None:
    key = ECKey.generate_key("P-256", {"kid": "e1"})
    text = jwt.encode({"alg": "ES256", "kid": "e1"}, id_claims(), key)
    assert tokens.check(text, tokens.keys({"keys": [key.as_dict(private=False)]}), tokens.ID_TOKEN, expected())


CLAIMS = id_claims()
SIGNED = SKEWS.sign(CLAIMS)
KEYS = SKEWS.keys()


@given(skew=st.integers(min_value=-3600, max_value=3600), leeway=st.integers(min_value=0, max_value=60))
def test_clock_skew_is_tolerated_up_to_the_leeway_and_not_beyond(skew: int, leeway: int) -> None:
    """The token lives 120 s: it holds from ``iat - leeway`` (included) to ``exp + leeway`` (excluded)."""
    given_now = expected(now=NOW + timedelta(seconds=skew), leeway=leeway)
    lawful = -leeway <= skew < 120 + leeway
    try:
        tokens.check(SIGNED, KEYS, tokens.ID_TOKEN, given_now)
    except tokens.Rejected as rejected:
        assert not lawful
        assert rejected.check == ("iat" if skew < 0 else "exp")
    else:
        assert lawful


def test_keys_leave_out_what_does_not_sign(signer: Signer) -> None:
    good = signer.jwks()["keys"][0]
    document = {
        "keys": [good, {**good, "kid": "enc", "use": "enc"}, {"kty": "oct", "kid": "o", "k": "AAAA"}, {"kty": "RSA"}, 3]
    }
    assert list(tokens.keys(document)) == ["k1"]
    assert list(tokens.keys({"keys": [{"kty": "RSA", "kid": "x", "n": "!", "e": "AQAB"}]})) in ([], ["x"])
    with pytest.raises(ValueError, match="key set"):
        tokens.keys({"keys": "no"})


# ---------------------------------------------------------------- userinfo as a JWT


def test_signed_userinfo(signer: Signer) -> None:
    good = signer.sign({"iss": ISSUER, "aud": CLIENT, "sub": "x"})
    assert tokens.check(good, signer.keys(), tokens.USERINFO, expected())["sub"] == "x"
    assert refused(signer.sign({"iss": ISSUER, "aud": "autre"}), signer.keys(), tokens.USERINFO) == "aud"
    assert refused(signer.sign({"aud": CLIENT}), signer.keys(), tokens.USERINFO) == "iss"
    assert refused(signer.sign({"iss": ISSUER, "aud": CLIENT, "exp": AT - 61}), signer.keys(), tokens.USERINFO) == "exp"


# ---------------------------------------------------------------- logout token


def test_a_good_logout_token_passes(signer: Signer) -> None:
    assert tokens.check(signer.sign(logout_claims(), typ="logout+jwt"), signer.keys(), tokens.LOGOUT, expected())
    assert tokens.check(signer.sign(logout_claims(sid=None, sub="f:x:1")), signer.keys(), tokens.LOGOUT, expected())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("nonce", {"nonce": "n"}),
        ("events", {"events": None}),
        ("events", {"events": {tokens.LOGOUT_EVENT: True}}),
        ("events", {"events": ["x"]}),
        ("jti", {"jti": None}),
        ("sid", {"sid": None}),
        ("age", {"iat": AT - 361}),
        ("iat", {"iat": AT + 61}),
        ("exp", {"exp": AT - 61}),
        ("aud", {"aud": "autre"}),
        ("iss", {"iss": "https://ailleurs.example.org"}),
        ("typ", {"typ": "ID"}),
    ],
)
def test_a_forged_logout_token_fails(signer: Signer, name: str, changes: dict[str, Any]) -> None:
    assert refused(signer.sign(logout_claims(**changes)), signer.keys(), tokens.LOGOUT) == name


def test_an_id_token_is_not_a_logout_token(signer: Signer) -> None:
    assert refused(signer.sign(id_claims()), signer.keys(), tokens.LOGOUT) == "typ"
    assert refused(signer.sign(logout_claims(), typ="at+jwt"), signer.keys(), tokens.LOGOUT) == "typ"


# ---------------------------------------------------------------- acr


@pytest.mark.parametrize(
    ("acr", "asked", "missing", "enough"),
    [
        ("eidas1", 1, False, True),
        ("eidas2", 1, False, True),
        ("eidas3", 2, False, True),
        ("eidas1", 2, False, False),
        (None, 1, True, True),
        (None, 1, False, False),
        ("0", 1, True, False),
        ("eidas", 1, True, False),
        ("eidas²", 1, True, False),
        (3, 1, True, False),
        ({"a": 1}, 1, True, False),
    ],
)
def test_acr(acr: object, asked: int, missing: bool, enough: bool) -> None:
    assert tokens.acr_is_enough(acr, asked=asked, accept_missing=missing) is enough
