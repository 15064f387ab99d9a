"""What a setting may not be."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from hub.connectors.sms.settings import SmsSettings


@pytest.mark.parametrize("wrong", [{"url": "localhost"}, {"tokn": "x"}, {"timeout": "soon"}])
def test_a_wrong_setting_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SmsSettings(**wrong)  # type: ignore[arg-type]


def test_the_token_is_not_shown() -> None:
    assert "s3cret" not in repr(SmsSettings(token=SecretStr("s3cret")))
