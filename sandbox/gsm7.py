"""The GSM 7-bit alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1)."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # each is sent as an escape and a character: two places
ONE_PART = 160  # septets


def strangers(text: str) -> list[str]:
    """Characters outside the alphabet, each once, in the order they come."""
    return list(dict.fromkeys(character for character in text if character not in BASIC | EXTENSION))


def septets(text: str) -> int:
    """Places taken, for a text without strangers."""
    return sum(2 if character in EXTENSION else 1 for character in text)
