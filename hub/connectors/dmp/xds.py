"""XDS.b metadata: document entries, submission sets, associations, as ebXML (IHE ITI TF-3 4.2, DMP rules). Pure.

Times are UTC, ``yyyymmddhhmmss``, whereas the CDA holds local time with its offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.connectors.dmp import ebxml
from hub.connectors.dmp.tables import Code

XDSB = "urn:ihe:iti:xds-b:2007"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"

STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"  # objectType of a document entry
SUBMISSION_SET = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
SUBMISSION_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
CONTENT_TYPE = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
SUBMISSION_PATIENT = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SUBMISSION_SOURCE = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
SUBMISSION_UNIQUE = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"

AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FORMAT = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
EVENT = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
ENTRY_PATIENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
ENTRY_UNIQUE = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"

HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
REPLACES = "urn:ihe:iti:2007:AssociationType:RPLC"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
UPDATE_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"

GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """HL7v2 strings: person (XCN), structure (XON), specialty (``code^label^system``)."""

    person: str
    institution: str = ""
    specialty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """Metadata of one document. ``id``: symbolic when submitted, entryUUID when read.

    ``hash`` is the SHA-1 of the bytes in lower-case hexadecimal, ``size`` their number. ``status`` and ``logical_id`` are
    written by the registry only.
    """

    id: str
    unique_id: str
    patient_id: str
    source_patient_id: str
    title: str
    creation_time: str
    service_start: str
    authors: tuple[Author, ...]
    class_code: Code
    type_code: Code
    format_code: Code
    facility: Code
    practice: Code
    confidentialities: tuple[Code, ...]
    legal_authenticator: str = ""
    service_stop: str = ""
    source_patient_info: tuple[str, ...] = ()
    events: tuple[Code, ...] = ()
    language: str = "fr-FR"
    mime_type: str = "text/xml"
    hash: str = ""
    size: int = 0
    status: str = ""
    logical_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """Metadata of one sending."""

    id: str
    unique_id: str
    source_id: str
    patient_id: str
    submission_time: str
    content_type: Code
    author: Author
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A link between two objects; ``slots``: (name, value)."""

    kind: str
    source: str
    target: str
    slots: tuple[tuple[str, str], ...] = ()


def stamp(moment: datetime) -> str:
    """UTC, to the second. Raises ``ValueError`` when the offset is unknown."""
    if moment.utcoffset() is None:
        raise ValueError("a time without offset")
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def _author(owner: str, number: int, scheme: str, author: Author) -> str:
    slots = (
        ebxml.slot("authorPerson", author.person),
        ebxml.slot("authorSpecialty", author.specialty),
        ebxml.slot("authorInstitution", author.institution),
    )
    return ebxml.described(owner, number, scheme, slots)


def _submission_set(one: SubmissionSet) -> str:
    identifiers = (
        (SUBMISSION_PATIENT, "XDSSubmissionSet.patientId", one.patient_id),
        (SUBMISSION_SOURCE, "XDSSubmissionSet.sourceId", one.source_id),
        (SUBMISSION_UNIQUE, "XDSSubmissionSet.uniqueId", one.unique_id),
    )
    return (
        f'<RegistryPackage id="{one.id}">{ebxml.slot("submissionTime", one.submission_time)}'
        f"{ebxml.localized('Name', one.title)}"
        f"{_author(one.id, 1, SUBMISSION_AUTHOR, one.author)}{ebxml.coded(one.id, 2, CONTENT_TYPE, one.content_type)}"
        f'<Classification id="{one.id}-c3" classifiedObject="{one.id}" classificationNode="{SUBMISSION_SET}"/>'
        f"{''.join(ebxml.identifier(one.id, n, *row) for n, row in enumerate(identifiers, 1))}</RegistryPackage>"
    )


def _entry(one: DocumentEntry) -> str:
    slots = (
        ebxml.slot("creationTime", one.creation_time),
        ebxml.slot("languageCode", one.language),
        ebxml.slot("legalAuthenticator", one.legal_authenticator),
        ebxml.slot("serviceStartTime", one.service_start),
        ebxml.slot("serviceStopTime", one.service_stop),
        ebxml.slot("sourcePatientId", one.source_patient_id),
        ebxml.slot("sourcePatientInfo", *one.source_patient_info),
        ebxml.slot("hash", one.hash),
        ebxml.slot("size", str(one.size) if one.size else ""),
    )
    codes = (
        (CLASS, one.class_code),
        (TYPE, one.type_code),
        *((CONFIDENTIALITY, code) for code in one.confidentialities),
        (FORMAT, one.format_code),
        (FACILITY, one.facility),
        (PRACTICE, one.practice),
        *((EVENT, code) for code in one.events),
    )
    count = len(one.authors)
    return (
        f'<ExtrinsicObject id="{one.id}" mimeType="{one.mime_type}" objectType="{STABLE}">{"".join(slots)}'
        f"{ebxml.localized('Name', one.title)}"
        f"{''.join(_author(one.id, n, AUTHOR, author) for n, author in enumerate(one.authors, 1))}"
        f"{''.join(ebxml.coded(one.id, n, *row) for n, row in enumerate(codes, count + 1))}"
        f"{ebxml.identifier(one.id, 1, ENTRY_PATIENT, 'XDSDocumentEntry.patientId', one.patient_id)}"
        f"{ebxml.identifier(one.id, 2, ENTRY_UNIQUE, 'XDSDocumentEntry.uniqueId', one.unique_id)}</ExtrinsicObject>"
    )


def _association(number: int, one: Association) -> str:
    slots = "".join(ebxml.slot(name, value) for name, value in one.slots)
    return (
        f'<Association id="Association{number:02}" associationType="{one.kind}" sourceObject="{one.source}" '
        f'targetObject="{one.target}">{slots}</Association>'
    )


def member(submission_set: str, entry: str) -> Association:
    """The association that puts an entry in its submission set."""
    return Association(
        kind=HAS_MEMBER, source=submission_set, target=entry, slots=(("SubmissionSetStatus", "Original"),)
    )


def submit(submission_set: SubmissionSet, entries: Iterable[DocumentEntry], links: Iterable[Association]) -> str:
    """A SubmitObjectsRequest (the payload of ITI-57, and the metadata of ITI-41)."""
    return (
        f'<lcm:SubmitObjectsRequest xmlns:lcm="{LCM}" xmlns="{ebxml.RIM}"><RegistryObjectList>'
        f"{_submission_set(submission_set)}{''.join(map(_entry, entries))}"
        f"{''.join(_association(number, one) for number, one in enumerate(links, 1))}"
        "</RegistryObjectList></lcm:SubmitObjectsRequest>"
    )


def provide(metadata: str, contents: Iterable[tuple[str, str]]) -> str:
    """A ProvideAndRegisterDocumentSetRequest around :func:`submit`; ``contents``: (entry id, Content-ID of its part)."""
    documents = "".join(
        f'<xdsb:Document id="{entry}"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{part}"/>'
        "</xdsb:Document>"
        for entry, part in contents
    )
    return (
        f'<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="{XDSB}">{metadata}{documents}'
        "</xdsb:ProvideAndRegisterDocumentSetRequest>"
    )


def get_documents(unique_id: str) -> str:
    """An AdhocQueryRequest GetDocuments by uniqueId, whole entries wanted (ITI-18)."""
    wanted = ebxml.slot("$XDSDocumentEntryUniqueId", f"('{unique_id}')")
    return (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns="{ebxml.RIM}">'
        '<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        f'<AdhocQuery id="{GET_DOCUMENTS}">{wanted}</AdhocQuery>'
        "</query:AdhocQueryRequest>"
    )
