"""What the settings of Pro Santé Connect refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hub.connectors.psc.settings import PscSettings

GIVEN: dict[str, Any] = {
    "issuer": "https://psc.example.org/auth/realms/esante-wallet",
    "client_id": "exemple",
    "client_secret": "secret-invente",
    "redirect_uri": "https://hub.example.org/connexion/psc/retour",
    "post_logout_uri": "https://hub.example.org/connexion",
}


def test_the_least_that_is_needed() -> None:
    settings = PscSettings(**GIVEN)
    assert settings.scope == "openid scope_all"
    assert not settings.accept_test_identities
    assert "secret-invente" not in repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": None},
        {"auth_method": "client_secret_post", "client_secret": None},
        {"auth_method": "tls_client_auth"},
        {"auth_method": "private_key_jwt"},
        {"auth_method": "none"},
        {"certificate": "a.pem"},
        {"leeway": 61},
        {"session_life": 14401},
        {"session_idle": 1801},
        {"client-id": "exemple"},
    ],
)
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PscSettings(**{**GIVEN, **wrong})


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in PscSettings.model_fields.items() if not field.description] == []
