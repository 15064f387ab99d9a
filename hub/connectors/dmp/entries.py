"""XDS metadata deduced from a CDA document, and those of the signature of its submission set. Pure."""

from __future__ import annotations

import hashlib

from hub.connectors.dmp import cda, xds
from hub.connectors.dmp.hl7 import cx, institution, patient_info, person, specialty
from hub.connectors.dmp.tables import Code, DocumentType, Tables

LEVEL_1_FORMATS = {"text/plain": "urn:ihe:iti:xds-sd:text:2008", "application/pdf": "urn:ihe:iti:xds-sd:pdf:2008"}

# The signature is one more document of the set (IHE DSG; values of the DMP samples).
SIGNATURE_CLASS = Code(code="urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", display="Digital Signature", system="URN")
SIGNATURE_TYPE = Code(code="E1762", display="Full Document", system="ASTM")
SIGNATURE_FORMAT = Code(code="http://www.w3.org/2000/09/xmldsig#", display="Default Signature Style", system="URN")
SIGNATURE_PURPOSE = Code(code="1.2.840.10065.1.12.1.14", display="Source", system="1.2.840.10065.1.12")
SIGNATURE_CONFIDENTIALITY = ("N", "MASQUE_PS", "INVISIBLE_PATIENT")


def fingerprint(content: bytes) -> str:
    """The ``hash`` metadata: SHA-1 by definition of XDS, in lower-case hexadecimal."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def of_document(
    document: cda.Document, content: bytes, *, kind: DocumentType, masks: tuple[str, ...], values: Tables
) -> xds.DocumentEntry:
    """The entry of a document whose bytes are ``content``. ``masks``: codes added to N."""
    patient = document.patient
    writer = document.author
    author = xds.Author(person=person(writer), institution=institution(writer), specialty=specialty(writer))
    insured = cx(patient.ins, patient.ins_oid)
    local = patient.local_id
    return xds.DocumentEntry(
        id="Document01",
        unique_id=document.unique_id,
        patient_id=insured,
        source_patient_id=f"{local[1]}^^^&{local[0]}&ISO^PI" if local else insured,
        source_patient_info=patient_info(patient),
        title=document.title,
        creation_time=xds.stamp(document.created_at),
        service_start=xds.stamp(document.event.start),
        service_stop=xds.stamp(document.event.end) if document.event.end else "",
        authors=(author,),
        legal_authenticator=author.person,
        class_code=values.classes[kind.class_code],
        type_code=kind.coded,
        format_code=values.formats[LEVEL_1_FORMATS[document.body.media_type]],
        facility=document.encounter.facility,
        practice=document.event.practice,
        confidentialities=tuple(values.confidentialities[code] for code in ("N", *masks)),
        hash=fingerprint(content),
        size=len(content),
    )


def of_signature(entry: xds.DocumentEntry, unique_id: str, values: Tables) -> xds.DocumentEntry:
    """The entry of the signature of the set that holds ``entry``; its hash and size are known once it is signed."""
    return xds.DocumentEntry(
        id="Signature01",
        unique_id=unique_id,
        patient_id=entry.patient_id,
        source_patient_id=entry.source_patient_id,
        source_patient_info=entry.source_patient_info,
        title="Source",
        language="art",
        creation_time=entry.creation_time,
        service_start=entry.service_start,
        service_stop=entry.service_stop,
        authors=entry.authors,
        legal_authenticator=entry.legal_authenticator,
        class_code=SIGNATURE_CLASS,
        type_code=SIGNATURE_TYPE,
        format_code=SIGNATURE_FORMAT,
        facility=entry.facility,
        practice=entry.practice,
        confidentialities=tuple(values.confidentialities[code] for code in SIGNATURE_CONFIDENTIALITY),
        events=(SIGNATURE_PURPOSE,),
    )
