"""Tokens of the realm: made, and recognised again (PSC specification 3, 4.3, 5.1, 5.2, 8.4)."""

import base64
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.psc import claims, jose
from sandbox.psc.ledger import Grant
from sandbox.psc.people import Person
from sandbox.psc.realm import Realm
from sandbox.psc.sessions import Session

ACR = "eidas1"
ACR_FAULTS = {"absent": "", "garbage": "niveau-inattendu"}
STRANGE_CLAIMS = {"auth_level": "1", "amr": ["sc", "pin"], "donnee_inconnue": {"version": 3, "valeurs": [None, True]}}

Lie = Callable[[dict[str, Any]], dict[str, Any]]
# Members of the id_token that each wanted fault replaces.
LIES: dict[str, Lie] = {
    "wrong-nonce": lambda found: {"nonce": f"autre-{uuid.uuid4()}"},
    "wrong-iss": lambda found: {"iss": f"{found['iss']}-autre"},
    "wrong-aud": lambda found: {"aud": "autre-service", "azp": "autre-service"},
    "wrong-at-hash": lambda found: {"at_hash": jose.left_half("un-autre-jeton")},
    "extra-claims": lambda found: STRANGE_CLAIMS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A token of this realm that is still good."""

    claims: dict[str, Any]
    grant: Grant
    session: Session
    person: Person


def mint(realm: Realm, grant: Grant, session: Session, *, certificate: bytes | None) -> dict[str, Any]:
    """The members of a token answer (4.3). The given faults are consumed here. A certificate binds the tokens to it."""
    person = realm.people[session.person]
    common = _common(realm, grant, session, person)
    access_life, refresh_life = lives(realm, session)
    access = common | {"jti": str(uuid.uuid4()), "typ": "Bearer", "exp": common["iat"] + access_life}
    access |= claims.token_extras(person, auth_mode=session.auth_mode)
    refresh = {key: value for key, value in common.items() if key not in ("auth_time", "acr")}
    refresh |= {"jti": str(uuid.uuid4()), "typ": "Refresh", "aud": realm.issuer, "exp": common["iat"] + refresh_life}
    bound = confirmation(certificate, realm.options.cnf_encoding)
    access |= bound
    refresh |= bound
    stranger = realm.faults.take("unknown-kid") is not None
    access_token = realm.keyring.sign(access, stranger=stranger)
    now = realm.now()
    realm.ledger.register(access["jti"], grant=grant, expires=now + access_life)
    realm.ledger.register(refresh["jti"], grant=grant, expires=now + refresh_life)
    return {
        "token_type": "Bearer",
        "access_token": access_token,
        "expires_in": access_life,
        "id_token": realm.keyring.sign(_id_claims(realm, common, access_token, access["exp"]), stranger=stranger),
        "refresh_token": realm.keyring.seal(refresh),
        "refresh_expires_in": refresh_life,
        "scope": grant.scope,
        "session_state": session.sid,
        "not-before-policy": 0,
    }


def lives(realm: Realm, session: Session) -> tuple[int, int]:
    """Seconds of life of an access and of a refresh token; neither outlives the session."""
    left = int(realm.sessions.last_moment(session) - realm.now())
    return min(realm.options.access_seconds, left), min(realm.options.refresh_seconds, left)


def recognise(realm: Realm, token: str, kind: str) -> Recognised | None:
    """`kind` is the claim `typ`: Bearer or Refresh. None for what is unknown, ended, revoked or malformed."""
    found = realm.keyring.verified(token)
    if found is None or found.get("typ") != kind:
        return None
    grant = realm.ledger.grant_of(str(found.get("jti", "")))
    session = realm.sessions.alive(grant.sid) if grant else None
    if grant is None or session is None:
        return None
    return Recognised(claims=found, grant=grant, session=session, person=realm.people[session.person])


def held_by(found: Recognised, certificate: bytes | None) -> bool:
    """False when the token is bound to a certificate (`cnf`) which is not the one on the connection."""
    bound = found.claims.get("cnf")
    return bound is None or (certificate is not None and bound["x5t#S256"] in thumbprints(certificate).values())


def confirmation(certificate: bytes | None, encoding: str) -> dict[str, Any]:
    if certificate is None or encoding == "none":
        return {}
    return {"cnf": {"x5t#S256": thumbprints(certificate)[encoding]}}


def thumbprints(certificate: bytes) -> dict[str, str]:
    return encodings(hashlib.sha256(certificate).digest())


def encodings(digest: bytes) -> dict[str, str]:
    """`x5t#S256` as RFC 8705 has it, and as the national material does: base64 of the hexadecimal text (8.4)."""
    return {"rfc": jose.b64(digest), "ans": base64.b64encode(digest.hex().encode("ascii")).decode("ascii")}


def _common(realm: Realm, grant: Grant, session: Session, person: Person) -> dict[str, Any]:
    skew = realm.faults.take("clock-skew")
    shift = skew.seconds if skew else 0.0
    found = {
        "iat": int(realm.now() + shift),
        "auth_time": int(session.auth_time + shift),
        "iss": realm.issuer,
        "sub": claims.subject(person),
        "azp": grant.client_id,
        "nonce": grant.nonce,
        "session_state": session.sid,
        "sid": session.sid,
        "acr": ACR,
        "scope": grant.scope,
        "preferred_username": person.id,
    }
    acr = realm.faults.take("acr")
    if acr:
        found["acr"] = ACR_FAULTS.get(acr.value, acr.value)
    if not found["acr"]:
        del found["acr"]
    return found


def _id_claims(realm: Realm, common: dict[str, Any], access_token: str, expires: int) -> dict[str, Any]:
    person = realm.people[common["preferred_username"]]
    found = {key: value for key, value in common.items() if key != "scope"} | {
        "jti": str(uuid.uuid4()),
        "typ": "ID",
        "exp": expires,
        "aud": common["azp"],
        "at_hash": jose.left_half(access_token),
        "SubjectNameID": person.id,
        "given_name": person.given,
        "family_name": person.family,
    }
    if not found["nonce"]:
        del found["nonce"]
    for kind, lie in LIES.items():
        if realm.faults.take(kind):
            found |= lie(found)
    return found
