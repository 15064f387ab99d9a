"""Requests that may be two of the same: one person, two files within a day (sas.md 17.7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, exists, func, select, true, union_all
from sqlalchemy.dialects.postgresql import insert

from hub.domain.people import Viewer
from hub.domain.visibility import Level
from hub.storage import index, sight
from hub.storage.session import Session
from hub.storage.tables.records import index_date, index_text, possible_duplicate, resource, resource_history

Resource = dict[str, Any]

HOLD = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("text"), 0)))


def _any(name: str, kind: Any) -> Any:
    return func.any(bindparam(name, type_=ARRAY(kind)))


def _named(parameter: str) -> Any:
    """The patient of the row bears one of these names, without case or accents."""
    name = index_text.alias()
    same = (name.c.key == index_date.c.key, name.c.type == "Patient", name.c.parameter == parameter)
    return exists().where(*same, name.c.folded == _any(parameter, Text))


_patient = resource.alias("patient")
_request = resource.alias("request")
_namesakes = (
    select(_patient.c.id)
    .join(index_date, index_date.c.key == _patient.c.key)
    .where(
        index_date.c.type == "Patient",
        index_date.c.parameter == "birthdate",
        index_date.c.start_at == _any("born", BigInteger),
        _named("family"),
        _named("given"),
        ~_patient.c.deleted,
    )
)
ALIKE = (
    select(_request.c.id)
    .join(resource_history, resource_history.c.key == _request.c.key)
    .where(
        _request.c.type == "ServiceRequest",
        ~_request.c.deleted,
        _request.c.patient.in_(union_all(select(bindparam("patient", type_=Text).label("id")), _namesakes)),
        _request.c.id != bindparam("but"),
        resource_history.c.version == 1,
        resource_history.c.updated_at >= bindparam("since"),
    )
    .order_by(_request.c.key)
)


async def alike(session: Session, request: str, patient: Resource, *, since: datetime) -> list[str]:
    """Other requests received since then about this patient, or about one of the same birth date, family and given name.

    Holds the birth date until the end of the transaction: of two that come at once, the second finds the first.
    """
    rows = index.entries(patient)
    born = sorted({start for code, start, *_ in rows.date if code == "birthdate"})
    for start in born:
        await session.execute(HOLD, {"text": f"born\x1f{start}"})
    words = {"patient": patient["id"], "but": request, "since": since, "born": born}
    for name in ("family", "given"):
        words[name] = sorted({folded for code, folded, *_ in rows.text if code == name})
    return list((await session.execute(ALIKE, words)).scalars())


async def note(session: Session, request: str, others: Iterable[str], *, at: datetime) -> None:
    """Keep that this request may be the same as those."""
    found = [{"request": request, "other": other, "seen_at": at} for other in others]
    if found:
        await session.execute(insert(possible_duplicate).on_conflict_do_nothing(), found)


def _pairs() -> Any:
    """Each pair read from both sides: ``mine``, and ``request``, the other one."""
    pair = possible_duplicate.c
    mine = _any("mine", Text)
    ways = (
        select(pair.request.label("mine"), pair.other.label("request")).where(pair.request == mine),
        select(pair.other, pair.request).where(pair.other == mine),
    )
    return union_all(*ways).subquery("pair")


async def of(session: Session, viewer: Viewer, requests: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each request that may have a duplicate, the ids of the others, those alone that the viewer sees whole."""
    if not requests:
        return {}
    pair = _pairs()
    level = sight.beside(pair, sight.level_of_request(pair, viewer.sees_all), "seen")
    query = (
        select(pair.c.mine, pair.c.request)
        .join_from(pair, level, true())
        .where(level.c.level == int(Level.FULL))
        .order_by(pair.c.mine, pair.c.request)
    )
    found: dict[str, tuple[str, ...]] = {}
    for mine, other in await session.execute(query, {**sight.words(viewer), "mine": list(requests)}):
        found[mine] = (*found.get(mine, ()), other)
    return found
