"""The transaction of a level-2 handoff, road A (SAS specification 17.2). Pure: a wish and an instant in, a Bundle out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from sandbox.sas import names
from sandbox.sas.wish import Regulator, Wish

Resource = dict[str, Any]
TYPES = ("Patient", "Organization", "Practitioner", "Location", "ServiceRequest", "Task")
PARIS = ZoneInfo("Europe/Paris")
# FHIR priority of a P-code; NR and an absent one are routine (17.2).
PRIORITIES = {"P0": "stat", "P1": "asap"}
INS_TYPES = {"8": "INS-NIR", "9": "INS-NIA", "10": "INS-NIR-TEST", "11": "INS-NIR-DEMO"}  # by end of the OID
INSEE_CODE = f"{names.CORE}/StructureDefinition/fr-core-address-insee-code"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
RELIABILITY = f"{names.CORE}/StructureDefinition/fr-core-identity-reliability"


def case_id(dossier: str) -> str:
    """The number of the file as other systems see it: the client, then the number."""
    return f"{names.CLIENT}.{dossier}"


def patient_id(dossier: str, ordinal: int) -> str:
    return f"{names.CLIENT}.patient.{dossier}.{ordinal}"


def instant(at: datetime) -> str:
    """Local time of Paris with its offset, whole seconds."""
    return at.astimezone(PARIS).replace(microsecond=0).isoformat()


def build(wish: Wish, regulator: Regulator, at: datetime, *, copy: int = 0) -> Resource:
    """`wish.dossier` must be filled; another `copy` has other fullUrls and the same content."""
    key = patient_id(wish.dossier, wish.ordinal)
    urls = {name: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{key}/{name}/{copy}')}" for name in TYPES}
    file_key = f"identifier={names.SAS_PATIENT}|{key}"
    conditions = {
        "Patient": file_key,
        "Organization": f"identifier={names.HUBSANTE_CLIENT}|{names.CLIENT}",
        "Practitioner": f"identifier={names.IDNPS}|{regulator.id}",
        "ServiceRequest": file_key,
        "Task": file_key,
    }
    resources = {
        "Patient": _patient(wish, key),
        "Organization": {"identifier": [_identifier(names.HUBSANTE_CLIENT, names.CLIENT)], "name": "SAMU-SAS 95"},
        "Practitioner": _practitioner(regulator),
        "Location": _location(wish),
        "ServiceRequest": _request(wish, key, urls, at),
        "Task": _task(wish, key, urls, at),
    }
    entries = [_entry(name, urls[name], resources[name], conditions.get(name)) for name in TYPES]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _entry(name: str, url: str, resource: Resource, condition: str | None) -> Resource:
    request = {"url": name, "method": "POST"}
    if condition:
        request["ifNoneExist"] = condition
    return {"request": request, "resource": {"resourceType": name, **_filled(resource)}, "fullUrl": url}


def _filled(value: Any) -> Any:
    """Without empty texts, lists and objects: FHIR has none."""
    if isinstance(value, dict):
        kept = {name: _filled(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return [part for part in (_filled(part) for part in value) if part not in (None, "", [], {})]
    return value


def _coding(system: str, code: str, **more: str) -> Resource:
    return {"coding": [{"system": system, "code": code, **more}]} if code else {}


def _ours(name: str, code: str, **more: str) -> Resource:
    return _coding(names.code_system(name), code, **more)


def _identifier(system: str, value: str, kind: str = "") -> Resource:
    return {"type": _coding(names.IDENTIFIER_TYPES, kind), "system": system, "value": value}


def _insee(code: str) -> list[Resource]:
    return [{"url": INSEE_CODE, "valueCoding": {"system": names.COMMUNES, "code": code}}] if code else []


def _patient(wish: Wish, key: str) -> Resource:
    insee = _insee(wish.birth_place)
    extensions: list[Resource] = [{"url": BIRTH_PLACE, "valueAddress": {"extension": insee}}] if insee else []
    identifiers = [_identifier(names.SAS_PATIENT, key)]
    if wish.ins:
        kind = INS_TYPES.get(wish.ins_oid.rsplit(".", 1)[-1], "")
        types = _coding(f"{names.CORE}/CodeSystem/fr-core-cs-v2-0203", kind)
        identifiers.append({"use": "official", "type": types, "system": f"urn:oid:{wish.ins_oid}", "value": wish.ins})
        status = {"system": f"{names.CORE}/CodeSystem/fr-core-cs-v2-0445", "code": "VALI"}
        extensions.append({"url": RELIABILITY, "extension": [{"url": "identityStatus", "valueCoding": status}]})
    doctor = {"identifier": _identifier(names.IDNPS, wish.gp, "IDNPS")} if wish.gp else {}
    return {
        "extension": extensions,
        "identifier": identifiers,
        "name": [{"use": "official", "family": wish.family, "given": [wish.given]}],
        "telecom": [{"system": "phone", "value": wish.phone, "use": "mobile", "rank": 1}] if wish.phone else [],
        "gender": wish.gender,
        "birthDate": wish.birth_date,
        "address": [{"use": "home", "line": [wish.line], **_town(wish)}],
        "generalPractitioner": [doctor],
    }


def _town(wish: Wish) -> Resource:
    return {"extension": _insee(wish.commune), "city": wish.city, "postalCode": wish.postcode}


def _practitioner(regulator: Regulator) -> Resource:
    return {
        "meta": {"source": names.SAS_TECHNICAL},
        "identifier": [_identifier(names.IDNPS, regulator.id, "IDNPS")],
        "active": True,
        "name": [{"family": regulator.family, "given": [regulator.given]}],
        "telecom": [{"system": "email", "value": regulator.email}],
    }


def _location(wish: Wish) -> Resource:
    place = None not in (wish.latitude, wish.longitude)
    return {
        "mode": "instance",
        "address": {"line": [wish.line, wish.access], **_town(wish)},
        "position": {"longitude": wish.longitude, "latitude": wish.latitude} if place else {},
        "physicalType": _coding("http://terminology.hl7.org/CodeSystem/location-physical-type", "ho"),
    }


def _request(wish: Wish, key: str, urls: dict[str, str], at: datetime) -> Resource:
    now, end = instant(at), instant(at + timedelta(hours=wish.care_hours))
    return {
        "identifier": [_identifier(names.SAS_PATIENT, key)],
        "requisition": _identifier(names.DOSSIER, case_id(wish.dossier)),
        "status": "active",
        "intent": "order",
        "category": [_ours("kind-of-care", wish.kind), _ours("sas-level", "level-2")],
        "priority": PRIORITIES.get(wish.priority, "routine"),
        "code": _ours("care-type", wish.care_type),
        "orderDetail": [_ours("hubsante-priorite", wish.priority), _ours("hubsante-niveau-soin", wish.care_level)],
        "subject": {"reference": urls["Patient"]},
        "occurrencePeriod": {"start": now, "end": end},
        "authoredOn": now,
        "requester": {"reference": urls["Practitioner"]},
        "performerType": _coding(names.SPECIALITIES, "SM54"),
        "locationReference": [{"reference": urls["Location"]}],
        "reasonCode": [{**_ours("hubsante-motif", wish.motive), "text": wish.reason}],
        "note": [{"authorString": note.author, "time": now, "text": note.text} for note in wish.notes],
    }


def _task(wish: Wish, key: str, urls: dict[str, str], at: datetime) -> Resource:
    inputs = [
        {"type": _ours("task-input", "callback-phone"), "valueString": wish.phone} if wish.phone else {},
        {"type": _ours("task-input", "level-1-search-count"), "valueInteger": wish.searches},
    ]
    return {
        "identifier": [_identifier(names.SAS_PATIENT, key)],
        "groupIdentifier": _identifier(names.DOSSIER, case_id(wish.dossier)),
        "status": "requested",
        "intent": "order",
        "priority": PRIORITIES.get(wish.priority, "routine"),
        "code": _coding("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
        "focus": {"reference": urls["ServiceRequest"]},
        "for": {"reference": urls["Patient"]},
        "authoredOn": instant(at),
        "requester": {"reference": urls["Organization"]},
        "owner": {"identifier": _identifier(names.IDNST, wish.owner, "IDNST")} if wish.owner else {},
        "reasonCode": _ours("sas-handoff-reason", "no-level-1-slot"),
        "restriction": {"period": {"end": instant(at + timedelta(minutes=wish.response_minutes))}},
        "input": inputs,
    }
