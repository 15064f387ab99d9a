"""A piece of third-party software as the hub meets it: SMART Backend Services (SMART App Launch 2, backend-services) and FHIR R4.

Its key pair is made anew at each start; the public half lies beside the certificates as a JWKS, which the operator of the hub
registers. ES384 as RFC 7518, 3.4, on `cryptography` alone: the hub verifies with another library.
"""

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEY_ID = "logiciel-cabinet-1"
WORD = 48  # bytes of one coordinate of P-384
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE = 240  # seconds; at most five minutes


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def create(directory: Path) -> None:
    """Write `software.key` (PEM, PKCS #8) and `software.jwks.json` in `directory`."""
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = directory / "software.key"
    file.touch(mode=0o600)
    file.write_bytes(pem)
    numbers = key.public_key().public_numbers()
    public = {
        "kty": "EC",
        "crv": "P-384",
        "use": "sig",
        "alg": "ES384",
        "kid": KEY_ID,
        "x": _b64(numbers.x.to_bytes(WORD)),
        "y": _b64(numbers.y.to_bytes(WORD)),
    }
    (directory / "software.jwks.json").write_text(json.dumps({"keys": [public]}), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """The software at work: asks for a token, then calls FHIR with it."""

    client: str  # the installation, as the hub knows it
    directory: Path
    base: str  # of the hub's machine door

    def assertion(self, now: datetime) -> str:
        """A client assertion (RFC 7523) for the hub's token endpoint, good once."""
        key = serialization.load_pem_private_key((self.directory / "software.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("software.key is not an EC key")
        seconds = int(now.timestamp())
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": f"{self.base}/oauth/token",
            "exp": seconds + LIFE,
            "jti": str(uuid.uuid4()),
        }
        header = {"alg": "ES384", "kid": KEY_ID, "typ": "JWT"}
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA384())))
        return f"{signed}.{_b64(r.to_bytes(WORD) + s.to_bytes(WORD))}"

    async def token(self, line: httpx.AsyncClient, scope: str, now: datetime) -> httpx.Response:
        """The answer of the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(now),
        }
        return await line.post("/oauth/token", data=form)
