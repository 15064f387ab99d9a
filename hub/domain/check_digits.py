"""What all national identifiers share: how people write them, the Luhn key, the refusal of a wrong one."""

from __future__ import annotations

import re

from hub.domain.refusal import Refusal

SEPARATORS = re.compile(r"[\s\u00a0\u202f._-]+")


def tidy(text: str) -> str:
    """Without separators, upper case."""
    return SEPARATORS.sub("", text).upper()


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn key of the others."""
    total = 0
    for rank, sign in enumerate(reversed(digits)):
        value = int(sign) * (1 + rank % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def require(is_right: bool, text: str, kind: str, form: str) -> None:
    """Raise ``bad-identifier`` with what the person typed, the kind of number and its form, unless it is right."""
    if not is_right:
        raise Refusal("bad-identifier", value=text, kind=kind, form=form)
