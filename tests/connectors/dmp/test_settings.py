"""What a setting may not be."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.connectors.dmp import tables
from hub.connectors.dmp.settings import DmpSettings

LEAST = {
    "service_root": "https://dmp.example.org/services/",
    "signing_certificate": Path("seal.pem"),
    "signing_key": Path("seal.key"),
    "structure_id": "10B0123456",
    "structure_name": "CPTS",
    "source_oid": "1.2.250.1.999.1",
    "lps_homologation": "N",
}


def test_defaults_are_those_of_the_specification() -> None:
    one = DmpSettings(**LEAST)
    assert (one.vihf_version, one.timeout, one.practice_setting, one.default_type) == (
        "3.0",
        30,
        "AMBULATOIRE",
        "11506-3",
    )
    assert all(tables.SHIPPED.types[code].in_dmp for code in (*one.types.values(), one.default_type))
    assert {one.content_at_home, one.content_elsewhere} <= set(tables.SHIPPED.contents)
    assert one.structure_sector in tables.SHIPPED.facilities
    assert one.practice_setting in tables.SHIPPED.practices


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_rot": "x"},
        {"source_oid": "1.02.3"},
        {"source_oid": "1." + "1" * 60},
        {"structure_id": "9123"},
        {"vihf_version": "2.0"},
        {"submission_digest": "md5"},
        {"timeout": 0},
        {"structure_name": "  "},
    ],
)
def test_a_wrong_setting_stops_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DmpSettings(**{**LEAST, **wrong})


def test_the_homologation_number_is_not_shown() -> None:
    assert "secret-number" not in repr(DmpSettings(**{**LEAST, "lps_homologation": "secret-number"}))


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in DmpSettings.model_fields.items() if not field.description] == []
