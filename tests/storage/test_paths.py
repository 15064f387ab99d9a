from __future__ import annotations

import pytest

from hub.storage import parameters, paths


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("subject", {"subject"}),
        ("participant.actor.where(resolve() is Location)", {"participant"}),
        ("extension('https://a.example/x').value", {"extension"}),
        ("value.as(Quantity) | component.code", {"valueQuantity", "component"}),
        ("occurrence", None),
        ("subject | deceased.isTrue()", None),
        ("active.isTrue()", None),
    ],
)
def test_the_members_that_a_path_begins_with(path: str, wanted: set[str] | None) -> None:
    assert paths.heads(path) == wanted


def test_a_resource_without_the_members_of_a_path_has_no_value_there() -> None:
    for by_code in parameters.every().values():
        for one in by_code.values():
            if paths.heads(one.path) is not None:
                assert one.values({"resourceType": one.base}) == [], one
