"""What a setting may not be."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from hub.connectors.mail.settings import MailSettings


@pytest.mark.parametrize("wrong", [{"security": "ssl"}, {"hots": "x"}, {"port": "smtp"}])
def test_a_wrong_setting_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MailSettings(**wrong)  # type: ignore[arg-type]


def test_mail_is_encrypted_unless_said_otherwise() -> None:
    assert MailSettings().security == "starttls"


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(MailSettings(password=SecretStr("s3cret")))
