"""ebXML RIM 3.0 as XDS.b uses it: slots, names, classifications, external identifiers. Written as text, read from trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from hub.connectors.dmp.tables import Code
from hub.connectors.dmp.xmltext import attribute, element

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
NS = {"rim": RIM}


def slot(name: str, *values: str) -> str:
    """A slot; nothing when there is no value."""
    kept = "".join(f"<Value>{element(value)}</Value>" for value in values if value)
    return f'<Slot name="{attribute(name)}"><ValueList>{kept}</ValueList></Slot>' if kept else ""


def localized(tag: str, value: str) -> str:
    """A ``Name`` or ``Description``; nothing when empty."""
    if not value:
        return ""
    return f'<{tag}><LocalizedString charset="UTF8" xml:lang="FR" value="{attribute(value)}"/></{tag}>'


def coded(owner: str, number: int, scheme: str, code: Code) -> str:
    """A classification that holds a code."""
    return (
        f'<Classification id="{owner}-c{number}" classifiedObject="{owner}" classificationScheme="{scheme}" '
        f'nodeRepresentation="{attribute(code.code)}">{slot("codingScheme", code.system)}'
        f"{localized('Name', code.display)}</Classification>"
    )


def described(owner: str, number: int, scheme: str, slots: Iterable[str]) -> str:
    """A classification that holds slots (an author)."""
    return (
        f'<Classification id="{owner}-c{number}" classifiedObject="{owner}" classificationScheme="{scheme}" '
        f'nodeRepresentation="">{"".join(slots)}</Classification>'
    )


def identifier(owner: str, number: int, scheme: str, name: str, value: str) -> str:
    """An external identifier; ``name`` is the word of XDS (``XDSDocumentEntry.uniqueId``)."""
    return (
        f'<ExternalIdentifier id="{owner}-e{number}" registryObject="{owner}" identificationScheme="{scheme}" '
        f'value="{attribute(value)}">{localized("Name", name)}</ExternalIdentifier>'
    )


def read_slots(holder: etree._Element) -> dict[str, tuple[str, ...]]:
    """The values of each slot of a registry object or classification, by name."""
    return {
        one.get("name", ""): tuple(value.text or "" for value in one.iterfind("rim:ValueList/rim:Value", NS))
        for one in holder.iterfind("rim:Slot", NS)
    }


def read_text(holder: etree._Element, tag: str) -> str:
    """The first localized string of a ``Name`` or ``Description``."""
    found = holder.find(f"rim:{tag}/rim:LocalizedString", NS)
    return "" if found is None else found.get("value", "")


def read_codes(holder: etree._Element) -> Iterator[tuple[str, Code]]:
    """Each coded classification: scheme and code."""
    for one in holder.iterfind("rim:Classification", NS):
        code = one.get("nodeRepresentation", "")
        if code:
            system = next(iter(read_slots(one).get("codingScheme", ())), "")
            yield one.get("classificationScheme", ""), Code(code=code, display=read_text(one, "Name"), system=system)


def read_identifiers(holder: etree._Element) -> dict[str, str]:
    """External identifiers, value by scheme."""
    return {
        one.get("identificationScheme", ""): one.get("value", "")
        for one in holder.iterfind("rim:ExternalIdentifier", NS)
    }
