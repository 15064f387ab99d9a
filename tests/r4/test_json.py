from decimal import Decimal

import pytest

from hub.r4 import json


@pytest.mark.parametrize("number", ["1.10", "1.0E+5", "-0.0", "100000000000000000000000.5", "0.30", "12", "7.000"])
def test_numbers_keep_their_digits(number: str) -> None:
    text = b'{"valueDecimal":' + number.encode() + b"}"
    assert json.dumps(json.loads(text)) == text


def test_fractions_are_decimals() -> None:
    assert json.loads(b'{"a":0.1}')["a"] == Decimal("0.1")


def test_members_keep_their_order_and_letters_their_accents() -> None:
    assert json.dumps(json.loads('{"b":"é","a":[]}')) == '{"b":"é","a":[]}'.encode()


@pytest.mark.parametrize("text", ["", "[]", "12", "{", '{"a":}'])
def test_anything_but_an_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
