"""Rules of the shared document's header that a schema cannot say (CI-SIS, Structuration minimale; DMP restrictions).

A table of XPath conditions over the document. Paths use the prefixes of `dom.NS`; `re:test` is EXSLT.
"""

from dataclasses import dataclass

STRUCT = "CI-SIS, Structuration minimale"
SECOND = r"^\d{14}[+-]\d{4}$"
MINUTE = r"^\d{12}(\d{2})?[+-]\d{4}$"
DATE = r"^\d{4}(\d{2}(\d{2})?)?$"
MOMENT = rf"{DATE}|{MINUTE}"
PEOPLE, STRUCTURES = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"
INS_AUTHORITIES = ("1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11")
PS_IDNAT = r"^(8\d{11}|0[0-9A-Za-z]{9}|[13456][0-9A-Za-z]+/\S+)$"
STRUCT_IDNAT = r"^(0[0-9A-Z]{9}|1[0-9A-Z]{9}|2[0-9]{9}|3[0-9]{14}|4[0-9]{14})$"
PATIENT = "h:recordTarget/h:patientRole"
PROFESSIONAL = f"h:id[@root='{PEOPLE}'] and not(h:assignedAuthoringDevice)"
MAIN = "h:documentationOf[h:serviceEvent/h:performer][1]/h:serviceEvent"
ENCOUNTER = "h:componentOf/h:encompassingEncounter"
TEXT = "h:component/h:nonXMLBody/h:text"
MEDIA = "text/plain application/pdf text/rtf image/jpeg image/tiff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    what: str
    where: str
    holds: str
    shown: str = ""


def _rule(where: str, what: str, holds: str, shown: str = "") -> Rule:
    return Rule(what=what, where=f"{STRUCT}, {where}", holds=holds, shown=shown)


def _person(path: str) -> str:
    """Every professional at `path` has an identifier, a code, a name and a structure."""
    return (
        f"not({path}[{PROFESSIONAL}][not(h:code/@code) or not(h:assignedPerson/h:name/h:family[normalize-space()]) "
        f"or not(h:representedOrganization/h:id[@root='{STRUCTURES}' and @extension]) "
        "or not(h:representedOrganization/h:name[normalize-space()])])"
    )


_INS = " or ".join(f"@root='{root}'" for root in INS_AUTHORITIES)

RULES: tuple[Rule, ...] = (
    _rule(
        "realmCode",
        "Le domaine d'application est FR.",
        "count(h:realmCode)=1 and h:realmCode/@code='FR'",
        "h:realmCode/@code",
    ),
    _rule(
        "typeId", "Le document se dit CDA R2.", "h:typeId[@root='2.16.840.1.113883.1.3' and @extension='POCD_HD000040']"
    ),
    _rule(
        "templateId",
        "Le document déclare sa conformité à HL7 France et au CI-SIS.",
        "h:templateId/@root='2.16.840.1.113883.2.8.2.1' and h:templateId/@root='1.2.250.1.213.1.1.1.1'",
    ),
    _rule(
        "templateId",
        "Un document de niveau 1 déclare sa conformité à IHE XDS-SD.",
        "not(h:component/h:nonXMLBody) or h:templateId/@root='1.3.6.1.4.1.19376.1.2.20'",
    ),
    _rule(
        "id ; DMP",
        "L'identifiant du document est un OID sans extension.",
        "h:id[@root and not(@extension)]",
        "h:id/@extension",
    ),
    _rule("code", "Le type du document porte un libellé.", "normalize-space(h:code/@displayName)"),
    _rule(
        "title", "Le titre compte 128 caractères au plus.", "string-length(h:title) <= 128", "string-length(h:title)"
    ),
    _rule(
        "effectiveTime",
        "La date du document est à la seconde, avec décalage horaire.",
        f"re:test(string(h:effectiveTime/@value), '{SECOND}')",
        "h:effectiveTime/@value",
    ),
    _rule(
        "confidentialityCode ; DMP",
        "La confidentialité d'un document partagé est N, avec son libellé.",
        "h:confidentialityCode[@code='N' and @codeSystem='2.16.840.1.113883.5.25' and @displayName]",
        "h:confidentialityCode/@code",
    ),
    _rule("languageCode", "La langue est fr-FR.", "h:languageCode/@code='fr-FR'", "h:languageCode/@code"),
    _rule("setId", "L'ensemble de versions a un identifiant.", "h:setId/@root"),
    _rule(
        "versionNumber",
        "Le numéro de version est un entier à partir de 1.",
        "h:versionNumber/@value >= 1",
        "h:versionNumber/@value",
    ),
    _rule(
        "relatedDocument",
        "La relation à un autre document est RPLC ou XFRM.",
        "not(h:relatedDocument[not(@typeCode='RPLC' or @typeCode='XFRM')])",
        "h:relatedDocument/@typeCode",
    ),
    _rule(
        "relatedDocument ; versions",
        "Une version 2 ou suivante désigne la version qu'elle remplace, la première non.",
        "(h:versionNumber/@value > 1) = boolean(h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root)",
        "h:versionNumber/@value",
    ),
    _rule(
        "recordTarget ; DMP",
        "Le premier identifiant du patient est son INS, d'une autorité connue.",
        f"{PATIENT}/h:id[1][{_INS}]",
        f"{PATIENT}/h:id[1]/@root",
    ),
    _rule(
        "recordTarget, INS",
        "L'INS compte 15 caractères.",
        rf"re:test(string({PATIENT}/h:id[1]/@extension), '^\d{{5}}(\d\d|2A|2B)\d{{8}}$')",
        f"{PATIENT}/h:id[1]/@extension",
    ),
    _rule(
        "recordTarget, nom de naissance",
        "Le nom de naissance est donné (qualifier BR).",
        f"count({PATIENT}/h:patient/h:name/h:family[@qualifier='BR'][normalize-space()])=1",
    ),
    _rule(
        "recordTarget, prénoms de naissance",
        "La liste des prénoms de naissance est donnée (sans qualifier).",
        f"{PATIENT}/h:patient/h:name/h:given[not(@qualifier)][normalize-space()]",
    ),
    _rule(
        "recordTarget, premier prénom",
        "Le premier prénom de naissance est donné (qualifier BR).",
        f"count({PATIENT}/h:patient/h:name/h:given[@qualifier='BR'][normalize-space()])=1",
    ),
    _rule(
        "recordTarget, name",
        "Les qualifiers du nom du patient sont BR ou CL.",
        f"not({PATIENT}/h:patient/h:name/*[@qualifier][not(@qualifier='BR' or @qualifier='CL')])",
        f"{PATIENT}/h:patient/h:name/*[@qualifier][not(@qualifier='BR' or @qualifier='CL')]/@qualifier",
    ),
    _rule(
        "recordTarget, sexe",
        "Le sexe porte un libellé.",
        f"normalize-space({PATIENT}/h:patient/h:administrativeGenderCode/@displayName)",
    ),
    _rule(
        "recordTarget, birthTime",
        "La date de naissance est donnée.",
        f"re:test(string({PATIENT}/h:patient/h:birthTime/@value), '{DATE}')",
        f"{PATIENT}/h:patient/h:birthTime/@value",
    ),
    _rule(
        "recordTarget, birthplace",
        "Le lieu de naissance est donné par son code officiel géographique.",
        f"re:test(normalize-space({PATIENT}/h:patient/h:birthplace/h:place/h:addr/h:county), '^[0-9][0-9AB][0-9]{{3}}$')",
        f"{PATIENT}/h:patient/h:birthplace/h:place/h:addr/h:county",
    ),
    _rule(
        "author/time",
        "Chaque auteur porte la date de sa contribution, à la seconde, avec décalage horaire.",
        f"not(h:author[not(re:test(string(h:time/@value), '{SECOND}'))])",
        "h:author/h:time/@value",
    ),
    _rule(
        "author ; EX_2.1-1140",
        "L'auteur professionnel est identifié : code, nom et structure.",
        _person("h:author/h:assignedAuthor"),
    ),
    _rule(
        "author, dispositif",
        "L'auteur dispositif donne son modèle, son logiciel et sa structure, et pas de personne.",
        "not(h:author/h:assignedAuthor[h:assignedAuthoringDevice][not(h:assignedAuthoringDevice/h:manufacturerModelName)"
        " or not(h:assignedAuthoringDevice/h:softwareName) or not(h:representedOrganization/h:id/@extension)"
        " or not(h:code/@code) or not(contains(h:id/@extension, '/'))])",
    ),
    _rule(
        "author",
        "L'auteur est un professionnel, un dispositif ou le patient.",
        f"not(h:author/h:assignedAuthor[not(h:id[@extension][@root='{PEOPLE}' or {_INS}])])",
    ),
    _rule(
        "PS_IdNat",
        "Les professionnels sont désignés par leur identifiant national préfixé.",
        f"not(//h:id[@root='{PEOPLE}'][not(re:test(string(@extension), '{PS_IDNAT}'))])",
        f"//h:id[@root='{PEOPLE}'][not(re:test(string(@extension), '{PS_IDNAT}'))]/@extension",
    ),
    _rule(
        "Struct_IdNat",
        "Les structures sont désignées par leur identifiant national préfixé.",
        f"not(//h:id[@root='{STRUCTURES}'][not(re:test(string(@extension), '{STRUCT_IDNAT}'))])",
        f"//h:id[@root='{STRUCTURES}'][not(re:test(string(@extension), '{STRUCT_IDNAT}'))]/@extension",
    ),
    _rule(
        "custodian",
        "Le conservateur est une structure identifiée et nommée.",
        "h:custodian//h:representedCustodianOrganization[normalize-space(h:name)]"
        f"/h:id[(@root='{STRUCTURES}' and @extension) or @root='1.2.250.1.213.4.1']",
    ),
    _rule(
        "legalAuthenticator",
        "La signature du responsable est S.",
        "h:legalAuthenticator/h:signatureCode/@code='S'",
        "h:legalAuthenticator/h:signatureCode/@code",
    ),
    _rule(
        "legalAuthenticator/time",
        "La prise de responsabilité est datée à la seconde, avec décalage horaire.",
        f"re:test(string(h:legalAuthenticator/h:time/@value), '{SECOND}')",
        "h:legalAuthenticator/h:time/@value",
    ),
    _rule(
        "legalAuthenticator",
        "Le responsable est identifié : code, nom et structure.",
        f"h:legalAuthenticator/h:assignedEntity/h:id[@root='{PEOPLE}']/@extension and "
        + _person("h:legalAuthenticator/h:assignedEntity"),
    ),
    _rule(
        "documentationOf, effectiveTime",
        "L'acte principal commence à la minute près, avec décalage horaire.",
        f"re:test(string({MAIN}/h:effectiveTime/h:low/@value), '{MINUTE}')",
        f"{MAIN}/h:effectiveTime/h:low/@value",
    ),
    _rule(
        "documentationOf, performer",
        "L'acte principal a un exécutant (PRF) identifié.",
        f"{MAIN}/h:performer[@typeCode='PRF']/h:assignedEntity/h:id/@extension",
    ),
    _rule(
        "documentationOf, cadre d'exercice",
        "L'exécutant de l'acte principal donne son cadre d'exercice.",
        f"{MAIN}/h:performer[1]/h:assignedEntity/h:representedOrganization/h:standardIndustryClassCode/@code",
    ),
    _rule(
        "types de données, TS",
        "Dans l'en-tête, toute heure porte son décalage.",
        "not((//h:effectiveTime|//h:time|//h:low|//h:high|//h:birthTime)[not(ancestor::h:structuredBody)][@value]"
        f"[not(re:test(string(@value), '{MOMENT}'))])",
        "(//h:effectiveTime|//h:time|//h:low|//h:high|//h:birthTime)[not(ancestor::h:structuredBody)][@value]"
        f"[not(re:test(string(@value), '{MOMENT}'))]/@value",
    ),
    _rule(
        "valeurs nulles",
        "Les valeurs nulles de l'en-tête sont UNK, NASK, ASKU, NAV ou MSK.",
        "not(//@nullFlavor[not(ancestor::h:structuredBody)][.='NA' or .='NI'])",
    ),
    _rule(
        "nonXMLBody",
        "Le corps est d'un type de média admis, codé en B64.",
        f"not(h:component/h:nonXMLBody) or ({TEXT}[@representation='B64' and not(@nullFlavor)] and "
        f"contains(' {MEDIA} ', concat(' ', {TEXT}/@mediaType, ' ')))",
        f"concat({TEXT}/@mediaType, ' ', {TEXT}/@representation)",
    ),
)
