"""TD0.2: does the patient's DMP exist, is it open (HL7 v3, PRPA_IN201307UV02 answered by PRPA_IN201308UV02).

Imitation where no public sample tells: the value `closed` of a closed DMP's status, the detail codes of the acknowledgement.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.ins import cx
from sandbox.dmp.registry import Patient

ACTION = "urn:hl7-org:v3:PRPA_IN201307UV02"
ANSWER_ACTION = "urn:hl7-org:v3:PRPA_IN201308UV02"
INTERACTIONS = "2.16.840.1.113883.1.6"
DMP_DEVICE = "1.2.250.1.213.4.1.1.1"
ORDER = (
    "id",
    "creationTime",
    "interactionId",
    "processingCode",
    "processingModeCode",
    "acceptAckCode",
    "receiver",
    "sender",
    "attentionLine",
    "controlActProcess",
)
CODE = "env:Sender"
DEVICE = "h:device[@classCode='DEV' and @determinerCode='INSTANCE']"
QUERY = "h:controlActProcess/h:queryByParameter"
PREFIXES: dict[str | None, str] = {"hl7": dom.CDA, "xsi": dom.XSI}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    patient: str  # CX
    message_id: etree._Element | None
    query: etree._Element | None
    findings: tuple[Finding, ...]


def _found(passed: object, what: str, detail: object = "") -> Finding:
    return finding(passed, what, "TD0.2, PRPA_IN201307UV02", detail=detail, code=CODE)


def read(body: etree._Element, bearer_patient: str) -> Question:
    identifier = dom.first(body, f"{QUERY}/h:parameterList/h:patientIdentifier/h:value")
    matricule, authority = (
        ("", "") if identifier is None else (identifier.get("extension", ""), identifier.get("root", ""))
    )
    patient = cx(matricule, authority)
    findings = [*_of_wrapper(body), *_of_query(body)]
    findings.append(
        finding(
            patient == bearer_patient,
            "L'INS demandé est celui du VIHF.",
            "VIHF, resource-id",
            detail=f"{patient} / {bearer_patient}",
            code="wsse:InvalidSecurityToken",
        )
    )
    return Question(
        patient=patient, message_id=dom.first(body, "h:id"), query=dom.first(body, QUERY), findings=tuple(findings)
    )


def _of_wrapper(body: etree._Element) -> Iterator[Finding]:
    yield _found(
        body.tag == f"{{{dom.CDA}}}PRPA_IN201307UV02" and body.get("ITSVersion") == "XML_1.0",
        "Le message est PRPA_IN201307UV02, en XML_1.0.",
        body.tag,
    )
    names = [dom.local(one) for one in dom.children(body)]
    yield _found(tuple(names) == ORDER, "Les éléments sont présents, dans l'ordre.", ", ".join(names))
    yield _found(
        dom.holds(body, f"h:interactionId[@root='{INTERACTIONS}' and @extension='PRPA_IN201307UV02']"),
        "L'interaction est désignée.",
    )
    yield _found(dom.holds(body, r"h:id[@root and @extension]"), "Le message a un identifiant.")
    yield _found(
        dom.holds(body, r"re:test(string(h:creationTime/@value), '^\d{14}$')"),
        "La date de création compte quatorze chiffres.",
        dom.value(body, "h:creationTime/@value"),
    )
    codes = [dom.value(body, f"h:{name}/@code") for name in ("processingCode", "processingModeCode", "acceptAckCode")]
    yield _found(
        codes[0] in ("P", "T", "D") and codes[1:] == ["T", "AL"],
        "Les codes de traitement sont ceux du DMP.",
        ", ".join(codes),
    )
    receiver = (
        f"h:receiver[@typeCode='RCV']/{DEVICE}[h:id/@root='{DMP_DEVICE}' and normalize-space(h:softwareName)='DMP']"
    )
    yield _found(dom.holds(body, receiver), "Le destinataire est le DMP.")
    sender = f"h:sender[@typeCode='SND']/{DEVICE}[h:id/@root and normalize-space(h:softwareName)]"
    yield _found(dom.holds(body, sender), "L'émetteur se nomme.")


def _of_query(body: etree._Element) -> Iterator[Finding]:
    yield _found(
        dom.holds(body, "h:controlActProcess[@classCode='CACT' and @moodCode='EVN']"),
        "L'acte de contrôle est CACT, EVN.",
    )
    reason = "h:controlActProcess/h:reasonCode[@code='TEST_EXST' and @codeSystem='1.2.250.1.213.1.1.4.11']"
    yield _found(dom.holds(body, reason), "Le motif est TEST_EXST.")
    yield _found(
        dom.holds(body, f"{QUERY}/h:queryId") and dom.value(body, f"{QUERY}/h:statusCode/@code") == "new",
        "La requête a un identifiant et l'état new.",
    )
    criteria = len(dom.find(body, f"{QUERY}/h:parameterList/*/h:value"))
    yield _found(criteria == 1, "Un seul patient est cherché.", criteria)
    meaning = f"{QUERY}/h:parameterList/h:patientIdentifier/h:semanticsText"
    yield _found(dom.value(body, meaning) == "Patient.id", "Le critère est Patient.id.", dom.value(body, meaning))


def answer(question: Question, patient: Patient | None, now: datetime) -> etree._Element:
    """`patient` is None when no DMP goes by this INS."""
    root = etree.Element(f"{{{dom.CDA}}}PRPA_IN201308UV02", nsmap=PREFIXES)
    root.set("ITSVersion", "XML_1.0")
    _add(root, "id", extension=str(uuid.uuid4()), root=DMP_DEVICE)
    _add(root, "creationTime", value=now.strftime("%Y%m%d%H%M%S"))
    _add(root, "interactionId", extension="PRPA_IN201308UV02", root=INTERACTIONS)
    for name, code in (("processingCode", "D"), ("processingModeCode", "T"), ("acceptAckCode", "NE")):
        _add(root, name, code=code)
    _device(root, "receiver", "RCV", "")
    _device(root, "sender", "SND", "DMP")
    if patient is not None:
        _attention(
            root, "AUTORISATION", "1.2.250.1.213.4.1.2.6.1", {"code": "VALIDE", "codeSystem": "1.2.250.1.213.4.1.2.6.2"}
        )
        _attention(root, "STATUT_MT", "1.2.250.1.213.4.1.2.6.3", {"value": "false"})
    _acknowledge(root, question, patient)
    control = _add(root, "controlActProcess", moodCode="EVN", classCode="CACT")
    if patient is not None:
        _subject(control, patient)
    response = _add(control, "queryAck")
    if question.query is not None:
        query_id = dom.first(question.query, "h:queryId")
        if query_id is not None:
            response.append(dom.respell(query_id, PREFIXES))
    _add(response, "queryResponseCode", code="NF" if patient is None else "OK")
    if question.query is not None:
        control.append(dom.respell(question.query, PREFIXES))
    return root


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{dom.CDA}}}{name}")
    for key, content in attributes.items():
        element.set(key, content)
    return element


def _device(root: etree._Element, name: str, kind: str, software: str) -> None:
    device = _add(_add(root, name, typeCode=kind), "device", determinerCode="INSTANCE", classCode="DEV")
    _add(device, "id", root=DMP_DEVICE) if software else _add(device, "id", nullFlavor="NI")
    if software:
        _add(device, "softwareName").text = software


def _attention(root: etree._Element, word: str, system: str, content: dict[str, str]) -> None:
    line = _add(root, "attentionLine")
    _add(line, "keyWordText", codeSystem=system, code=word)
    value = _add(line, "value", **content)
    value.set(f"{{{dom.XSI}}}type", "hl7:CV" if "code" in content else "hl7:BL")


def _acknowledge(root: etree._Element, question: Question, patient: Patient | None) -> None:
    acknowledgement = _add(root, "acknowledgement", typeCode="AA")
    target = _add(acknowledgement, "targetMessage")
    if question.message_id is not None:
        target.append(dom.respell(question.message_id, PREFIXES))
    if patient is not None:
        closed = patient.status != "active"
        detail = _add(acknowledgement, "acknowledgementDetail", typeCode="I")
        _add(detail, "code", code="DMPClosed" if closed else "DMPFound")
        _add(detail, "text").text = "DMP fermé" if closed else "DMP trouvé"


def _subject(control: etree._Element, patient: Patient) -> None:
    event = _add(_add(control, "subject", typeCode="SUBJ"), "registrationEvent", moodCode="EVN", classCode="REG")
    _add(event, "statusCode", code="active")
    role = _add(_add(event, "subject1", typeCode="SBJ"), "patient", classCode="PAT")
    _add(role, "id", extension=patient.ins, root=patient.oid)
    _add(role, "statusCode", code=patient.status)
    person = _add(role, "patientPerson", determinerCode="INSTANCE", classCode="PSN")
    name = _add(person, "name")
    _add(name, "family", qualifier="BR").text = patient.family
    _add(name, "family", qualifier="SP").text = "NON RENSEIGNE"
    _add(name, "given").text = patient.given
    _add(person, "administrativeGenderCode", codeSystem="2.16.840.1.113883.5.1", code=patient.gender)
    _add(person, "birthTime", value=patient.birth_date)
    for code, system in (
        ("COMPTE_INTERNET_OUVERT", "1.2.250.1.213.4.1.2.9"),
        ("RATTACHEMENT_ENS", "1.2.250.1.213.4.1.2.3"),
    ):
        about = _add(role, "subjectOf", typeCode="SBJ")
        observation = _add(about, "administrativeObservation", moodCode="EVN", classCode="OBS")
        _add(observation, "code", codeSystem=system, code=code)
        _add(observation, "value", value="true").set(f"{{{dom.XSI}}}type", "hl7:BL")
