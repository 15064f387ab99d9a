"""FHIR JSON in and out. Decimals keep every digit they came with: 1.10 is not 1.1 (R4, JSON representation, decimal)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

Resource = dict[str, Any]

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def loads(data: bytes | str) -> Resource:
    """The parsed resource; numbers with a fraction or an exponent are ``Decimal``.

    For bytes we wrote ourselves. Bytes of others go through ``validation.parse``, which also refuses doubled keys.
    Raises ``ValueError`` when the text is not a JSON object.
    """
    found = _decoder.decode(data)
    if not isinstance(found, dict):
        raise ValueError("a resource is a JSON object")
    return found


def dumps(resource: Resource) -> bytes:
    """Compact UTF-8, members in their order."""
    return _encoder.encode(resource)
