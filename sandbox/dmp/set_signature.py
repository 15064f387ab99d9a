"""The entry that signs the submission set (TD2; IHE DSG): its metadata, who signs, what is signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.dmp import certificates, dom, signatures, xds
from sandbox.dmp.findings import Finding, finding

PLACE = "TD2.1, signature du lot"
CODE = "XDSRepositoryMetadataError"
CODES: dict[str, set[tuple[str, str]]] = {
    "classCode": {("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN")},
    "typeCode": {("E1762", "ASTM")},
    "formatCode": {(xds.SIGNATURE_FORMAT, "URN")},
    "eventCodeList": {("1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12")},
    "confidentialityCode": {
        ("N", "2.16.840.1.113883.5.25"),
        ("MASQUE_PS", "1.2.250.1.213.1.1.4.13"),
        ("INVISIBLE_PATIENT", "1.2.250.1.213.1.1.4.13"),
    },
}
SHARED_CODES = ("healthcareFacilityTypeCode", "practiceSettingCode")


def _found(passed: object, what: str, detail: object = "", code: str = CODE) -> Finding:
    return finding(passed, what, PLACE, detail=detail, code=code)


def of_metadata(entry: xds.Registered, submission: xds.Submission) -> Iterator[Finding]:
    for name, expected in CODES.items():
        yield _found(
            set(entry.pairs(name)) == expected, f"Le {name} de la signature est celui prescrit.", entry.pairs(name)
        )
    yield _found(entry.slot("languageCode") == "art", "La langue de la signature est art.", entry.slot("languageCode"))
    yield _found(entry.title == "Source", "Le titre de la signature est Source.", entry.title)
    places = {tuple(one.pairs(name)[0]) for name in SHARED_CODES for one in submission.documents if one.pairs(name)}
    own = {tuple(entry.pairs(name)[0]) for name in SHARED_CODES if entry.pairs(name)}
    yield _found(own <= places, "Le lieu et le cadre de la signature sont ceux de la soumission.", own)
    signs = submission.of_kind(xds.SIGNS)
    lot = submission.sets[0].id
    yield _found(
        len(signs) == 1 and (signs[0].source, signs[0].target) == (entry.id, lot),
        "L'association signs va de la signature au lot.",
        "; ".join(f"{one.source} {one.target}" for one in signs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    content: bytes  # the signature entry's octets
    structure: str  # of the VIHF
    documents: Mapping[str, bytes]  # uniqueId to octets, without the signature
    set_id: str  # uniqueId of the submission set


def of_content(signed: Signed, *, authority: bytes, now: datetime) -> Iterator[Finding]:
    try:
        root = dom.parse(signed.content)
        ders = certificates.in_key_info(root)
        signer = certificates.read(ders[0])
    except (ValueError, IndexError) as error:
        yield _found(False, "La signature est un XML qui porte son certificat.", error)
        return
    bad = "DMPInvalidCertificate"
    yield _found(
        certificates.trusted(signer, ders[1:], authority, now),
        "Le certificat du signataire vient de l'autorité.",
        signer.subject,
        bad,
    )
    yield _found(
        signer.seals and not signer.authenticates,
        "Le lot est signé par un cachet, pas par un certificat d'authentification.",
        signer.subject,
        bad,
    )
    yield _found(
        signer.structure == signed.structure, "Le lot est signé par la structure authentifiée.", signer.structure, bad
    )
    yield from signatures.of_set(root, signer.key, set_id=signed.set_id, documents=signed.documents)
