"""How to reach Pro Santé Connect, and how strictly to read what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

AuthMethod = Literal["client_secret_basic", "client_secret_post", "tls_client_auth", "private_key_jwt"]


class PscSettings(BaseModel, extra="forbid", frozen=True):
    """One peer: changing issuer and client is enough to go from the sandbox to the national service. Delays in seconds."""

    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    redirect_uri: str
    post_logout_uri: str
    auth_method: AuthMethod = "client_secret_basic"
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    signing_key: Path | None = None  # PEM, for private_key_jwt
    signing_key_id: str | None = None
    timeout: float = 10.0

    discovery_path: str | None = None  # after the issuer, in place of the two usual names
    endpoints: dict[str, str] = Field(
        default_factory=dict
    )  # member of the discovery document -> address that replaces it
    discovery_cache: float = 3600.0
    keys_cache: float = 3600.0
    keys_refetch: float = 30.0  # an unknown kid fetches the keys again, not more often than this

    scope: str = "openid scope_all"
    acr_values: str = "eidas1"
    acr_missing: Literal["accept", "refuse"] = "accept"
    leeway: int = Field(default=60, ge=0, le=60)
    idp_hints: dict[str, str] = Field(default_factory=dict)  # ?etab= -> alias of an establishment's provider
    accept_test_identities: bool = False
    button_svg: Path | None = None  # official drawing, for the operator who has the right to it

    session_check: float = 300.0  # a user's request refreshes when the last confirmation is older
    session_idle: float = 1800.0
    session_life: float = 14400.0  # counted from auth_time
    logout_token_age: float = 300.0

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if self.auth_method.startswith("client_secret") and self.client_secret is None:
            raise ValueError(f"psc.auth_method {self.auth_method} needs psc.client_secret")
        if self.auth_method == "tls_client_auth" and self.certificate is None:
            raise ValueError("psc.auth_method tls_client_auth needs psc.certificate and psc.key")
        if self.auth_method == "private_key_jwt" and self.signing_key is None:
            raise ValueError("psc.auth_method private_key_jwt needs psc.signing_key")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("psc.certificate and psc.key go together")
        return self
