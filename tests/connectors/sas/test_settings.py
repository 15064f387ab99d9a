"""What a setting may not be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.connectors.sas.settings import SasSettings


@pytest.mark.parametrize("wrong", [{"allowed_host": ["x"]}, {"allowed_hosts": "localhost"}, {"timeout": "long"}])
def test_a_wrong_setting_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SasSettings(**wrong)  # type: ignore[arg-type]


def test_nobody_may_be_notified_unless_named() -> None:
    assert SasSettings().allowed_hosts == []


def test_patience_is_that_of_the_platform() -> None:
    assert SasSettings().timeout == 7.0
