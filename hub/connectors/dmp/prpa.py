"""HL7 v3 patient registry messages of TD0.2: does the DMP exist, is it open (PRPA_IN201307UV02, PRPA_IN201308UV02). Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from lxml import etree

from hub.connectors.dmp.xmltext import attribute, element

HL7 = "urn:hl7-org:v3"
NS = {"h": HL7}
REQUEST = "PRPA_IN201307UV02"
ANSWER = "PRPA_IN201308UV02"
DMP_DEVICE = "1.2.250.1.213.4.1.1.1"
NOT_GIVEN = "NON RENSEIGNE"  # how the registry writes an absent usual name


@dataclass(frozen=True, slots=True, kw_only=True)
class DmpStatus:
    """What TD0.2 says of a patient. ``families`` and ``birth_date`` serve to compare identities, empty when not given.

    ``authorisation``: consultation right of the actor (``VALIDE`` or another word of the DMP); ``is_attached``: to Mon
    espace santé. ``problem``: code of the registry when it did not accept the request.
    """

    exists: bool
    is_open: bool
    authorisation: str = ""
    is_attached: bool = False
    families: tuple[str, ...] = ()
    birth_date: date | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One TD0.2 request. ``sender``: OID of the installation; ``mode``: P, T or D."""

    id: str
    sender: str
    software: str
    created_at: datetime
    ins: str
    ins_oid: str
    mode: str = "P"


def request(one: Query) -> str:
    """The message, elements in the order of the published samples."""
    sender = attribute(one.sender)
    return (
        f'<{REQUEST} xmlns="{HL7}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ITSVersion="XML_1.0">'
        f'<id root="{sender}" extension="{attribute(one.id)}"/>'
        f'<creationTime value="{one.created_at.astimezone(UTC):%Y%m%d%H%M%S}"/>'
        f'<interactionId root="2.16.840.1.113883.1.6" extension="{REQUEST}"/>'
        f'<processingCode code="{one.mode}"/><processingModeCode code="T"/><acceptAckCode code="AL"/>'
        f'<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="{DMP_DEVICE}"/>'
        "<softwareName>DMP</softwareName></device></receiver>"
        f'<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="{sender}"/>'
        f"<softwareName>{element(one.software)}</softwareName></device></sender>"
        '<attentionLine xsi:nil="true"/>'
        '<controlActProcess classCode="CACT" moodCode="EVN">'
        '<reasonCode code="TEST_EXST" codeSystem="1.2.250.1.213.1.1.4.11"/><queryByParameter>'
        f'<queryId root="{sender}" extension="{attribute(one.id)}"/><statusCode code="new"/><parameterList>'
        f'<patientIdentifier><value root="{one.ins_oid}" extension="{one.ins}"/>'
        "<semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"
        f"</controlActProcess></{REQUEST}>"
    )


def _value(holder: etree._Element, path: str) -> str:
    """The code, value or text of an element, whichever it carries."""
    found = holder.find(path, NS)
    if found is None:
        return ""
    return (found.get("code") or found.get("value") or found.text or "").strip()


def _lines(root: etree._Element) -> Iterator[tuple[str, str]]:
    for one in root.iterfind("h:attentionLine", NS):
        yield _value(one, "h:keyWordText"), _value(one, "h:value")
    for one in root.iterfind(".//h:administrativeObservation", NS):
        yield _value(one, "h:code"), _value(one, "h:value")


def _day(value: str) -> date | None:
    try:
        return datetime.strptime(value[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def read(root: etree._Element) -> DmpStatus:
    """The answer. Raises ``ValueError`` when it is not one, or says neither found nor not found."""
    if root.tag != f"{{{HL7}}}{ANSWER}":
        raise ValueError(f"{root.tag!s} instead of {ANSWER}")
    acknowledgement = root.find("h:acknowledgement", NS)
    if acknowledgement is None:
        raise ValueError("no acknowledgement")
    kind = acknowledgement.get("typeCode") or _value(acknowledgement, "h:typeCode")
    if kind != "AA":
        problem = _value(acknowledgement, "h:acknowledgementDetail/h:code")
        return DmpStatus(exists=False, is_open=False, problem=problem or kind or "AE")
    response = _value(root, ".//h:queryAck/h:queryResponseCode")
    if response == "NF":
        return DmpStatus(exists=False, is_open=False)
    patient = root.find(".//h:patient", NS)
    if response != "OK" or patient is None:
        raise ValueError(f"query response {response!r}")
    said = dict(_lines(root))
    families = (" ".join((one.text or "").split()) for one in patient.iterfind(".//h:name/h:family", NS))
    return DmpStatus(
        exists=True,
        is_open=_value(patient, "h:statusCode") == "active",
        authorisation=said.get("AUTORISATION", ""),
        is_attached=said.get("RATTACHEMENT_ENS", "").lower() == "true",
        families=tuple(name for name in families if name and name != NOT_GIVEN),
        birth_date=_day(_value(patient, ".//h:birthTime")),
    )


def _plain(name: str) -> str:
    """A name as registries compare it: capitals, no accent, one space for every other sign."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return " ".join(re.findall("[A-Z0-9]+", bare.upper()))


def is_same_person(status: DmpStatus, *, names: tuple[str, ...], birth_date: date) -> bool:
    """Identity vigilance: nothing the DMP says contradicts one of our family names or the birth date."""
    if status.birth_date is not None and status.birth_date != birth_date:
        return False
    ours = {_plain(name) for name in names if name}
    return not status.families or any(_plain(name) in ours for name in status.families)
