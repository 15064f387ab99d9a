"""VIHF 3.0: the SAML 2 assertion by which a structure vouches for a user, in INDIRECTE mode (CI-SIS, DMP_LPS). Pure.

The text holds an empty ``ds:Signature`` right after the issuer, where the signature must stand; attribute names and case
are those of the published messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from hub.connectors.dmp.submission import Actor
from hub.connectors.dmp.xmltext import attribute, element

SIGNATURE_PLACE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>'  # the Id signxml looks for
)
FACILITIES = "1.2.250.1.71.4.2.4"  # TRE_R02, sector of activity
PURPOSE = (
    '<saml2:AttributeValue><PurposeOfUse xmlns="urn:hl7-org:v3" xsi:type="CE" code="normal" '
    'codeSystem="1.2.250.1.213.1.1.4.248" codeSystemName="mode acces VIHF 2.0" displayName="Accès normal"/>'
    "</saml2:AttributeValue>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The software, as the DMP knows it. ``homologation`` is secret."""

    id: str
    name: str
    version: str
    homologation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vihf:
    """What one assertion says. ``resource``: the INS as CX, ``None`` for requests about no patient."""

    id: str
    issued_at: datetime
    issuer: str
    actor: Actor
    authentication_class: str
    structure_id: str
    sector: str
    product: Product
    version: str
    resource: str | None


def instant(moment: datetime) -> str:
    """UTC, milliseconds, ``Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _attribute(name: str, value: str) -> str:
    return (
        f'<saml2:Attribute Name="{name}"><saml2:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xsi:type="xs:string">{element(value)}</saml2:AttributeValue></saml2:Attribute>'
    )


def _roles(actor: Actor) -> str:
    values = "".join(
        f'<saml2:AttributeValue><Role xmlns="urn:hl7-org:v3" xsi:type="CE" code="{attribute(role.code)}" '
        f'codeSystem="{role.system}" displayName="{attribute(role.display)}"/></saml2:AttributeValue>'
        for role in actor.roles
    )
    return f'<saml2:Attribute Name="urn:oasis:names:tc:xacml:2.0:subject:role">{values}</saml2:Attribute>'


def _attributes(one: Vihf) -> str:
    product = one.product
    resource = ""
    if one.resource is not None:
        resource = _attribute("urn:oasis:names:tc:xacml:2.0:resource:resource-id", one.resource)
    return "".join(
        (
            _attribute("Identifiant_Structure", one.structure_id),
            _attribute("Secteur_Activite", f"{one.sector}^{FACILITIES}"),
            _attribute("urn:oasis:names:tc:xspa:1.0:subject:subject-id", one.actor.name),
            _roles(one.actor),
            _attribute("VIHF_Version", one.version),
            _attribute("Authentification_mode", "INDIRECTE"),
            resource,
            _attribute("Ressource_URN", "urn:dmp"),
            f'<saml2:Attribute Name="urn:oasis:names:tc:xspa:1.0:subject:purposeofuse">{PURPOSE}</saml2:Attribute>',
            _attribute("LPS_ID", product.id),
            _attribute("LPS_Nom", product.name),
            _attribute("LPS_Version", product.version),
            _attribute("LPS_ID_HOMOLOGATION_DMP", product.homologation),
        )
    )


def write(one: Vihf) -> str:
    """The assertion, not yet signed."""
    return (
        '<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{one.id}" IssueInstant="{instant(one.issued_at)}" '
        'Version="2.0"><saml2:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName">'
        f"{element(one.issuer)}</saml2:Issuer>{SIGNATURE_PLACE}"
        f"<saml2:Subject><saml2:NameID>{element(one.actor.identifier)}</saml2:NameID></saml2:Subject>"
        f'<saml2:AuthnStatement AuthnInstant="{instant(one.actor.signed_in_at)}"><saml2:AuthnContext>'
        f"<saml2:AuthnContextClassRef>{element(one.authentication_class)}</saml2:AuthnContextClassRef>"
        "</saml2:AuthnContext></saml2:AuthnStatement>"
        f"<saml2:AttributeStatement>{_attributes(one)}</saml2:AttributeStatement></saml2:Assertion>"
    )
