"""What an XDS registry answers: RegistryResponse and AdhocQueryResponse (ebRS 3.0, IHE ITI TF-3 4.2).

Pure: trees in, dataclasses out.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from hub.connectors.dmp import ebxml, xds
from hub.connectors.dmp.tables import Code

RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
NS = {"rim": ebxml.RIM, "rs": RS}
SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryError:
    """One error or warning of a registry answer."""

    code: str
    context: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A RegistryResponse, or an AdhocQueryResponse with the entries it found."""

    is_success: bool
    errors: tuple[RegistryError, ...]
    entries: tuple[xds.DocumentEntry, ...] = ()


def _first(values: tuple[str, ...]) -> str:
    return values[0] if values else ""


def _read_author(holder: etree._Element) -> xds.Author:
    slots = {name: _first(values) for name, values in ebxml.read_slots(holder).items()}
    return xds.Author(
        person=slots.get("authorPerson", ""),
        institution=slots.get("authorInstitution", ""),
        specialty=slots.get("authorSpecialty", ""),
    )


def read_entry(holder: etree._Element) -> xds.DocumentEntry:
    """One ExtrinsicObject. Raises ``ValueError`` when an element the standard makes compulsory is missing."""
    slots = ebxml.read_slots(holder)
    found: dict[str, list[Code]] = {}
    for scheme, code in ebxml.read_codes(holder):
        found.setdefault(scheme, []).append(code)
    identifiers = ebxml.read_identifiers(holder)
    absent = [one for one in (xds.CLASS, xds.TYPE, xds.FORMAT, xds.FACILITY, xds.PRACTICE) if one not in found]
    absent += [one for one in (xds.ENTRY_PATIENT, xds.ENTRY_UNIQUE) if one not in identifiers]
    if absent or not holder.get("id"):
        raise ValueError(f"document entry without {', '.join(absent) or 'id'}")
    authors = holder.iterfind(f"rim:Classification[@classificationScheme='{xds.AUTHOR}']", NS)
    return xds.DocumentEntry(
        id=holder.get("id", ""),
        unique_id=identifiers[xds.ENTRY_UNIQUE],
        patient_id=identifiers[xds.ENTRY_PATIENT],
        source_patient_id=_first(slots.get("sourcePatientId", ())),
        source_patient_info=slots.get("sourcePatientInfo", ()),
        title=ebxml.read_text(holder, "Name"),
        creation_time=_first(slots.get("creationTime", ())),
        service_start=_first(slots.get("serviceStartTime", ())),
        service_stop=_first(slots.get("serviceStopTime", ())),
        legal_authenticator=_first(slots.get("legalAuthenticator", ())),
        authors=tuple(_read_author(one) for one in authors),
        class_code=found[xds.CLASS][0],
        type_code=found[xds.TYPE][0],
        format_code=found[xds.FORMAT][0],
        facility=found[xds.FACILITY][0],
        practice=found[xds.PRACTICE][0],
        confidentialities=tuple(found.get(xds.CONFIDENTIALITY, ())),
        events=tuple(found.get(xds.EVENT, ())),
        language=_first(slots.get("languageCode", ())),
        mime_type=holder.get("mimeType", ""),
        hash=_first(slots.get("hash", ())).lower(),
        size=int(_first(slots.get("size", ())) or 0),
        status=holder.get("status", ""),
        logical_id=holder.get("lid", ""),
    )


def read_answer(root: etree._Element) -> Answer:
    """A RegistryResponse or AdhocQueryResponse. Raises ``ValueError`` when it is neither, or breaks the standard."""
    if root.tag not in (f"{{{RS}}}RegistryResponse", f"{{{xds.QUERY}}}AdhocQueryResponse"):
        raise ValueError(f"{root.tag!s} instead of a registry answer")
    status = root.get("status", "")
    if status not in (SUCCESS, FAILURE):
        raise ValueError(f"status {status!r}")
    errors = tuple(
        RegistryError(
            code=one.get("errorCode", ""),
            context=one.get("codeContext", ""),
            is_error=one.get("severity", ERROR) == ERROR,
        )
        for one in root.iterfind("rs:RegistryErrorList/rs:RegistryError", NS)
    )
    found = root.iterfind("rim:RegistryObjectList/rim:ExtrinsicObject", NS)
    return Answer(is_success=status == SUCCESS, errors=errors, entries=tuple(map(read_entry, found)))
