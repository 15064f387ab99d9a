"""Attributes and roles of the VIHF: which are required, what they may hold."""

from collections.abc import Iterator, Mapping

from lxml import etree

from sandbox.dmp import dom, tables
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.ins import from_cx

INVALID = "wsse:InvalidSecurityToken"
SUBJECT_ID = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
RESOURCE_ID = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
NORMAL = ("normal", "1.2.250.1.213.1.1.4.248")
MODES = ("DIRECTE", "INDIRECTE", "INDIRECTE_RENFORCEE")
PLAIN = (
    *("VIHF_Version", "Authentification_mode", "Identifiant_Structure", "Secteur_Activite", SUBJECT_ID, RESOURCE_ID),
    *("Ressource_URN", "LPS_Nom", "LPS_Version", "LPS_ID_HOMOLOGATION_DMP"),
)
NOT_FOR_DMP = ("Profil_Utilisateur", "Palier_Authentification")
SECOND_ROLE = {"10": "1.2.250.1.71.4.2.5", "21": "1.2.250.1.71.4.2.6", "99": "1.2.250.1.213.1.6.1.107"}
SECOND_SYSTEMS = frozenset(SECOND_ROLE.values())
STATEMENT = "saml:AttributeStatement/saml:Attribute"


def found(passed: object, what: str, where: str, detail: object = "", code: str = INVALID) -> Finding:
    return finding(passed, what, f"VIHF, {where}", detail=detail, code=code)


def attributes(assertion: etree._Element) -> dict[str, str]:
    """Plain values by name; the other spelling of the mode in circulation counts as the usual one."""
    given = {one.get("Name", ""): dom.value(one, "saml:AttributeValue") for one in dom.find(assertion, STATEMENT)}
    if "Authentification_Mode" in given:
        given.setdefault("Authentification_mode", given["Authentification_Mode"])
    return given


def roles(assertion: etree._Element) -> list[tuple[str, str]]:
    """(code, system) of each role, in order."""
    path = f"{STATEMENT}[@Name='{ROLE}']/saml:AttributeValue/h:Role"
    return [(one.get("code", ""), one.get("codeSystem", "")) for one in dom.find(assertion, path)]


def of_attributes(given: Mapping[str, str]) -> Iterator[Finding]:
    for name in PLAIN:
        yield found(given.get(name), f"L'attribut {name.rsplit(':', 1)[-1]} est présent.", name)
    version, mode, urn = (given.get(name, "") for name in ("VIHF_Version", "Authentification_mode", "Ressource_URN"))
    yield found(version in ("3.0", "4.0"), "La version est 3.0 ou 4.0.", "VIHF_Version", version)
    yield found(mode in MODES, "Le mode d'authentification est connu.", "Authentification_mode", mode)
    yield found(urn == "urn:dmp", "La ressource est urn:dmp.", "Ressource_URN", urn)
    sector = given.get("Secteur_Activite", "")
    code, _, system = sector.partition("^")
    lawful = (code, system) in tables.published_in_dmp(tables.J61_FACILITY)
    yield found(lawful, "Le secteur d'activité appartient à JDV_J61.", "Secteur_Activite", sector)
    patient = given.get(RESOURCE_ID, "")
    yield found(from_cx(patient), "Le patient est désigné par son INS en CX.", "resource-id", patient)
    extra = [name for name in NOT_FOR_DMP if name in given]
    yield found(not extra, "Aucun attribut étranger au DMP.", "AttributeStatement", ", ".join(extra))


def of_roles(assertion: etree._Element) -> Iterator[Finding]:
    given = roles(assertion)
    known = 1 <= len(given) <= 2 and all(one in tables.codes(tables.J65_ROLE) for one in given)
    first = known and given[0][1] not in SECOND_SYSTEMS
    yield found(first, "Le premier rôle est une profession, les rôles sont de JDV_J65.", "subject:role", given)
    expected = SECOND_ROLE.get(given[0][0]) if given else None
    complete = expected is None or (len(given) > 1 and given[1][1] == expected)
    yield found(
        complete, "Le second rôle (savoir-faire, section) est donné.", "subject:role", "Aucune spécialité dans le vihf"
    )


def of_values(assertion: etree._Element) -> Iterator[Finding]:
    """The XML of the values: HL7 codes of type CE, plain ones of type xs:string, no attribute twice."""
    coded = f"{STATEMENT}[@Name='{ROLE}' or @Name='{PURPOSE}']/saml:AttributeValue/*"
    strays = f"{coded}[not(@xsi:type='CE' or contains(@xsi:type, ':CE'))]"
    yield found(not dom.holds(assertion, strays), "Les codes HL7 sont du type CE.", "subject:role, purposeofuse")
    plain = f"{STATEMENT}[@Name!='{ROLE}' and @Name!='{PURPOSE}']/saml:AttributeValue[not(*)]"
    strays = f"{plain}[not(@xsi:type='xs:string' or contains(@xsi:type, ':string'))]"
    yield found(not dom.holds(assertion, strays), "Les valeurs simples sont du type xs:string.", "AttributeValue")
    names = [one.get("Name") for one in dom.find(assertion, STATEMENT)]
    yield found(len(names) == len(set(names)), "Aucun attribut n'est répété.", "AttributeStatement")
    purpose = dom.first(assertion, f"{STATEMENT}[@Name='{PURPOSE}']/saml:AttributeValue/h:PurposeOfUse")
    normal = purpose is not None and (purpose.get("code"), purpose.get("codeSystem")) == NORMAL
    yield found(normal, "Le mode d'accès est normal.", "purposeofuse")
