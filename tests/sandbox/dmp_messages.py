"""Messages for the DMP written by hand, for the tests of the twin: a small producer with no tie to the hub's."""

import base64
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree
from signxml import SignatureMethod, methods
from signxml.signer import XMLSigner

from sandbox.authority import Certificates

ROOT = "/si-dmp-server/v2/services/"
BASE = "https://localhost:8104"
INS = "279035121518989"
CX = f"{INS}^^^&1.2.250.1.213.1.4.10&ISO^NH"
ARC = "1.2.250.1.999.1.1.4242"
AUTHOR = "899700000017^MARTIN^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
STRUCTURE = "CPTS des Boucles de l'Oise^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^10B0123456"
SPECIALTY = "G15_60^Infirmier^1.2.250.1.213.1.1.4.5"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA = {
    "sha1": ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", hashes.SHA1()),
    "sha256": ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", hashes.SHA256()),
}
ITI41 = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
ITI18 = "urn:ihe:iti:2007:RegistryStoredQuery"
ITI57 = "urn:ihe:iti:2010:UpdateDocumentSet"
TD02 = "urn:hl7-org:v3:PRPA_IN201307UV02"
SIGNATURE_CODES = (
    ("41a5887f-8865-4c09-adf7-e362475b143a", "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN", "Digital Signature"),
    ("f0306f51-975f-434e-a61c-c59651d33983", "E1762", "ASTM", "Full Document"),
    ("f4f85eac-e6cb-4883-b524-f2705394840f", "N", "2.16.840.1.113883.5.25", "Normal"),
    ("f4f85eac-e6cb-4883-b524-f2705394840f", "MASQUE_PS", "1.2.250.1.213.1.1.4.13", "Masqué"),
    ("f4f85eac-e6cb-4883-b524-f2705394840f", "INVISIBLE_PATIENT", "1.2.250.1.213.1.1.4.13", "Non visible"),
    ("a09d5840-386c-46f2-b5ad-9c3699a4309d", "http://www.w3.org/2000/09/xmldsig#", "URN", "Default Signature Style"),
    ("2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12", "Source"),
)
NOTE_CODES = (
    ("41a5887f-8865-4c09-adf7-e362475b143a", "10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
    ("f0306f51-975f-434e-a61c-c59651d33983", "11506-3", "2.16.840.1.113883.6.1", "CR ou fiche de suivi"),
    ("f4f85eac-e6cb-4883-b524-f2705394840f", "N", "2.16.840.1.113883.5.25", "Normal"),
    ("a09d5840-386c-46f2-b5ad-9c3699a4309d", "urn:ihe:iti:xds-sd:text:2008", "1.3.6.1.4.1.19376.1.2.3", "Texte"),
)
PLACES = (
    ("f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "SA63", "1.2.250.1.71.4.2.4", "CPTS"),
    ("cccf5598-8b07-4b77-a05e-ae952c785ead", "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One liaison note; times are the CDA's, with offset, and the metadata's, in UTC."""

    number: int
    version: int = 1
    series: int = 0
    replaces: str = ""
    words: str = "Pansement refait. Plaie propre, pas de fièvre."
    ins: str = INS
    masks: tuple[str, ...] = ()
    moment: str = "20261105183000+0100"
    moment_utc: str = "20261105173000"
    name: str = "PAT-TROIS"
    structure: str = "10B0123456"

    @property
    def unique_id(self) -> str:
        return f"{ARC}.3.{self.number}"

    @property
    def set_id(self) -> str:
        return f"{ARC}.2.{self.series or self.number}"

    @property
    def cx(self) -> str:
        return f"{self.ins}^^^&1.2.250.1.213.1.4.10&ISO^NH"

    @property
    def title(self) -> str:
        return f"Cahier de liaison - note {self.number}"


def cda(note: Note) -> bytes:
    who = (
        '<id root="1.2.250.1.71.4.2.1" extension="899700000017"/>'
        '<code code="G15_60" displayName="Infirmier" codeSystem="1.2.250.1.213.1.1.4.5"/>'
        "<assignedPerson><name><prefix>MME</prefix><family>MARTIN</family><given>Claire</given></name></assignedPerson>"
        f'<representedOrganization><id root="1.2.250.1.71.4.2.2" extension="{note.structure}"/>'
        "<name>CPTS des Boucles de l'Oise</name>PRACTICE</representedOrganization>"
    )
    practice = (
        '<standardIndustryClassCode code="AMBULATOIRE" displayName="Ambulatoire" codeSystem="1.2.250.1.213.1.1.4.9"/>'
    )
    plain, practising = who.replace("PRACTICE", ""), who.replace("PRACTICE", practice)
    related = (
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{note.replaces}"/></parentDocument></relatedDocument>'
        if note.replaces
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
 <realmCode code="FR"/>
 <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
 <templateId root="2.16.840.1.113883.2.8.2.1"/><templateId root="1.2.250.1.213.1.1.1.1"/>
 <templateId root="1.3.6.1.4.1.19376.1.2.20"/>
 <id root="{note.unique_id}"/>
 <code code="11506-3" displayName="CR ou fiche de suivi" codeSystem="2.16.840.1.113883.6.1"/>
 <title>{note.title}</title>
 <effectiveTime value="{note.moment}"/>
 <confidentialityCode code="N" displayName="Normal" codeSystem="2.16.840.1.113883.5.25"/>
 <languageCode code="fr-FR"/>
 <setId root="{note.set_id}"/><versionNumber value="{note.version}"/>
 <recordTarget><patientRole>
  <id root="1.2.250.1.213.1.4.10" extension="{note.ins}"/><id root="{ARC}.9" extension="PAT-1"/>
  <patient><name><family qualifier="BR">{note.name}</family><given>DOMINIQUE MARIE-LOUISE</given>
   <given qualifier="BR">DOMINIQUE</given></name>
   <administrativeGenderCode code="F" displayName="Féminin" codeSystem="2.16.840.1.113883.5.1"/>
   <birthTime value="19790328"/>
   <birthplace><place><addr><county>51215</county></addr></place></birthplace></patient>
 </patientRole></recordTarget>
 <author><time value="{note.moment}"/><assignedAuthor>{plain}</assignedAuthor></author>
 <custodian><assignedCustodian><representedCustodianOrganization>
  <id root="1.2.250.1.71.4.2.2" extension="{note.structure}"/><name>CPTS des Boucles de l'Oise</name>
 </representedCustodianOrganization></assignedCustodian></custodian>
 <legalAuthenticator><time value="{note.moment}"/><signatureCode code="S"/>
  <assignedEntity>{plain}</assignedEntity></legalAuthenticator>
 <documentationOf><serviceEvent><effectiveTime><low value="202611051800+0100"/></effectiveTime>
  <performer typeCode="PRF"><assignedEntity>{practising}</assignedEntity></performer></serviceEvent></documentationOf>
 {related}<componentOf><encompassingEncounter><effectiveTime nullFlavor="UNK"/><location><healthCareFacility>
  <code code="SA63" displayName="CPTS" codeSystem="1.2.250.1.71.4.2.4"/></healthCareFacility></location>
 </encompassingEncounter></componentOf>
 <component><nonXMLBody><text mediaType="text/plain" representation="B64"
  >{base64.b64encode(note.words.encode()).decode()}</text></nonXMLBody></component>
</ClinicalDocument>""".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A certificate of the sandbox and its key."""

    certificate: x509.Certificate
    key: RSAPrivateKey

    @property
    def base64(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


def seal_of(certificates: Certificates, name: str = "hub-sign") -> Seal:
    key = serialization.load_pem_private_key(certificates.key(name).read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return Seal(certificate=x509.load_pem_x509_certificate(certificates.path(name).read_bytes()), key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vihf:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    identifier: str = field(default_factory=lambda: f"_{uuid.uuid4()}")
    mode: str = "INDIRECTE"
    structure: str = "10B0123456"
    patient: str = CX
    subject: str = "899700000017"
    roles: tuple[tuple[str, str], ...] = (("60", "1.2.250.1.71.1.2.7"),)
    issuer: str = ""
    left_out: str = ""
    extra: str = ""


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def assertion(vihf: Vihf, seal: Seal) -> etree._Element:
    plain = {
        "Identifiant_Structure": vihf.structure,
        "Secteur_Activite": "SA63^1.2.250.1.71.4.2.4",
        "urn:oasis:names:tc:xspa:1.0:subject:subject-id": "MARTIN Claire",
        "VIHF_Version": "3.0",
        "Authentification_mode": vihf.mode,
        "urn:oasis:names:tc:xacml:2.0:resource:resource-id": vihf.patient.replace("&", "&amp;"),
        "Ressource_URN": "urn:dmp",
        "LPS_Nom": "COLIBRI",
        "LPS_Version": "1",
        "LPS_ID_HOMOLOGATION_DMP": "NUMERO",
    }
    attributes = "".join(
        f'<s:Attribute Name="{name}"><s:AttributeValue xsi:type="xs:string">{content}</s:AttributeValue></s:Attribute>'
        for name, content in plain.items()
        if name != vihf.left_out
    )
    roles = "".join(
        f'<s:AttributeValue><Role xmlns="urn:hl7-org:v3" xsi:type="CE" code="{code}" codeSystem="{system}"/></s:AttributeValue>'
        for code, system in vihf.roles
    )
    issuer = vihf.issuer or seal.certificate.subject.rfc4514_string()
    text = f"""<s:Assertion xmlns:s="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{vihf.identifier}" IssueInstant="{_stamp(vihf.now)}" Version="2.0">
<s:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName">{issuer}</s:Issuer>
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>
<s:Subject><s:NameID>{vihf.subject}</s:NameID></s:Subject>
<s:AuthnStatement AuthnInstant="{_stamp(vihf.now - timedelta(minutes=20))}"><s:AuthnContext>
<s:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</s:AuthnContextClassRef></s:AuthnContext></s:AuthnStatement>
<s:AttributeStatement>{attributes}
<s:Attribute Name="urn:oasis:names:tc:xacml:2.0:subject:role">{roles}</s:Attribute>
<s:Attribute Name="urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"><s:AttributeValue><PurposeOfUse xmlns="urn:hl7-org:v3"
 xsi:type="CE" code="normal" codeSystem="1.2.250.1.213.1.1.4.248" codeSystemName="mode acces VIHF 2.0"/></s:AttributeValue>
</s:Attribute>
{vihf.extra}</s:AttributeStatement></s:Assertion>"""
    signer = XMLSigner(
        method=methods.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",  # type: ignore[arg-type]
    )
    return signer.sign(
        etree.fromstring(text), key=seal.key, cert=[seal.certificate], reference_uri=vihf.identifier, id_attribute="ID"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A submission set of one note and its signature; `change` edits the metadata, `content` replaces the document."""

    note: Note
    number: int = 1
    submitted: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y%m%d%H%M%S"))
    target: str = ""
    content: bytes | None = None
    method: str = "sha256"
    signature: bytes | None = None
    change: Callable[[str], str] = lambda text: text

    @property
    def submission(self) -> str:
        return f"{ARC}.1.{self.number}"

    @property
    def document(self) -> bytes:
        return cda(self.note) if self.content is None else self.content

    def again(self, **changes: object) -> "Lot":
        return replace(self, **changes)  # type: ignore[arg-type]


def _slot(name: str, *values: str) -> str:
    inside = "".join(f"<Value>{value.replace('&', '&amp;')}</Value>" for value in values)
    return f'<Slot name="{name}"><ValueList>{inside}</ValueList></Slot>'


def _name(text: str) -> str:
    return f'<Name><LocalizedString charset="UTF8" xml:lang="FR" value="{text}"/></Name>'


def _codes(owner: str, codes: tuple[tuple[str, str, str, str], ...]) -> str:
    return "".join(
        f'<Classification id="{owner}-c{rank}" classifiedObject="{owner}" classificationScheme="urn:uuid:{scheme}" '
        f'nodeRepresentation="{code}">{_slot("codingScheme", system)}{_name(label)}</Classification>'
        for rank, (scheme, code, system, label) in enumerate(codes)
    )


def _author(owner: str, scheme: str, institution: str = STRUCTURE) -> str:
    return (
        f'<Classification id="{owner}-a" classifiedObject="{owner}" classificationScheme="urn:uuid:{scheme}">'
        + _slot("authorPerson", AUTHOR)
        + _slot("authorSpecialty", SPECIALTY)
        + _slot("authorInstitution", institution)
        + "</Classification>"
    )


def _external(owner: str, scheme: str, value: str, name: str) -> str:
    return (
        f'<ExternalIdentifier id="{owner}-{name}" registryObject="{owner}" identificationScheme="urn:uuid:{scheme}" '
        f'value="{value.replace("&", "&amp;")}">{_name(name)}</ExternalIdentifier>'
    )


def package(number: int, cx: str, submitted: str = "20250101000000") -> str:
    return (
        f'<RegistryPackage id="Lot">{_slot("submissionTime", submitted)}{_name("Cahier de liaison")}'
        + _author("Lot", "a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d")
        + _codes("Lot", (("aa543740-bdda-424e-8c96-df4873be8500", "07", "1.2.250.1.213.2.2", "Consultations"),))
        + '<Classification id="Lot-n" classifiedObject="Lot" '
        'classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>'
        + _external("Lot", "6b5aea1a-874d-4603-a4bc-96a0a7b38446", cx, "patientId")
        + _external("Lot", "554ac39e-e3fe-47fe-b233-965d2a147832", ARC, "sourceId")
        + _external("Lot", "96fdda7c-d067-4183-912e-bf5ee74998a8", f"{ARC}.1.{number}", "uniqueId")
        + "</RegistryPackage>"
    )


def _entry(owner: str, lot: Lot, content: bytes, *, signature: bool) -> str:
    note = lot.note
    masks = tuple(("f4f85eac-e6cb-4883-b524-f2705394840f", code, "1.2.250.1.213.1.1.4.13", code) for code in note.masks)
    codes = (*SIGNATURE_CODES, *PLACES) if signature else (*NOTE_CODES, *masks, *PLACES)
    unique = f"{lot.submission}.99" if signature else note.unique_id
    digests = _slot("hash", hashlib.sha1(content).hexdigest()) + _slot("size", str(len(content)))
    institution = STRUCTURE.replace("10B0123456", note.structure)
    return (
        f'<ExtrinsicObject id="{owner}" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">'
        + _slot("creationTime", note.moment_utc)
        + _slot("languageCode", "art" if signature else "fr-FR")
        + _slot("legalAuthenticator", AUTHOR)
        + _slot("serviceStartTime", "20261105170000")
        + _slot("sourcePatientId", f"PAT-1^^^&{ARC}.9&ISO^PI")
        + _slot("sourcePatientInfo", f"PID-5|{note.name}^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F")
        + digests
        + _name("Source" if signature else note.title)
        + _author(owner, "93606bcf-9494-43ec-9b4e-a7748d1a838d", institution)
        + _codes(owner, codes)
        + _external(owner, "58a6f841-87b3-4a3e-92fd-a8ffeff98427", note.cx, "patientId")
        + _external(owner, "2e82c1f6-a085-4c72-9da3-8640a32e42ab", unique, "uniqueId")
        + "</ExtrinsicObject>"
    )


def _association(identifier: str, kind: str, source: str, target: str, slots: str = "") -> str:
    return (
        f'<Association id="{identifier}" associationType="{kind}" sourceObject="{source}" targetObject="{target}">'
        f"{slots}</Association>"
    )


def provide(lot: Lot, seal: Seal) -> tuple[str, dict[str, bytes]]:
    """The ITI-41 request and its parts, by Content-ID without brackets."""
    document = lot.document
    signed = xades(lot, seal) if lot.signature is None else lot.signature
    original = _slot("SubmissionSetStatus", "Original")
    member = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
    parts = {"note@essai": document, "signature@essai": signed}
    replacing = _association("as4", "urn:ihe:iti:2007:AssociationType:RPLC", "Note", lot.target) if lot.target else ""
    text = (
        '<p:ProvideAndRegisterDocumentSetRequest xmlns:p="urn:ihe:iti:xds-b:2007" '
        'xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        "<l:SubmitObjectsRequest><RegistryObjectList>"
        + package(lot.number, lot.note.cx, lot.submitted)
        + _entry("Note", lot, document, signature=False)
        + _entry("Signature", lot, signed, signature=True)
        + _association("as1", member, "Lot", "Note", original)
        + _association("as2", member, "Lot", "Signature", original)
        + _association("as3", "urn:ihe:iti:2007:AssociationType:signs", "Signature", "Lot")
        + replacing
        + "</RegistryObjectList></l:SubmitObjectsRequest>"
        + "".join(
            f'<p:Document id="{owner}"><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:{cid}"/></p:Document>'
            for owner, cid in (("Note", "note%40essai"), ("Signature", "signature%40essai"))
        )
        + "</p:ProvideAndRegisterDocumentSetRequest>"
    )
    return lot.change(text), parts


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha1(content).digest()).decode()


def _reference(uri: str, digest: str, *, kind: str = "", transform: str = "") -> str:
    transforms = f'<ds:Transforms><ds:Transform Algorithm="{transform}"/></ds:Transforms>' if transform else ""
    typed = f' Type="{kind}"' if kind else ""
    return (
        f'<ds:Reference URI="{uri}"{typed}>{transforms}<ds:DigestMethod Algorithm="{SHA1}"/>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )


def xades(lot: Lot, seal: Seal) -> bytes:
    """The detached signature of the set (XAdES 1.1.1), made with `cryptography`."""
    algorithm, digest = RSA[lot.method]
    document = etree.tostring(etree.fromstring(lot.document).getroottree(), method="c14n")
    der = seal.certificate.public_bytes(serialization.Encoding.DER)
    manifest = _reference(f"urn:oid:{lot.submission}", "AA==") + _reference(
        f"urn:oid:{lot.note.unique_id}", _digest(document), transform=C14N
    )
    properties = (
        '<x:SignedProperties Id="S0-SignedProperties"><x:SignedSignatureProperties>'
        "<x:SigningTime>2026-11-05T17:30:00Z</x:SigningTime><x:SigningCertificate><x:Cert><x:CertDigest>"
        f'<ds:DigestMethod Algorithm="{SHA1}"/><ds:DigestValue>{_digest(der)}</ds:DigestValue></x:CertDigest>'
        f"<x:IssuerSerial><ds:X509IssuerName>{seal.certificate.issuer.rfc4514_string()}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{seal.certificate.serial_number}</ds:X509SerialNumber></x:IssuerSerial></x:Cert>"
        "</x:SigningCertificate><x:SignaturePolicyIdentifier><x:SignaturePolicyImplied/></x:SignaturePolicyIdentifier>"
        "</x:SignedSignatureProperties></x:SignedProperties>"
    )
    text = (
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="S0"><ds:SignedInfo/><ds:SignatureValue/>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{seal.base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        f'<ds:Object><ds:Manifest Id="IHEManifest">{manifest}</ds:Manifest></ds:Object>'
        '<ds:Object><ds:SignatureProperties><ds:SignatureProperty Id="purposeOfSignature" Target="#S0">'
        "1.2.840.10065.1.12.1.14</ds:SignatureProperty></ds:SignatureProperties></ds:Object>"
        '<ds:Object><x:QualifyingProperties xmlns:x="http://uri.etsi.org/01903/v1.1.1#" Target="#S0">'
        f"{properties}</x:QualifyingProperties></ds:Object></ds:Signature>"
    )
    root = etree.fromstring(text)
    space = {"ds": "http://www.w3.org/2000/09/xmldsig#", "x": "http://uri.etsi.org/01903/v1.1.1#"}
    listed = etree.tostring(root.find(".//ds:Manifest", space), method="c14n")
    signed = etree.tostring(root.find(".//x:SignedProperties", space), method="c14n")
    info = etree.fromstring(
        f'<ds:SignedInfo xmlns:ds="{space["ds"]}"><ds:CanonicalizationMethod Algorithm="{C14N}#WithComments"/>'
        f'<ds:SignatureMethod Algorithm="{algorithm}"/>'
        + _reference("#IHEManifest", _digest(listed), kind=f"{space['ds']}Manifest")
        + _reference("#S0-SignedProperties", _digest(signed), kind=f"{space['x']}SignedProperties")
        + "</ds:SignedInfo>"
    )
    value = seal.key.sign(etree.tostring(info, method="c14n", with_comments=True), PKCS1v15(), digest)
    root.replace(root[0], info)
    root[1].text = base64.b64encode(value).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def envelope(body: str, *, action: str, service: str, security: str) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><e:Header>
<a:Action>{action}</a:Action><a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:To>{BASE}{ROOT}{service}</a:To>
<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>
<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">{security}</w:Security>
</e:Header><e:Body>{body}</e:Body></e:Envelope>""".encode()


def multipart(
    root: bytes, parts: dict[str, bytes], *, action: str, start_info: str = "application/soap+xml"
) -> tuple[str, bytes]:
    kind = (
        f'multipart/related; type="application/xop+xml"; start-info="{start_info}"; start="<racine@essai>"; '
        f'boundary="essai-xyz"; action="{action}"'
    )
    heads = [("racine@essai", 'application/xop+xml; charset=UTF-8; type="application/soap+xml"', root)]
    heads += [(name, "text/xml", content) for name, content in parts.items()]
    body = b"".join(
        f"--essai-xyz\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{name}>\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, media, content in heads
    )
    return kind, body + b"--essai-xyz--\r\n"


def existence(cx: str = CX) -> str:
    """A TD0.2 question."""
    matricule, authority = cx.split("^")[0], cx.split("&")[1]
    return f"""<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="{ARC}" extension="{uuid.uuid4()}"/>
<creationTime value="20261105173001"/><interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201307UV02"/>
<processingCode code="D"/><processingModeCode code="T"/><acceptAckCode code="AL"/>
<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.250.1.213.4.1.1.1"/>
<softwareName>DMP</softwareName></device></receiver>
<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="{ARC}"/>
<softwareName>COLIBRI</softwareName></device></sender><attentionLine nullFlavor="NI"/>
<controlActProcess classCode="CACT" moodCode="EVN"><reasonCode code="TEST_EXST" codeSystem="1.2.250.1.213.1.1.4.11"/>
<queryByParameter><queryId root="{ARC}" extension="q1"/><statusCode code="new"/><parameterList><patientIdentifier>
<value root="{authority}" extension="{matricule}"/><semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList>
</queryByParameter></controlActProcess></PRPA_IN201307UV02>"""


def stored_query(identifier: str, slots: dict[str, str]) -> str:
    """An ITI-18 request; values are written as given."""
    inside = "".join(
        f'<r:Slot name="{name}"><r:ValueList><r:Value>{value.replace("&", "&amp;")}</r:Value></r:ValueList></r:Slot>'
        for name, value in slots.items()
    )
    return (
        '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        '<q:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        f'<r:AdhocQuery id="{identifier}">{inside}</r:AdhocQuery></q:AdhocQueryRequest>'
    )


def change_status(number: int, target: str, *, new: str, cx: str = CX) -> str:
    """An ITI-57 request from Approved to `new`."""
    approved = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
    slots = _slot("OriginalStatus", approved) + _slot("NewStatus", new)
    kind = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
    return (
        '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
        'xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><RegistryObjectList>'
        + package(number, cx)
        + _association("as1", kind, "Lot", target, slots)
        + "</RegistryObjectList></l:SubmitObjectsRequest>"
    )
