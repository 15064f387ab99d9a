"""From a template and its words to one part of GSM text (3GPP TS 23.038). Pure."""

from __future__ import annotations

from collections.abc import Mapping

# The default alphabet of 3GPP TS 23.038, 6.2.1, without the escape.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
LONGEST = 160

TEXTS: Mapping[str, str] = {
    "request-waiting": "Colibri : une demande attend votre réponse avant {due}. {link}",
    "proposal-refused": "Colibri : le rendez-vous proposé ne convient pas, la demande est repartie. Rien à faire. {link}",
    "appointment-confirmed": "Colibri : un rendez-vous est confirmé. {link}",
    "request-withdrawn": "Colibri : une demande que vous aviez prise est annulée, n'y donnez pas suite. {link}",
    "sign-in-code": "Colibri : votre code est {code}. Il sert une fois, pendant {minutes} minutes. Ne le donnez à personne.",
}


def to_text(template: str, words: Mapping[str, str]) -> str:
    """The text of one message. Raises ``ValueError`` (our bug) when it leaves the alphabet or exceeds one part."""
    text = TEXTS[template].format_map(words)
    strange = {letter for letter in text if letter not in GSM}
    if strange or len(text) > LONGEST:
        raise ValueError(f"text message {template}: {len(text)} characters, outside the alphabet: {sorted(strange)}")
    return text


def to_request(number: str, text: str, reference: str) -> dict[str, str]:
    """The body for the gateway. ``number`` in international form; ``reference`` by which a repeat is recognised."""
    return {"to": number, "text": text, "reference": reference}
