"""What of a resource is found by search, and who it concerns: rows for the five indexes, and the links that decide visibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from hub.domain.facets import only_sender
from hub.domain.people import client_key, role_key
from hub.domain.visibility import Level, cut, is_child_task
from hub.r4 import names
from hub.storage import parameters, paths, values
from hub.storage.parameters import Parameter

Resource = dict[str, Any]
Row = tuple[Any, ...]

# The parts of a HumanName, an Address, a Coding and a ContactPoint that a string parameter compares (fhir.md 3.2).
WORDS = (
    "family", "given", "prefix", "suffix", "text", "line", "city", "district", "state", "country", "postalCode", "code", "value",
)  # fmt: skip
NO_BOUND = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Links:
    """Ids that decide who sees a resource. ``owner``: the only audience, operators of the request apart."""

    patient: str | None = None
    request: str | None = None
    owner: str | None = None


@dataclass(slots=True)
class Entries:
    """Rows by index, each beginning with the parameter and ending with ``at_outline``."""

    token: list[Row] = field(default_factory=list)
    text: list[Row] = field(default_factory=list)
    date: list[Row] = field(default_factory=list)
    reference: list[Row] = field(default_factory=list)
    quantity: list[Row] = field(default_factory=list)


TABLES = ("token", "text", "date", "reference", "quantity")


def _token(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    code = parameter.code
    if isinstance(value, bool):
        yield "token", (code, "", "true" if value else "false")
    elif not isinstance(value, dict):
        yield "token", (code, "", _folded(parameter, str(value)))
    elif "coding" in value or ("text" in value and "value" not in value):
        for coding in value.get("coding", []):
            yield from _token(parameter, coding)
        yield from _words(f"{code}:text", value.get("text"))
    elif "value" in value:  # Identifier, or ContactPoint, whose system is not a URI
        text = _folded(parameter, str(value["value"]))
        system = str(value.get("system", "")) if ":" in str(value.get("system", "")) else ""
        yield "token", (code, system, text)
        kind = value.get("type")
        for coding in kind.get("coding", []) if isinstance(kind, dict) else []:
            yield "token", (f"{code}:of-type", f"{coding.get('system', '')}|{coding.get('code', '')}", text)
        yield from _words(f"{code}:text", kind.get("text") if isinstance(kind, dict) else None)
    elif "code" in value:
        yield "token", (code, str(value.get("system", "")), _folded(parameter, str(value["code"])))
        yield from _words(f"{code}:text", value.get("display"))


def _folded(parameter: Parameter, text: str) -> str:
    return text.lower() if parameter.is_folded else text


def _words(name: str, text: Any) -> Iterator[tuple[str, Row]]:
    if isinstance(text, str) and text:
        yield "text", (name, values.fold(text).rstrip(), text)


def _string(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    if isinstance(value, dict):
        for name in WORDS:
            part = value.get(name)
            for word in part if isinstance(part, list) else [part]:
                yield from _words(parameter.code, word)
    else:
        yield from _words(parameter.code, value)


def _uri(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    yield "token", (parameter.code, "", str(value))


def _date(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    span: values.Interval | None = None
    if isinstance(value, str):
        span = values.interval(value)
    elif "start" in value or "end" in value:
        span = values.between(value.get("start"), value.get("end"))
    elif "event" in value or "repeat" in value:
        bounds = value.get("repeat", {}).get("boundsPeriod", {})
        moments = sorted(values.interval(text) for text in value.get("event", []))
        if moments:
            span = values.Interval(moments[0].start, max(one.end for one in moments))
        elif bounds:
            span = values.between(bounds.get("start"), bounds.get("end"))
    if span is not None:
        yield "date", (parameter.code, span.start, span.end)


def _reference(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    if isinstance(value, str):
        canonical = values.canonical(value)
        if canonical is not None:
            yield "reference", (parameter.code, canonical.type, canonical.id, canonical.version)
        return
    target = values.target(str(value.get("reference", "")))
    if target is not None:
        yield "reference", (parameter.code, target.type, target.id, "")
    known = value.get("identifier")
    if isinstance(known, dict) and "value" in known:
        yield "token", (f"{parameter.code}:identifier", str(known.get("system", "")), str(known["value"]).lower())


def _quantity(parameter: Parameter, value: Any) -> Iterator[tuple[str, Row]]:
    low, high = (value, value) if "value" in value else (value.get("low", {}), value.get("high", {}))
    unit = low or high
    if "value" in low or "value" in high:
        first = Decimal(str(low["value"])) if "value" in low else -NO_BOUND
        last = Decimal(str(high["value"])) if "value" in high else NO_BOUND
        labels = tuple(str(unit.get(name, "")) for name in ("system", "code", "unit"))
        yield "quantity", (parameter.code, first, last, *labels)


Reader = Callable[[Parameter, Any], Iterator[tuple[str, Row]]]
READERS: Mapping[str, Reader] = {
    "token": _token,
    "string": _string,
    "uri": _uri,
    "date": _date,
    "reference": _reference,
    "quantity": _quantity,
}
ON_THE_ROW = frozenset({"_id", "_lastUpdated"})  # columns of the resource itself


@cache
def _indexed(type_name: str) -> Sequence[tuple[Parameter, Reader, frozenset[str] | None]]:
    """The parameters that have rows, how these are made, and the members without which there is none."""
    return tuple(
        (parameter, READERS[parameter.kind], paths.heads(parameter.path))
        for parameter in parameters.of(type_name).values()
        if parameter.kind in READERS and parameter.code not in ON_THE_ROW
    )


def _rows(resource: Resource) -> dict[tuple[str, Row], None]:
    found: dict[tuple[str, Row], None] = {}
    for parameter, reader, heads in _indexed(resource["resourceType"]):
        if heads is not None and heads.isdisjoint(resource):
            continue
        for value in parameter.values(resource):
            for row in reader(parameter, value):
                found[row] = None
    return found


def entries(resource: Resource) -> Entries:
    """The index rows of a resource. ``at_outline`` is true on those that also come out of the resource cut to outline, so
    that a search at that level never matches what is hidden. Raises ``ValueError`` on a date that does not exist.
    """
    seen = cut(resource, Level.OUTLINE)
    outline = _rows(seen) if seen is not None else {}
    made = Entries()
    for table, row in _rows(resource):
        getattr(made, table).append((*row, (table, row) in outline))
    return made


# Type: where its patient stands, where its request stands.
HIDDEN_FROM_PROFESSIONALS = "MASQUE_PS"  # of TRE_A07, on liaison notes
LINKS: Mapping[str, tuple[str, str]] = {
    "Patient": ("", ""),
    "ServiceRequest": ("subject", ""),
    "Task": ("for", "focus | basedOn"),
    "Appointment": ("participant.actor", "basedOn"),
    "Flag": ("subject", "encounter"),
    "Communication": ("subject", "about | basedOn"),
    "QuestionnaireResponse": ("subject", "basedOn"),
    "RelatedPerson": ("patient", ""),
    "DocumentReference": ("subject", "context.related"),
    "CareTeam": ("subject", ""),
    "Consent": ("patient", ""),
}


def _local(resource: Resource, path: str, type_name: str) -> str | None:
    for reference in paths.values(paths.compiled(path), resource) if path else []:
        target = values.target(str(reference.get("reference", ""))) if isinstance(reference, dict) else None
        if target is not None and target.type == type_name:
            return target.id
    return None


def _owner(task: Resource) -> str:
    """The audience of a child Task: the person asked; nobody when it was not given to a professional in a situation."""
    role = _local(task, "owner", "PractitionerRole")
    return role_key(role) if role else "nobody"


def _masked_for(resource: Resource) -> str | None:
    """A note hidden from professionals belongs to its author (workflow.md 7); nobody's, when the author is not a situation."""
    labels = [part.get("code") for label in resource.get("securityLabel", []) for part in label.get("coding", [])]
    if resource["resourceType"] != "DocumentReference" or HIDDEN_FROM_PROFESSIONALS not in labels:
        return None
    role = _local(resource, "author", "PractitionerRole")
    return role_key(role) if role else "nobody"


def _sent_by(resource: Resource) -> str | None:
    """The audience of the machine that everything of a patient comes from: it may search whatever it sent (domain/facets.py)."""
    sender = only_sender(resource) if resource["resourceType"] == "Patient" else None
    return client_key(sender) if sender else None


def links(resource: Resource) -> Links:
    """Who a resource is about. An extension of ours names patient or request where R4 has no element for it."""
    kind, own = resource["resourceType"], resource.get("id")
    patient_path, request_path = LINKS.get(kind, ("", ""))
    patient = own if kind == "Patient" else _local(resource, patient_path, "Patient")
    request = own if kind == "ServiceRequest" else _local(resource, request_path, "ServiceRequest")
    return Links(
        patient=patient or _local(resource, _extension("patient"), "Patient"),
        request=request or _local(resource, _extension("request"), "ServiceRequest"),
        owner=_owner(resource) if is_child_task(resource) else _sent_by(resource) or _masked_for(resource),
    )


def _extension(name: str) -> str:
    return f"extension('{names.structure(name)}').value"
