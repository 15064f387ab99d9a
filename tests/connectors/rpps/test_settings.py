from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.connectors.rpps.settings import RppsSettings


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in RppsSettings.model_fields.values())


@pytest.mark.parametrize("wrong", [{"adresse": "x"}, {"least_share": 2}, {"most_rejected": -1}, {"most_bytes": 0}])
def test_a_wrong_setting_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RppsSettings(**wrong)  # type: ignore[arg-type]
