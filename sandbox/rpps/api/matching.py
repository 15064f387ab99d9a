"""Whether a resource answers one search parameter (FHIR R4, search; directory specification 11.2, 11.3)."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from sandbox.rpps.api.refusals import RefusedCallError
from sandbox.rpps.api.systems import Json

SEGMENT = re.compile(r"(\w+)(?:\[([\w-]+)\])?$")
MOMENT = re.compile(r"(eq|ne|gt|lt|ge|le|ap)?(\d{4}(?:-\d\d(?:-\d\d(?:T.+)?)?)?)$")
UNESCAPED_COMMA, UNESCAPED_BAR = re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)\|")
MODIFIERS = {"string": ("contains", "exact"), "token": ("not",), "reference": (), "date": ()}
SECURE = "MSSANTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`kind`: string, token, reference or date; `target`: the type a reference leads to."""

    name: str
    kind: str
    paths: tuple[str, ...]
    target: str


@cache
def parameters(resource: str) -> Mapping[str, Parameter]:
    text = resources.files(__package__).joinpath("parameters.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Parameter(
            name=row["name"], kind=row["kind"], paths=tuple(row["paths"].split()), target=row["target"]
        )
        for row in csv.DictReader(text.splitlines())
        if row["resource"] in ("*", resource)
    }


def values(resource: Json, path: str) -> Iterator[Any]:
    """Everything at `path`; `name[mark]` keeps the extensions whose address ends so, and `telecom[mss]` secure mailboxes."""
    found: list[Any] = [resource]
    for segment in path.split("."):
        parts = SEGMENT.match(segment)
        assert parts is not None, path
        held = [one[parts[1]] for one in found if isinstance(one, dict) and parts[1] in one]
        found = [item for one in held for item in (one if isinstance(one, list) else [one])]
        if parts[2]:
            found = [one for one in found if _is_marked(one, parts[2])]
    return iter(found)


def _is_marked(one: Json, mark: str) -> bool:
    if mark == "mss":
        return any(more.get("valueCoding", {}).get("code") == SECURE for more in one.get("extension", []))
    return str(one.get("url", "")).rpartition("/")[2] == mark


Test = Callable[[Json], bool]


def test_of(parameter: Parameter, modifier: str, written: str, now: datetime) -> Test:
    """What a resource must pass: one of the comma-separated values of `written`. Raises `RefusedCallError`."""
    if modifier and modifier not in MODIFIERS[parameter.kind]:
        raise RefusedCallError("unknown-modifier", f"{parameter.name}:{modifier}")
    alternatives = UNESCAPED_COMMA.split(written)
    if not all(alternatives):
        raise RefusedCallError("empty", parameter.name)
    tests = [KINDS[parameter.kind](one, modifier, parameter, now) for one in alternatives]

    def passes(resource: Json) -> bool:
        found = [value for path in parameter.paths for value in values(resource, path)]
        return any(any(test(value) for value in found) for test in tests) != (modifier == "not")

    return passes


def unescaped(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text)


def folded(text: str) -> str:
    """Without case nor accents."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _string(written: str, modifier: str, parameter: Parameter, now: datetime) -> Callable[[Any], bool]:
    wanted = unescaped(written)
    match modifier:
        case "exact":
            return lambda value: value == wanted
        case "contains":
            return lambda value: isinstance(value, str) and folded(wanted) in folded(value)
        case _:
            return lambda value: isinstance(value, str) and folded(value).startswith(folded(wanted))


def _token(written: str, modifier: str, parameter: Parameter, now: datetime) -> Callable[[Any], bool]:
    """`code`, `system|code`, `system|` or `|code`."""
    parts = [unescaped(part) for part in UNESCAPED_BAR.split(written)]
    if len(parts) > 2:
        raise RefusedCallError("bad-value", written)
    system, code = (None, parts[0]) if len(parts) == 1 else parts

    def test(value: Any) -> bool:
        own, held = _coded(value)
        return (system is None or own == system) and (held == code or (not code and system is not None))

    return test


def _coded(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "", "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("system", "")), str(value.get("code", value.get("value", "")))
    return "", str(value)


def _reference(written: str, modifier: str, parameter: Parameter, now: datetime) -> Callable[[Any], bool]:
    """An id, `Type/id`, or an absolute address that ends so."""
    wanted = "/".join(unescaped(written).split("/")[-2:])
    wanted = wanted if "/" in wanted else f"{parameter.target}/{wanted}"
    return lambda value: value == wanted


def _date(written: str, modifier: str, parameter: Parameter, now: datetime) -> Callable[[Any], bool]:
    prefix, low, high = moment(written)
    margin = abs(now - low) / 10
    comparisons: dict[str, Callable[[datetime], bool]] = {
        "eq": lambda at: low <= at < high,
        "ne": lambda at: not low <= at < high,
        "gt": lambda at: at >= high,
        "lt": lambda at: at < low,
        "ge": lambda at: at >= low,
        "le": lambda at: at < high,
        "ap": lambda at: low - at <= margin and at - high < margin,
    }
    compare = comparisons[prefix]
    return lambda value: compare(datetime.fromisoformat(value))


def moment(written: str) -> tuple[str, datetime, datetime]:
    """Prefix, first instant, first instant after: a year, a month or a day lasts that long, an instant its last written
    digit. Without zone: GMT. Raises `RefusedCallError`."""
    parts = MOMENT.match(written)
    if parts is None:
        raise RefusedCallError("bad-date", written)
    prefix, text = parts[1] or "eq", parts[2]
    try:
        match len(text):
            case 4:
                year = int(text)
                return prefix, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
            case 7:
                year, month = int(text[:4]), int(text[5:])
                after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
                return prefix, datetime(year, month, 1, tzinfo=UTC), after
            case 10:
                low = datetime.fromisoformat(text).replace(tzinfo=UTC)
                return prefix, low, low + timedelta(days=1)
            case _:
                low = datetime.fromisoformat(text)
                low = low.replace(tzinfo=UTC) if low.tzinfo is None else low
                return prefix, low, low + _precision(text)
    except (ValueError, OverflowError) as trouble:
        raise RefusedCallError("bad-date", written) from trouble


def _precision(text: str) -> timedelta:
    """Of an instant: milliseconds, seconds, or minutes."""
    if "." in text:
        return timedelta(milliseconds=1)
    return timedelta(seconds=1) if re.search(r"T\d\d:\d\d:\d\d", text) else timedelta(minutes=1)


KINDS: Mapping[str, Callable[[str, str, Parameter, datetime], Callable[[Any], bool]]] = {
    "string": _string,
    "token": _token,
    "reference": _reference,
    "date": _date,
}


def all_of(tests: Sequence[Test]) -> Test:
    return lambda resource: all(test(resource) for test in tests)
