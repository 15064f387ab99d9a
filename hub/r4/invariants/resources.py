"""Invariants of resources. csd-1 is left out: an example of the specification breaks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.r4.invariants.words import Json, Rule, chosen, distinct, in_order, items, needs, not_both, one_of

OPTION_TYPES = frozenset(
    ["choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity"]
)
LENGTH_TYPES = frozenset({"boolean", "decimal", "integer", "string", "text", "url", "open-choice"})
FINISHED_CONDITION = frozenset({"resolved", "remission", "inactive"})
BARE_SLOT = frozenset({"proposed", "cancelled", "waitlist"})
ANSWERED_BUNDLES = frozenset({"batch-response", "transaction-response", "history"})
ASKING_BUNDLES = frozenset({"batch", "transaction", "history"})


def _deep(value: Json, name: str, under: str) -> Iterator[Json]:
    """Values of ``name`` in all objects reached through ``under`` members."""
    for one in items(value, under):
        if name in one:
            yield one[name]
        yield from _deep(one, name, under)
        for answer in items(one, "answer"):
            yield from _deep(answer, name, under)


def _codings(value: Json, system: str) -> set[str]:
    concept = value if isinstance(value, dict) else {}
    return {one.get("code", "") for one in items(concept, "coding") if one.get("system") == system}


def _not_for(name: str, *types: str) -> Rule:
    """The element is absent when ``type`` is one of these."""
    return lambda it: name not in it or it.get("type") not in types


def _each_entry(member: str, types: frozenset[str]) -> Rule:
    return lambda it: all((member in one) == (it.get("type") in types) for one in items(it, "entry"))


def _document(rule: Rule) -> Rule:
    return lambda it: it.get("type") != "document" or rule(it)


def _first_is(kind: str, first: str) -> Rule:
    def rule(it: dict[str, Json]) -> bool:
        entries = items(it, "entry")
        return it.get("type") != kind or (bool(entries) and entries[0].get("resource", {}).get("resourceType") == first)

    return rule


def _full_urls(it: dict[str, Json]) -> bool:
    entries = [one for one in items(it, "entry") if "fullUrl" in one]
    versions = [one.get("resource", {}).get("meta", {}).get("versionId", "") for one in entries]
    urls = [f"{one['fullUrl']}{version}" for one, version in zip(entries, versions, strict=True)]
    return it.get("type") == "history" or distinct(urls)


def _is_parameter(it: dict[str, Json]) -> bool:
    has_value, has_resource = chosen(it, "value") or chosen(it, "_value"), "resource" in it
    return not has_value and not has_resource if "part" in it else has_value != has_resource


def _questionnaire_group(it: dict[str, Json]) -> bool:
    return "item" in it if it.get("type") == "group" else it.get("type") != "display" or "item" not in it


def _condition_ended(it: dict[str, Json]) -> bool:
    clinical = _codings(it.get("clinicalStatus"), "http://terminology.hl7.org/CodeSystem/condition-clinical")
    return not chosen(it, "abatement") or bool(clinical & FINISHED_CONDITION)


def _mistaken_condition(it: dict[str, Json]) -> bool:
    verified = _codings(it.get("verificationStatus"), "http://terminology.hl7.org/CodeSystem/condition-ver-status")
    return "entered-in-error" not in verified or "clinicalStatus" not in it


def _component_values(it: dict[str, Json]) -> bool:
    own = {(one.get("system"), one.get("code")) for one in items(it.get("code", {}), "coding")}
    parts = [
        items(one.get("code", {}), "coding") for one in items(it, "component") if isinstance(one.get("code"), dict)
    ]
    return not chosen(it, "value") or not any(
        (one.get("system"), one.get("code")) in own for part in parts for one in part
    )


def _link_ids(it: dict[str, Json]) -> bool:
    return distinct([link for link in _deep(it, "linkId", "item") if isinstance(link, str)])


def _no_home(it: dict[str, Json]) -> bool:
    return it.get("use") != "home"


RULES: Mapping[str, Mapping[str, Rule]] = {
    "Organization": {"org-1": one_of("identifier", "name")},
    "Organization.telecom": {"org-3": _no_home},
    "Organization.address": {"org-2": _no_home},
    "Patient.contact": {"pat-1": one_of("name", "telecom", "address", "organization")},
    "ServiceRequest": {"prr-1": needs("orderDetail", "code")},
    "Task": {"inv-1": lambda it: in_order(it.get("authoredOn"), it.get("lastModified"))},
    "Appointment": {
        "app-2": lambda it: ("start" in it) == ("end" in it),
        "app-3": lambda it: ("start" in it and "end" in it) or it.get("status") in BARE_SLOT,
        "app-4": lambda it: "cancelationReason" not in it or it.get("status") in ("noshow", "cancelled"),
    },
    "Appointment.participant": {"app-1": one_of("type", "actor")},
    "AppointmentResponse": {"apr-1": one_of("participantType", "actor")},
    "Questionnaire": {"que-2": _link_ids},
    "Questionnaire.item": {
        "que-1": _questionnaire_group,
        "que-3": _not_for("code", "display"),
        "que-4": not_both("answerOption", "answerValueSet"),
        "que-5": lambda it: it.get("type") in OPTION_TYPES or not ("answerOption" in it or "answerValueSet" in it),
        "que-6": lambda it: it.get("type") != "display" or not ("required" in it or "repeats" in it),
        "que-8": _not_for("initial", "group", "display"),
        "que-9": _not_for("readOnly", "display"),
        "que-10": lambda it: "maxLength" not in it or it.get("type") in LENGTH_TYPES,
        "que-11": not_both("answerOption", "initial"),
        # The words say "more than one", the published FHIRPath says two: the words win.
        "que-12": lambda it: len(items(it, "enableWhen")) <= 1 or "enableBehavior" in it,
        "que-13": lambda it: it.get("repeats") is True or len(items(it, "initial")) <= 1,
    },
    "Questionnaire.item.enableWhen": {"que-7": lambda it: it.get("operator") != "exists" or "answerBoolean" in it},
    "QuestionnaireResponse.item": {"qrs-1": not_both("answer", "item")},
    "AuditEvent.entity": {"sev-1": not_both("name", "query")},
    "Consent": {"ppc-1": one_of("policy", "policyRule")},
    "Bundle": {
        "bdl-1": lambda it: "total" not in it or it.get("type") in ("searchset", "history"),
        "bdl-2": lambda it: it.get("type") == "searchset" or not any("search" in one for one in items(it, "entry")),
        "bdl-3": _each_entry("request", ASKING_BUNDLES),
        "bdl-4": _each_entry("response", ANSWERED_BUNDLES),
        "bdl-7": _full_urls,
        "bdl-9": _document(lambda it: {"system", "value"} <= set(it.get("identifier") or ())),
        "bdl-10": _document(lambda it: "timestamp" in it),
        "bdl-11": _first_is("document", "Composition"),
        "bdl-12": _first_is("message", "MessageHeader"),
    },
    "Bundle.entry": {
        "bdl-5": one_of("resource", "request", "response"),
        "bdl-full-url": lambda it: ":" in str(it.get("fullUrl", ":")),  # bundle.html: fullUrl is an absolute URI
        "bdl-8": lambda it: "/_history/" not in str(it.get("fullUrl", "")),
    },
    "Parameters.parameter": {"inv-1": _is_parameter},
    "Group": {"grp-1": lambda it: "member" not in it or it.get("actual") is True},
    "List": {
        "lst-1": not_both("emptyReason", "entry"),
        "lst-2": lambda it: it.get("mode") == "changes" or not any("deleted" in one for one in items(it, "entry")),
        "lst-3": lambda it: it.get("mode") == "working" or not any("date" in one for one in items(it, "entry")),
    },
    "CapabilityStatement": {
        "cpb-1": one_of("rest", "messaging", "document"),
        "cpb-2": one_of("description", "software", "implementation"),
        "cpb-14": lambda it: it.get("kind") != "instance" or "implementation" in it,
        "cpb-15": lambda it: it.get("kind") != "capability" or ("implementation" not in it and "software" in it),
        "cpb-16": lambda it: it.get("kind") != "requirements" or not {"implementation", "software"} & set(it),
    },
    "CapabilityStatement.rest": {"cpb-9": lambda it: distinct([one.get("type") for one in items(it, "resource")])},
    "CapabilityStatement.rest.resource": {
        "cpb-12": lambda it: distinct([one.get("name") for one in items(it, "searchParam")])
    },
    "CarePlan.activity": {"cpl-3": not_both("detail", "reference")},
    "Observation": {
        "obs-6": lambda it: "dataAbsentReason" not in it or not chosen(it, "value"),
        "obs-7": _component_values,
    },
    "Observation.referenceRange": {"obs-3": one_of("low", "high", "text")},
    "Condition": {"con-4": _condition_ended, "con-5": _mistaken_condition},
    "Condition.stage": {"con-1": one_of("summary", "assessment")},
    "Condition.evidence": {"con-2": one_of("code", "detail")},
    "Goal.target": {"gol-1": lambda it: not chosen(it, "detail") or "measure" in it},
    "ValueSet.compose.include": {
        "vsd-1": one_of("valueSet", "system"),
        "vsd-2": lambda it: not ("concept" in it or "filter" in it) or "system" in it,
        "vsd-3": not_both("concept", "filter"),
    },
    "ValueSet.expansion.contains": {
        "vsd-6": one_of("code", "display"),
        "vsd-9": lambda it: "code" in it or it.get("abstract") is True,
        "vsd-10": needs("code", "system"),
    },
    "SearchParameter": {
        "spd-1": needs("xpath", "xpathUsage"),
        "spd-2": lambda it: "chain" not in it or it.get("type") == "reference",
    },
    "OperationDefinition.parameter": {
        "opd-1": one_of("type", "part"),
        "opd-2": lambda it: "searchType" not in it or it.get("type") == "string",
        "opd-3": lambda it: "targetProfile" not in it or it.get("type") in ("Reference", "canonical"),
    },
    "Composition.section": {"cmp-1": one_of("text", "entry", "section"), "cmp-2": not_both("emptyReason", "entry")},
}
