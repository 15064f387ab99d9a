"""What this DMP holds: patients, documents, identifiers already used. In memory, gone at the end of the process."""

import hashlib
import uuid
from dataclasses import dataclass, field, replace

from lxml import etree

from sandbox.dmp import ins, xds

REPOSITORY = "1.2.250.1.213.4.1.1.1.2"  # value seen in the DMP's samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """`status`: active or closed. `birth_date`: yyyymmdd. `birth_place`: COG code."""

    ins: str
    oid: str
    status: str = "active"
    family: str = ""
    given: str = ""
    gender: str = "UN"
    birth_date: str = ""
    birth_place: str = ""

    @property
    def cx(self) -> str:
        return ins.cx(self.ins, self.oid)

    def shut(self) -> "Patient":
        return replace(self, status="closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A document entry of the registry with its octets. `fields`: the metadata as received."""

    unique_id: str
    entry_uuid: str
    logical_id: str
    patient: str
    status: str
    content: bytes
    structure: str
    people: tuple[str, ...]  # who wrote it, as XCN
    set_id: str
    version: int
    submission: str
    fields: xds.Registered
    replaces: str = ""  # uniqueId

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.content).hexdigest()

    @property
    def element(self) -> etree._Element:
        return self.fields.element


PATIENTS = (  # PAT-TROIS is a public test identity; the other one is invented
    Patient(
        ins="279035121518989",
        oid="1.2.250.1.213.1.4.10",
        family="PAT-TROIS",
        given="DOMINIQUE",
        gender="F",
        birth_date="19790328",
        birth_place="51215",
    ),
    Patient(
        ins="155069512700193",
        oid="1.2.250.1.213.1.4.10",
        status="closed",
        family="PAT-FERME",
        given="GASTON",
        gender="M",
        birth_date="19550612",
        birth_place="95127",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator of the sandbox may change while it runs."""

    masks_together: bool = False  # cumul-invisible_patient-masque_ps
    multipart_answers: bool = True  # answers of /repository in XOP


@dataclass(slots=True, kw_only=True)
class Registry:
    patients: dict[str, Patient] = field(default_factory=dict)  # by CX
    filed: dict[str, Filed] = field(default_factory=dict)  # by uniqueId
    submissions: set[str] = field(default_factory=set)
    assertions: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)  # entryUUIDs that metadata changes left behind
    options: Options = field(default_factory=Options)

    def reset(self) -> None:
        self.patients = {one.cx: one for one in PATIENTS}
        self.filed, self.submissions, self.assertions, self.retired = {}, set(), set(), set()
        self.options = Options()

    def by_uuid(self, entry_uuid: str) -> Filed | None:
        return next((one for one in self.filed.values() if one.entry_uuid == entry_uuid), None)

    def put(self, one: Filed) -> None:
        self.filed[one.unique_id] = one

    def change_status(self, one: Filed, status: str) -> Filed:
        """Any change of the metadata gives the entry another entryUUID; the logical identifier stays."""
        self.retired.add(one.entry_uuid)
        changed = replace(one, status=status, entry_uuid=new_uuid())
        self.filed[one.unique_id] = changed
        return changed

    def deprecate(self, one: Filed) -> None:
        self.filed[one.unique_id] = replace(one, status=xds.DEPRECATED)

    def in_set(self, set_id: str, patient: str) -> list[Filed]:
        alive = {xds.APPROVED, xds.DEPRECATED, xds.ARCHIVED}
        return [
            one
            for one in self.filed.values()
            if set_id and one.set_id == set_id and one.patient == patient and one.status in alive
        ]


def new_uuid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"
