"""ITI-18 (TD3.1): GetDocuments and FindDocuments."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.answers import is_visible
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.registry import Filed, Registry

ACTION = "urn:ihe:iti:2007:RegistryStoredQuery"
FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
ENTRY = "$XDSDocumentEntry"
PLACE = "IHE ITI-18"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    query: str
    leaf: bool
    parameters: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...]

    def one(self, name: str) -> str:
        return next(iter(self.parameters.get(ENTRY + name, ())), "")


def _found(passed: object, what: str, detail: object = "", code: str = "XDSRegistryError") -> Finding:
    return finding(passed, what, PLACE, detail=detail, code=code)


def read(body: etree._Element, mode: str, bearer_patient: str) -> Question:
    """`mode`: Authentification_mode of the VIHF."""
    option, query = dom.first(body, "q:ResponseOption"), dom.first(body, "rim:AdhocQuery")
    kind = query.get("id", "") if query is not None else ""
    parameters: dict[str, tuple[str, ...]] = {}
    malformed = []
    for slot in dom.find(body, "rim:AdhocQuery/rim:Slot"):
        written = [dom.value(one, ".") for one in dom.find(slot, "rim:ValueList/rim:Value")]
        values = [_values(one) for one in written]
        malformed += [text for text, value in zip(written, values, strict=True) if value is None]
        parameters[slot.get("name", "")] = tuple(one for value in values if value for one in value)
    returned = "" if option is None else option.get("returnType", "")
    findings = [
        _found(body.tag == f"{{{dom.QUERY}}}AdhocQueryRequest", "La demande est un AdhocQueryRequest.", body.tag),
        _found(
            returned in ("LeafClass", "ObjectRef")
            and option is not None
            and option.get("returnComposedObjects") == "true",
            "L'option de réponse est LeafClass ou ObjectRef, objets composés.",
            returned,
        ),
        _found(
            kind in (FIND_DOCUMENTS, GET_DOCUMENTS),
            "La requête est GetDocuments ou FindDocuments.",
            kind,
            "XDSUnknownStoredQuery",
        ),
        _found(
            not malformed, "Les chaînes sont entre apostrophes, les listes entre parenthèses.", ", ".join(malformed)
        ),
    ]
    question = Question(query=kind, leaf=returned == "LeafClass", parameters=parameters, findings=())
    findings += _of_parameters(question, mode, bearer_patient)
    return Question(query=kind, leaf=question.leaf, parameters=parameters, findings=tuple(findings))


def _values(text: str) -> list[str] | None:
    """`'a'`, `('a','b')`, or a bare number; an apostrophe inside is doubled. None when malformed."""
    if re.fullmatch(r"\d+", text):
        return [text]
    inside = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    if not re.fullmatch(r"\s*'(''|[^'])*'(\s*,\s*'(''|[^'])*')*\s*", inside):
        return None
    return [found.replace("''", "'") for found in re.findall(r"'((?:''|[^'])*)'", inside)]


def _of_parameters(question: Question, mode: str, bearer_patient: str) -> Iterator[Finding]:
    missing = "XDSStoredQueryMissingParam"
    if question.query == GET_DOCUMENTS:
        given = [name for name in ("UniqueId", "EntryUUID") if question.parameters.get(ENTRY + name)]
        yield _found(given, "uniqueId ou entryUUID est donné.", code=missing)
        yield _found(len(given) < 2, "Un seul des deux est donné.", ", ".join(given), "XDSStoredQueryParamNumber")
    if question.query == FIND_DOCUMENTS:
        patient = question.one("PatientId")
        yield _found(patient, "Le patient est donné.", code=missing)
        yield _found(question.one("Status"), "L'état est donné.", code=missing)
        yield _found(
            not patient or patient == bearer_patient,
            "Le patient est celui du VIHF.",
            patient,
            "XDSPatientIdDoesNotMatch",
        )
        yield finding(
            mode != "INDIRECTE",
            "La recherche par métadonnées n'est pas ouverte au mode INDIRECTE.",
            "Matrice des droits fonctionnels du DMP, TD3.1",
            code="DMPAccessDenied",
        )


def run(question: Question, registry: Registry, *, patient: str, structure: str) -> list[Filed]:
    """`patient`: of the VIHF; entries of others do not exist for this caller."""
    of_patient = [one for one in registry.filed.values() if one.patient == patient]
    if question.query == GET_DOCUMENTS:
        unique = question.parameters.get(f"{ENTRY}UniqueId", ())
        uuids = question.parameters.get(f"{ENTRY}EntryUUID", ())
        return [one for one in of_patient if one.unique_id in unique or one.entry_uuid in uuids]
    return [one for one in of_patient if is_visible(one, structure) and all(fits(one, question) for fits in FILTERS)]


def _status(one: Filed, question: Question) -> bool:
    return one.status in question.parameters[f"{ENTRY}Status"]


def _type(one: Filed, question: Question) -> bool:
    wanted = question.parameters.get(f"{ENTRY}TypeCode", ())
    return not wanted or any(f"{code}^^{system}" in wanted for code, system in one.fields.pairs("typeCode"))


def _started(one: Filed, question: Question) -> bool:
    moment = one.fields.slot("serviceStartTime")
    begin, end = question.one("ServiceStartTimeFrom"), question.one("ServiceStartTimeTo")
    return (not begin or moment >= begin.ljust(14, "0")) and (not end or moment < end.ljust(14, "0"))


FILTERS: tuple[Callable[[Filed, Question], bool], ...] = (_status, _type, _started)
