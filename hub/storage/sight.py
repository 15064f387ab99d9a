"""Visibility in SQL: the level at which a viewer sees a row of ``resource``, by the reach of its type (domain/visibility.py).

The expressions below share the parameters of :func:`words`. A row is seen at level full, or at outline when something of it
remains once cut (column ``outline``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, case, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.sql.selectable import LateralFromClause

from hub import clock
from hub.domain.people import Viewer, account_key, client_key, coordinators_key, operators_key, role_key, usual_gp_key
from hub.domain.visibility import REACH, Level, Reach
from hub.storage.tables.records import grant, index_reference

FULL, OUTLINE, NOTHING = int(Level.FULL), int(Level.OUTLINE), int(Level.NOTHING)


def _keys(name: str) -> Any:
    return func.any(bindparam(name, type_=ARRAY(TEXT)))


def is_narrow(viewer: Viewer) -> bool:
    """Whether the grants of this viewer name few requests: true of people who are asked, not of those who run a territory."""
    return not viewer.sees_all and all(
        key.startswith((role_key(""), account_key(""), usual_gp_key(""))) for key in viewer.keys
    )


def words(viewer: Viewer) -> dict[str, Any]:
    """The values of the parameters that every expression of this module needs."""
    return {**_audiences(viewer.keys), "now": clock.now()}


@lru_cache(maxsize=1024)
def _audiences(held: frozenset[str]) -> dict[str, list[str]]:
    keys = sorted(held)
    return {
        "keys": keys,
        "roles": [key.removeprefix(role_key("")) for key in keys if key.startswith(role_key(""))],
        "operators": [key for key in keys if key.startswith(operators_key(""))],
        "coordinators": [key for key in keys if key.startswith(coordinators_key(""))],
    }


def _grants() -> tuple[FromClause, ColumnElement[bool]]:
    held = grant.alias()
    return held, and_(held.c.audience == _keys("keys"), or_(held.c.until.is_(None), held.c.until > bindparam("now")))


def _by_request(row: FromClause) -> ColumnElement[int]:
    held, mine = _grants()
    return select(func.max(held.c.level)).where(mine, held.c.request == row.c.request).correlate(row).scalar_subquery()


def _coordinating(row: FromClause) -> ColumnElement[int]:
    """A coordinating Task is seen in full, or cut by coordinators only (fhir.md 9.4)."""
    held, mine = _grants()
    counts = or_(held.c.level == FULL, held.c.audience == _keys("coordinators"))
    return (
        select(func.max(held.c.level))
        .where(mine, held.c.request == row.c.request, counts)
        .correlate(row)
        .scalar_subquery()
    )


def _by_owner(row: FromClause) -> ColumnElement[int]:
    held, mine = _grants()
    operates = and_(held.c.level == FULL, held.c.audience == _keys("operators"))
    served = exists().where(mine, held.c.request == row.c.request, operates).correlate(row)
    return case((or_(row.c.owner == _keys("keys"), served), FULL), else_=NOTHING)


def _either(row: FromClause) -> ColumnElement[int]:
    held, mine = _grants()
    return select(func.max(held.c.level)).where(mine, held.c.patient == row.c.patient).correlate(row).scalar_subquery()


def _kin(row: FromClause) -> ColumnElement[int]:
    """Through any grant on the patient, but for machines that handed a request over: through that request alone."""
    held, mine = _grants()
    reached = or_(held.c.request == row.c.request, ~func.starts_with(held.c.audience, client_key("")))
    return (
        select(func.max(held.c.level))
        .where(mine, held.c.patient == row.c.patient, reached)
        .correlate(row)
        .scalar_subquery()
    )


def _by_patient(row: FromClause) -> ColumnElement[int]:
    """The notebook; a note hidden from professionals is for its author and the confirmed usual GP, and every author keeps what
    they wrote.
    """
    held, mine = _grants()
    notebook = and_(held.c.patient == row.c.patient, held.c.request.is_(None))
    as_usual_gp = func.starts_with(held.c.audience, usual_gp_key(""))
    open_to_me = or_(row.c.owner.is_(None), row.c.owner == _keys("keys"), as_usual_gp)
    granted = select(func.max(held.c.level)).where(mine, notebook, open_to_me).correlate(row).scalar_subquery()
    return case((_wrote(row), FULL), else_=granted)


def _written() -> tuple[FromClause, ColumnElement[bool]]:
    """The index of authors, and which of its rows name a situation of the viewer."""
    authors = index_reference.alias()
    named = and_(authors.c.parameter == "author", authors.c.target_type == "PractitionerRole")
    return authors, and_(authors.c.type == "DocumentReference", named, authors.c.target_id == _keys("roles"))


def _wrote(row: FromClause) -> ColumnElement[bool]:
    """The viewer is an author of the note: membership of the circle ends, what they wrote stays theirs (workflow.md 4.3)."""
    authors, mine = _written()
    return exists().where(authors.c.key == row.c.key, mine).correlate(row)


def _task(row: FromClause) -> ColumnElement[int]:
    return case((row.c.owner.is_not(None), _by_owner(row)), else_=_coordinating(row))


REACHES: dict[Reach, Any] = {
    "request": _by_request,
    "either": _either,
    "kin": _kin,
    "patient": _by_patient,
    "own": lambda row: case((row.c.owner == _keys("keys"), FULL), else_=NOTHING),
    "open": lambda _: literal(FULL),
    "nobody": lambda _: literal(NOTHING),
}


SIEVES: dict[Reach, str] = {"request": "request", "either": "patient", "kin": "patient", "patient": "patient"}


def _of_type(row: FromClause, type_name: str) -> ColumnElement[int]:
    return _task(row) if type_name == "Task" else REACHES[REACH.get(type_name, "nobody")](row)


def level(row: FromClause, sees_all: bool, types: Sequence[str] | None = None) -> ColumnElement[int]:
    """The level of a row of ``resource`` for a viewer; ``types`` says which types it can be, any without it."""
    if sees_all:
        return literal(FULL)
    possible = [*REACH] if types is None else [*types]
    if len(possible) == 1:
        return func.coalesce(_of_type(row, possible[0]), NOTHING)
    by_reach: dict[str, list[str]] = {}
    for type_name in possible:
        by_reach.setdefault("task" if type_name == "Task" else REACH.get(type_name, "nobody"), []).append(type_name)
    branches = [(row.c.type.in_(names), _of_type(row, names[0])) for names in by_reach.values()]
    return func.coalesce(case(*branches, else_=NOTHING), NOTHING)


def level_of_request(row: FromClause, sees_all: bool) -> ColumnElement[int]:
    """The level of a viewer on the request named by a column ``request``."""
    return literal(FULL) if sees_all else func.coalesce(_by_request(row), NOTHING)


def possible(row: FromClause, type_name: str) -> ColumnElement[bool] | None:
    """A first sieve that the planner can begin with, for a narrow viewer: what the grants name at all. ``None``: no sieve."""
    column = SIEVES.get(REACH.get(type_name, "nobody"))
    if column is None or type_name == "Task":  # a child Task is also its owner's
        return None
    held, mine = _grants()
    named = row.c[column].in_(select(held.c[column]).where(mine))
    if type_name != "DocumentReference":
        return named
    authors, wrote = _written()
    return or_(named, row.c.key.in_(select(authors.c.key).where(wrote)))


def of_sender(row: FromClause) -> ColumnElement[bool]:
    """A patient that the viewer, a sender, is the only one to have told of; true of every other type."""
    return or_(row.c.type != "Patient", row.c.owner == _keys("keys"))


def is_open(type_name: str) -> bool:
    """Whether everybody signed in sees every row of this type in full."""
    return REACH.get(type_name) == "open"


def seen(row: FromClause, level: ColumnElement[int]) -> ColumnElement[bool]:
    """The row exists for the viewer."""
    return or_(level == FULL, and_(level == OUTLINE, row.c.outline))


def beside(row: FromClause, level: ColumnElement[int], name: str | None = None) -> LateralFromClause:
    """The level of a row as a lateral with one column ``level``, computed once a row (``OFFSET 0`` keeps it so)."""
    return select(level.label("level")).correlate(row).offset(0).lateral(name)
