"""ebXML answers (ebRS 3.0): RegistryResponse and AdhocQueryResponse, spelt with prefixes of our own."""

from collections.abc import Iterable

from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.findings import Finding
from sandbox.dmp.registry import REPOSITORY, Filed

SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
PREFIXES: dict[str | None, str] = {"ns4": dom.RS, "ns5": dom.RIM, "ns6": dom.QUERY}


def registry_response(refused: Iterable[Finding] = ()) -> etree._Element:
    response = etree.Element(f"{{{dom.RS}}}RegistryResponse", nsmap=PREFIXES)
    _errors(response, list(refused))
    return response


def query_response(found: Iterable[Filed], *, leaf: bool, refused: Iterable[Finding] = ()) -> etree._Element:
    response = etree.Element(f"{{{dom.QUERY}}}AdhocQueryResponse", nsmap=PREFIXES)
    _errors(response, list(refused))
    listed = etree.SubElement(response, f"{{{dom.RIM}}}RegistryObjectList")
    for one in found:
        listed.append(_entry(one) if leaf else _reference(one))
    return response


def _errors(response: etree._Element, refused: list[Finding]) -> None:
    response.set("status", FAILURE if refused else SUCCESS)
    if not refused:
        return
    errors = etree.SubElement(response, f"{{{dom.RS}}}RegistryErrorList")
    errors.set("highestSeverity", ERROR)
    for one in {(one.code, one.sentence()): one for one in refused}.values():
        error = etree.SubElement(errors, f"{{{dom.RS}}}RegistryError")
        for name, content in (
            ("severity", ERROR),
            ("location", one.where),
            ("errorCode", one.code),
            ("codeContext", one.sentence()),
        ):
            error.set(name, content)


def _reference(one: Filed) -> etree._Element:
    element = etree.Element(f"{{{dom.RIM}}}ObjectRef", nsmap=PREFIXES)
    element.set("id", one.entry_uuid)
    return element


def _entry(one: Filed) -> etree._Element:
    """The metadata as received, under the identifiers and the status of the registry."""
    element = dom.respell(one.element, PREFIXES)
    symbolic = one.element.get("id", "")
    for inside in element.iter():
        for name in ("classifiedObject", "registryObject"):
            if inside.get(name) == symbolic:
                inside.set(name, one.entry_uuid)
    element.set("id", one.entry_uuid)
    element.set("lid", one.logical_id)
    element.set("status", one.status)
    computed = {"repositoryUniqueId": REPOSITORY, "hash": one.sha1, "size": str(len(one.content))}
    present = {slot.get("name") for slot in dom.find(element, "rim:Slot")}
    for name, content in computed.items():
        if name not in present:
            element.insert(0, _slot(name, content))
    version = etree.Element(f"{{{dom.RIM}}}VersionInfo", nsmap=PREFIXES)
    version.set("versionName", "1")
    heads = [child for child in dom.children(element) if dom.local(child) in ("Slot", "Name", "Description")]
    element.insert(element.index(heads[-1]) + 1, version)
    return element


def _slot(name: str, content: str) -> etree._Element:
    slot = etree.Element(f"{{{dom.RIM}}}Slot", nsmap=PREFIXES)
    slot.set("name", name)
    values = etree.SubElement(slot, f"{{{dom.RIM}}}ValueList")
    etree.SubElement(values, f"{{{dom.RIM}}}Value").text = content
    return slot


def is_visible(one: Filed, structure: str) -> bool:
    """A document hidden from professionals shows to its own structure only."""
    masked = any(code == "MASQUE_PS" for code, _ in one.fields.pairs("confidentialityCode"))
    return not masked or one.structure == structure
