"""Invariants of data types."""

from __future__ import annotations

from collections.abc import Mapping

from hub.r4.invariants.words import Json, Rule, chosen, in_order, needs, not_both, number, one_of

UCUM = "http://unitsofmeasure.org"
NO_ORDER_TIMES = frozenset({"C", "CM", "CD", "CV"})


def _at_least_zero(name: str) -> Rule:
    return lambda it: not number(it.get(name)) or it[name] >= 0


def _ranges(it: dict[str, Json]) -> bool:
    low: Json = it.get("low", {}).get("value")
    high: Json = it.get("high", {}).get("value")
    return not (number(low) and number(high)) or bool(low <= high)


def _offset(it: dict[str, Json]) -> bool:
    when = it.get("when")
    return "offset" not in it or (
        isinstance(when, list) and not NO_ORDER_TIMES & {one for one in when if isinstance(one, str)}
    )


def _quantity(it: dict[str, Json]) -> bool:
    return ("code" in it or "value" not in it) and it.get("system", UCUM) == UCUM


def _trigger(it: dict[str, Json]) -> bool:
    kind = str(it.get("type", ""))
    named = kind != "named-event" or "name" in it
    timed = kind != "periodic" or chosen(it, "timing")
    return named and timed and (not kind.startswith("data-") or "data" in it)


RULES: Mapping[str, Mapping[str, Rule]] = {
    "Duration": {"drt-1": lambda it: "code" not in it or (it.get("system") == UCUM and "value" in it)},
    "Age": {"age-1": lambda it: _quantity(it) and (not number(it.get("value")) or it["value"] > 0)},
    "Count": {"cnt-3": lambda it: _quantity(it) and it.get("code", "1") == "1"},
    "Distance": {"dis-1": _quantity},
    "DataRequirement.codeFilter": {"drq-1": lambda it: ("path" in it) != ("searchParam" in it)},
    "DataRequirement.dateFilter": {"drq-2": lambda it: ("path" in it) != ("searchParam" in it)},
    "TriggerDefinition": {
        "trd-1": lambda it: "data" not in it or not chosen(it, "timing"),
        "trd-2": needs("condition", "data"),
        "trd-3": _trigger,
    },
    "Attachment": {"att-1": needs("data", "contentType", "_contentType")},
    "ContactPoint": {"cpt-2": needs("value", "system")},
    "Period": {"per-1": lambda it: in_order(it.get("start"), it.get("end"))},
    "Quantity": {"qty-3": needs("code", "system")},
    "Range": {"rng-2": _ranges},
    "Ratio": {
        "rat-1": lambda it: ("numerator" in it) == ("denominator" in it) and ("numerator" in it or "extension" in it)
    },
    "Expression": {"exp-1": one_of("expression", "reference")},
    "Extension": {"ext-1": lambda it: ("extension" in it) != (chosen(it, "value") or chosen(it, "_value"))},
    "Timing.repeat": {
        "tim-1": needs("duration", "durationUnit"),
        "tim-2": needs("period", "periodUnit"),
        "tim-4": _at_least_zero("duration"),
        "tim-5": _at_least_zero("period"),
        "tim-6": needs("periodMax", "period"),
        "tim-7": needs("durationMax", "duration"),
        "tim-8": needs("countMax", "count"),
        "tim-9": _offset,
        "tim-10": not_both("timeOfDay", "when"),
    },
}
