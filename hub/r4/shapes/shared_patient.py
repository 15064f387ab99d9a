"""A patient whom several senders know: who sent which part, and which phone and address come first (fhir.md 10.3).

What arrives later stands beside what is known and after it: the operators of the territory choose what comes first.
"""

from __future__ import annotations

import copy
import hashlib
from datetime import datetime
from typing import Any

from hub.domain import facets
from hub.r4 import elements, json, names
from hub.r4.shapes.usual_gp import CONFIRMED

Resource = dict[str, Any]

# Numbers of a sender's own files stand on its own request, never on a patient whom others may know.
FILE_NUMBERS = ("sas-patient", "sas-dossier", "drm")
MERGED = ("identifier", "name", "telecom", "address", "contact", "communication", "generalPractitioner")
DATED = frozenset({"identifier", "name", "telecom", "address"})  # their type has a period
CONTACTS = ("telecom", "address")  # what an operator puts first
SENDER, CHOSEN = "sender", "chosen"
NOT_CONTENT = frozenset({"rank", "period", "id"})


def first(patient: Resource, sender: str | None) -> Resource:
    """The record made of what a sender tells: without its file numbers, with its name. ``sender`` is a client, if it is one."""
    made = {name: value for name, value in patient.items() if name != "id"}
    made["identifier"] = _numbers(patient)
    if not made["identifier"]:
        del made["identifier"]
    made["extension"] = [part for part in made.get("extension", []) if part.get("url") != names.structure(SENDER)]
    if sender is not None:
        made["extension"].append({"url": names.structure(SENDER), "valueString": sender})
    if not made["extension"]:
        del made["extension"]
    return made


def _numbers(patient: Resource) -> list[Resource]:
    files = {names.ns(name) for name in FILE_NUMBERS}
    return [part for part in patient.get("identifier", []) if part.get("system") not in files]


def joined(known: Resource, arrived: Resource, sender: str | None, at: datetime) -> Resource:
    """The known record with what it lacked of the arrived one, each part dated and with its sender's name. Nothing known goes."""
    merged = copy.deepcopy(known)
    fresh = {**arrived, "identifier": _numbers(arrived)}
    for name in MERGED:
        parts: list[Resource] = merged.get(name, [])
        for part in fresh.get(name, []):
            if facets.is_identity(name, part):
                continue
            same = next((one for one in parts if _content(one) == _content(part)), None)
            if same is None:
                parts = [*parts, _signed(name, part, sender, at)]
            elif sender is not None:
                _sign(same, facets.senders(same) or facets.senders(known), sender)
        if parts:
            merged[name] = parts
    _rank(merged)
    return merged


def retold(known: Resource, arrived: Resource, sender: str, at: datetime) -> Resource:
    """What the same sender tells anew in place of what it had told; parts that others sent too stay theirs."""
    if facets.only_sender(known) == sender:
        return {**_with_choices(first(arrived, sender), known), "id": known["id"], "meta": known["meta"]}
    kept = copy.deepcopy(known)
    for name in MERGED:
        parts = [one for part in kept.get(name, []) if (one := _without(name, part, known, sender)) is not None]
        kept[name] = parts
        if not parts:
            del kept[name]
    return joined(kept, arrived, sender, at)


def _with_choices(told: Resource, known: Resource) -> Resource:
    """The record with the phones and addresses that an operator had put first."""
    for name in (*CONTACTS, "generalPractitioner"):
        kept = [part for part in known.get(name, []) if _is_ours(part)]
        contents = [_content(part) for part in kept]
        parts = [*kept, *(part for part in told.get(name, []) if _content(part) not in contents)]
        if parts:
            told[name] = copy.deepcopy(parts)
    if any(elements.extension(part, names.structure(CHOSEN)) for part in told.get("telecom", [])):
        _rank(told)
    return told


def _without(name: str, part: Resource, known: Resource, sender: str) -> Resource | None:
    """The part without that sender; ``None`` when nobody else sent it, and nobody chose it."""
    named = facets.senders(part) or facets.senders(known)
    if sender not in named or _is_ours(part) or facets.is_identity(name, part):
        return part
    if named == {sender}:
        return None
    _sign(part, named - {sender})
    return part


def _is_ours(part: Resource) -> bool:
    """The territory chose it, or confirmed it."""
    return any(elements.extension(part, names.structure(name)) for name in (CHOSEN, CONFIRMED))


def _content(part: Resource) -> Resource:
    """A part without who sent it, when, and in which order."""
    ours = {names.structure(name) for name in (SENDER, CHOSEN, CONFIRMED)}
    bare = {name: value for name, value in part.items() if name not in NOT_CONTENT and name != "extension"}
    others = [one for one in part.get("extension", []) if one.get("url") not in ours]
    return {**bare, "extension": others} if others else bare


def _sign(part: Resource, named: frozenset[str], *more: str) -> None:
    url = names.structure(SENDER)
    others = [one for one in part.get("extension", []) if one.get("url") != url]
    part["extension"] = [*others, *({"url": url, "valueString": one} for one in sorted({*named, *more}))]


def _signed(name: str, part: Resource, sender: str | None, at: datetime) -> Resource:
    made: Resource = copy.deepcopy(part)
    made.pop("rank", None)
    if sender is not None:
        _sign(made, frozenset(), sender)
    if name in DATED:
        made["period"] = {"start": elements.written(at), **made.get("period", {})}
    return made


def _rank(patient: Resource) -> None:
    """Phones in the order they are to be tried: those already ranked, then as they came (ContactPoint.rank)."""
    listed = sorted(patient.get("telecom", []), key=lambda part: part.get("rank", len(patient["telecom"]) + 99))
    places: dict[str, int] = {}
    for part in listed:
        system = part.get("system", "")
        places[system] = places.get(system, 0) + 1
        part["rank"] = places[system]
    if listed:
        patient["telecom"] = listed


def key(part: Resource) -> str:
    """What a form says to name one phone or address: it changes with the content, and tells nothing of it."""
    return hashlib.sha256(json.dumps(_content(part))).hexdigest()[:24]


def chosen(patient: Resource, element: str, wanted: str, at: datetime) -> Resource | None:
    """The record with that phone or address first, and when it was chosen; ``None`` when it is no longer there."""
    made = copy.deepcopy(patient)
    parts: list[Resource] = made.get(element, [])
    one = next((part for part in parts if key(part) == wanted), None)
    if one is None or element not in CONTACTS:
        return None
    alike = [part for part in parts if part.get("system") == one.get("system")]
    for part in alike:
        elements.set_extension(part, names.structure(CHOSEN), None)
        part.pop("rank", None)
    elements.set_extension(one, names.structure(CHOSEN), {"valueDateTime": elements.written(at)})
    others = [part for part in parts if part is not one]
    if element == "address":
        one["use"] = "home"
    made[element] = [one, *others]
    if element == "telecom":
        _rank(made)
    return made
