"""A patient in FHIR: FR Core names, INS and identity reliability (fhir.md 10.2, 10.3)."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.domain.patient import Address, Patient, Reliability
from hub.r4 import elements, names
from hub.r4.shapes import usual_gp as links

Resource = dict[str, Any]

INS_OIDS = {
    "INS-NIR": "1.2.250.1.213.1.4.8",
    "INS-NIA": "1.2.250.1.213.1.4.9",
    "INS-NIR-TEST": "1.2.250.1.213.1.4.10",
    "INS-NIR-DEMO": "1.2.250.1.213.1.4.11",
}
V2_0445 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445"


def ins_of(patient: Resource) -> tuple[str, str] | None:
    """The INS pair: an identifier of type INS-*, use official (a number of another type never counts as INS)."""
    for part in patient.get("identifier", []):
        codes = {coding.get("code") for coding in part.get("type", {}).get("coding", [])}
        if part.get("use", "official") == "official" and codes & INS_OIDS.keys() and part.get("value"):
            return part["value"], part.get("system", "").removeprefix("urn:oid:")
    return None


def claimed_reliability(patient: Resource) -> Reliability:
    """The status the sender writes. VALI of v2-0445 is what the national rules call qualified, when an INS is there."""
    outer = elements.extension(patient, names.RELIABILITY_EXTENSION) or {}
    inner: Resource = next((part for part in outer.get("extension", []) if part.get("url") == "identityStatus"), {})
    coding = inner.get("valueCoding", {})
    code = coding.get("code")
    if code == "VALI" and coding.get("system") == V2_0445:
        return Reliability.QUALIFIED if ins_of(patient) else Reliability.CHECKED
    return Reliability(code) if code in set(Reliability) else Reliability.PROVISIONAL


def reliability(patient: Resource) -> Reliability:
    """The hub's own status, kept beside what the sender wrote; without it, what the sender claims counts as not qualified."""
    own = elements.extension(patient, names.structure("identity-status"))
    if own is not None:
        return Reliability(own["valueCode"])
    claimed = claimed_reliability(patient)
    return Reliability.FETCHED if claimed is Reliability.QUALIFIED else claimed


def set_reliability(patient: Resource, status: Reliability) -> None:
    """Record the hub's own status (fhir.md 10.3): QUAL of a peer is QUAL here only if its registration says so."""
    elements.set_extension(patient, names.structure("identity-status"), {"valueCode": status.value})


def _name(patient: Resource, use: str) -> Resource:
    return next((part for part in patient.get("name", []) if part.get("use") == use), {})


def _texts(values: list[str | None] | None) -> tuple[str, ...]:
    """The texts of a repeated element; a null stands where JSON has an extension only."""
    return tuple(value for value in values or [] if value)


def _phone(patient: Resource, system: str) -> str:
    found = [part for part in patient.get("telecom", []) if part.get("system") == system and part.get("value")]
    best: Resource = min(found, key=lambda part: part.get("rank", 99), default={})
    return str(best.get("value", ""))


def commune_of(address: Resource) -> str:
    """The INSEE code of an Address, empty when absent."""
    found = elements.extension(address, names.COMMUNE_EXTENSION) or {}
    return str(found.get("valueCoding", {}).get("code", ""))


def home(patient: Resource) -> Resource:
    """The home Address: the one of use home, else the first."""
    places: list[Resource] = patient.get("address", [])
    return next((place for place in places if place.get("use", "home") == "home"), places[0] if places else {})


def usual_gp(patient: Resource) -> str | None:
    """National identifier of the médecin traitant, the confirmed one first; 12 characters also when an RPPS number comes bare."""
    said = links.confirmed(patient)
    named = (links.national_id(part) for part in patient.get("generalPractitioner", []))
    return said.national_id if said else next((one for one in named if one), None)


def read(patient: Resource) -> Patient:
    """The patient as we decide about one; missing parts are empty."""
    official = _name(patient, "official") or (patient.get("name") or [{}])[0]
    usual = _name(patient, "usual")
    given, used = (_texts(name.get("given")) for name in (official, usual))
    born = patient.get("birthDate", "")
    place = elements.extension(patient, names.BIRTH_PLACE_EXTENSION) or {}
    address = home(patient)
    listed = elements.extension(official, names.BIRTH_GIVEN_EXTENSION) or {}
    return Patient(
        id=patient.get("id", ""),
        birth_name=official.get("family", ""),
        first_given=given[0] if given else "",
        given=listed.get("valueString", "") or " ".join(given),
        used_name=usual.get("family", ""),
        used_given=used[0] if used else "",
        sex=patient.get("gender", "unknown"),
        birth_date=date.fromisoformat(born) if len(born) == 10 else None,
        birth_place=commune_of(place.get("valueAddress", {})),
        ins=ins_of(patient),
        reliability=reliability(patient),
        phone=_phone(patient, "phone"),
        email=_phone(patient, "email"),
        address=Address(
            lines=_texts(address.get("line")),
            postcode=address.get("postalCode", ""),
            city=address.get("city", ""),
            commune=commune_of(address),
        ),
        usual_gp=usual_gp(patient),
    )
