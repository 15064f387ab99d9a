"""XDS.b metadata (IHE ITI TF-3, section 4.2) out of their ebXML clothes."""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.dmp import dom

ENTRY_TYPE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
SET_SCHEMES = {
    "author": "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d",
    "contentTypeCode": "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500",
}
SET_IDENTIFIERS = {
    "patientId": "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
    "sourceId": "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832",
    "uniqueId": "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
}
ENTRY_SCHEMES = {
    "author": "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d",
    "classCode": "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a",
    "typeCode": "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983",
    "confidentialityCode": "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f",
    "formatCode": "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d",
    "healthcareFacilityTypeCode": "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1",
    "practiceSettingCode": "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead",
    "eventCodeList": "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4",
}
ENTRY_IDENTIFIERS = {
    "patientId": "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
    "uniqueId": "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
}

MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
REPLACES = "urn:ihe:iti:2007:AssociationType:RPLC"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
UPDATES_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
ARCHIVED = "urn:asip:ci-sis:2010:StatusType:Archived"
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"
SIGNATURE_FORMAT = "http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    name: str  # author, typeCode...; empty for a scheme we do not know
    code: str
    system: str
    display: str
    slots: Mapping[str, tuple[str, ...]]
    classified: str
    whole: bool  # has an id, a localised name and one coding scheme, as the standard asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An ExtrinsicObject or a RegistryPackage."""

    id: str
    mime_type: str
    object_type: str
    lid: str
    title: str
    slots: Mapping[str, tuple[str, ...]]
    repeated_slots: tuple[str, ...]
    classifications: tuple[Classification, ...]
    nodes: tuple[str, ...]
    identifiers: Mapping[str, tuple[str, ...]]
    foreign_identifiers: tuple[str, ...]
    ordered: bool  # children in the order of the rim schema
    localised: bool  # every label says charset UTF8 and language FR
    element: etree._Element

    def slot(self, name: str) -> str:
        return next(iter(self.slots.get(name, ())), "")

    def coded(self, name: str) -> list[Classification]:
        return [one for one in self.classifications if one.name == name]

    def pairs(self, name: str) -> list[tuple[str, str]]:
        return [(one.code, one.system) for one in self.coded(name)]

    def identifier(self, name: str) -> str:
        return next(iter(self.identifiers.get(name, ())), "")

    @property
    def is_signature(self) -> bool:
        return any(code == SIGNATURE_FORMAT for code, _ in self.pairs("formatCode"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    id: str
    kind: str
    source: str
    target: str
    slots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    sets: tuple[Registered, ...]
    entries: tuple[Registered, ...]
    associations: tuple[Association, ...]
    others: tuple[str, ...]  # names of elements that have no place here

    @property
    def documents(self) -> list[Registered]:
        return [one for one in self.entries if not one.is_signature]

    @property
    def signatures(self) -> list[Registered]:
        return [one for one in self.entries if one.is_signature]

    def of_kind(self, kind: str) -> list[Association]:
        return [one for one in self.associations if one.kind == kind]


def read(request: etree._Element) -> Submission:
    """`request`: lcm:SubmitObjectsRequest. A classification written beside its object is given back to it."""
    listed = dom.find(request, "rim:RegistryObjectList/*")
    loose = [one for one in listed if one.tag == f"{{{dom.RIM}}}Classification"]
    kinds = {"RegistryPackage": [], "ExtrinsicObject": [], "Association": []}  # type: dict[str, list[etree._Element]]
    others = []
    for one in listed:
        if dom.namespace(one) == dom.RIM and dom.local(one) in kinds:
            kinds[dom.local(one)].append(one)
        elif one not in loose:
            others.append(dom.local(one))
    return Submission(
        sets=tuple(_registered(one, SET_SCHEMES, SET_IDENTIFIERS, loose) for one in kinds["RegistryPackage"]),
        entries=tuple(_registered(one, ENTRY_SCHEMES, ENTRY_IDENTIFIERS, loose) for one in kinds["ExtrinsicObject"]),
        associations=tuple(_association(one) for one in kinds["Association"]),
        others=tuple(others),
    )


_LABEL = "@charset='UTF8' and @xml:lang='FR' and @value!=''"
_AUTHOR_SLOTS = {"authorPerson", "authorInstitution", "authorSpecialty", "authorRole", "authorTelecommunication"}
_ORDER = ("Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier")


def _registered(
    element: etree._Element, schemes: Mapping[str, str], names: Mapping[str, str], loose: list[etree._Element]
) -> Registered:
    own_id = element.get("id", "")
    inside = dom.find(element, "rim:Classification")
    beside = [one for one in loose if one.get("classifiedObject") == own_id]
    identifiers: dict[str, tuple[str, ...]] = {}
    by_uuid = {uuid: name for name, uuid in names.items()}
    foreign = []
    for one in dom.find(element, "rim:ExternalIdentifier"):
        name = by_uuid.get(one.get("identificationScheme", ""), "")
        identifiers[name] = (*identifiers.get(name, ()), one.get("value", ""))
        if one.get("registryObject") != own_id or not dom.value(one, "rim:Name/rim:LocalizedString/@value"):
            foreign.append(name)
    ranks = [_ORDER.index(dom.local(one)) if dom.local(one) in _ORDER else -1 for one in dom.children(element)]
    slot_names = [one.get("name", "") for one in dom.find(element, "rim:Slot")]
    coded = [one for one in inside + beside if one.get("classificationScheme")]
    return Registered(
        id=own_id,
        mime_type=element.get("mimeType", ""),
        object_type=element.get("objectType", ""),
        lid=element.get("lid", ""),
        title=dom.value(element, "rim:Name/rim:LocalizedString/@value"),
        slots=_slots(element),
        repeated_slots=tuple(n for n in set(slot_names) if slot_names.count(n) > 1),
        classifications=tuple(_classification(one, schemes) for one in coded),
        nodes=tuple(one.get("classificationNode", "") for one in inside + beside if one.get("classificationNode")),
        identifiers=identifiers,
        foreign_identifiers=tuple(foreign),
        ordered=ranks == sorted(ranks) and -1 not in ranks,
        localised=not dom.holds(element, f".//rim:LocalizedString[not({_LABEL})]"),
        element=element,
    )


def _classification(element: etree._Element, schemes: Mapping[str, str]) -> Classification:
    by_uuid = {uuid: name for name, uuid in schemes.items()}
    name = by_uuid.get(element.get("classificationScheme", ""), "")
    slots = _slots(element)
    systems = slots.get("codingScheme", ())
    labelled = dom.first(element, "rim:Name/rim:LocalizedString[@value!='']")
    coded = element.get("nodeRepresentation", "") != "" and len(systems) == 1 and labelled is not None
    authored = name == "author" and set(slots) <= _AUTHOR_SLOTS
    once = len(slots) == len(dom.find(element, "rim:Slot"))
    return Classification(
        name=name,
        code=element.get("nodeRepresentation", ""),
        system=systems[0] if systems else "",
        display=labelled.get("value", "") if labelled is not None else "",
        slots=slots,
        classified=element.get("classifiedObject", ""),
        whole=bool(element.get("id")) and once and (coded or authored),
    )


def _association(element: etree._Element) -> Association:
    return Association(
        id=element.get("id", ""),
        kind=element.get("associationType", ""),
        source=element.get("sourceObject", ""),
        target=element.get("targetObject", ""),
        slots=_slots(element),
    )


def _slots(element: etree._Element) -> dict[str, tuple[str, ...]]:
    return {
        slot.get("name", ""): tuple((value.text or "").strip() for value in dom.find(slot, "rim:ValueList/rim:Value"))
        for slot in dom.find(element, "rim:Slot")
    }
