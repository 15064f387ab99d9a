"""What every verb of the ``hub`` command begins with: the settings, the database, and one line when something is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.storage.session import Database


def settings_or_exit() -> Settings:
    """The settings of this process; a wrong one is one line on standard error, and exit code 2."""
    from hub import settings

    try:
        return settings.load()
    except settings.WrongSettings as trouble:
        typer.echo(f"hub: {trouble}", err=True)
        raise typer.Exit(2) from trouble


def with_database(act: Callable[[Settings, Database], Awaitable[Any]]) -> Any:
    """Run one act with the database open; what a rule refuses is one line, with its remedy."""
    from hub import composition
    from hub.domain.refusal import Refusal

    settings = settings_or_exit()
    composition.prepare(settings)

    async def main() -> Any:
        async with composition.database(settings, pool=2) as database:
            return await act(settings, database)

    try:
        return asyncio.run(main())
    except Refusal as refusal:
        typer.echo(f"hub: {refusal.text} {refusal.remedy}", err=True)
        raise typer.Exit(1) from refusal
