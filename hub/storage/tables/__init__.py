"""Every table, on one MetaData. A module of this package declares its tables when imported; :func:`everything` imports them all."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import DDL, MetaData, Table, event

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def everything() -> MetaData:
    """The MetaData with the tables of every module of this package: for migrations and for a fresh test database."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return metadata


def with_sql(table: Table, *statements: str) -> Table:
    """Statements run once the table exists, in a fresh database as in the migration that creates it: triggers, functions."""
    table.info["sql"] = statements
    for statement in statements:
        event.listen(table, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
    return table
