"""The verbs of ``hub rpps``: the national directory. Argument parsing and printing only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli_common import settings_or_exit, with_database

if TYPE_CHECKING:
    from hub.connectors.rpps.client import Progress
    from hub.connectors.rpps.load import Report
    from hub.storage.directory_load import Load

rpps = typer.Typer(no_args_is_help=True, help="The national directory of professionals.")


@rpps.command()
def load(
    file: Annotated[
        str | None, typer.Argument(help="ZIP or text of the extraction, - for standard input; else it is downloaded.")
    ] = None,
    accept: Annotated[
        str | None, typer.Option(help="SHA-256 of a file that a guard refused, to load it all the same.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who answers for it: the name is kept.")] = None,
) -> None:
    """Serve a new extraction; the one before is served until the very end, and whenever something is wrong."""
    from hub.connectors.rpps.load import Acceptance
    from hub.verbs import rpps as verb

    if (accept is None) != (by is None):
        raise typer.BadParameter("--accept and --by go together")
    acceptance = Acceptance(digest=accept, by=by) if accept and by else None
    with _troubles(), _bar() as progress:
        report = with_database(
            lambda settings, database: verb.load(settings, database, file, progress, acceptance=acceptance)
        )
    _told(report)


def _told(report: Report) -> None:
    """A load in a few lines."""
    from hub.verbs.rpps_report import told

    for one in told(report):
        typer.echo(one)


@rpps.command()
def sync(
    increments: Annotated[
        bool, typer.Option("--increments", help="Only what the FHIR API says has changed since.")
    ] = False,
) -> None:
    """Serve what is published now, persons and mailboxes, from the directory or else from its public copies; then what its FHIR API
    says has changed since, if there is a key. For every night."""
    from hub.verbs import rpps as verb
    from hub.verbs import rpps_increments

    if not increments:
        with _troubles(), _bar() as progress:
            reports = with_database(lambda settings, database: verb.sync(settings, database, progress))
        for report in reports:
            _told(report)
    if increments or settings_or_exit().rpps.has_api:
        with _troubles(), _bar() as progress:
            report = with_database(lambda settings, database: rpps_increments.increment(settings, database, progress))
        _told(report)


@rpps.command()
def check(file: Annotated[str, typer.Argument(help="ZIP or text of the extraction, - for standard input.")]) -> None:
    """What loading a file would do: every guard and the whole report, and nothing is changed."""
    from hub.verbs import rpps as verb

    with _troubles(), _bar() as progress:
        report = with_database(lambda settings, database: verb.check(settings, database, file, progress))
    _told(report)
    if report.is_new:
        typer.echo("Nothing was changed: hub rpps load would serve it.")


@rpps.command()
def diff(
    old: Annotated[str, typer.Argument(help="ZIP or text of one day.")],
    new: Annotated[str, typer.Argument(help="ZIP or text of another.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write: kind and national identifier of each.")] = None,
) -> None:
    """Who differs between two files. No database is needed."""
    from hub import settings
    from hub.verbs import rpps as verb

    with _troubles(), _bar() as progress:
        found = verb.diff(settings.load(), old, new, progress)
    kinds = {"added": found.added, "missing": found.missing, "changed": found.changed}
    typer.echo(
        f"{found.before} persons, then {found.after}: " + ", ".join(f"{len(who)} {kind}" for kind, who in kinds.items())
    )
    if out is not None:
        lines = [f"{kind},{one}" for kind, who in kinds.items() for one in who]
        out.write_text("\n".join(["kind,national_id", *lines, ""]), encoding="utf-8")
        typer.echo(f"{len(lines)} lines in {out}.")


@rpps.command()
def revert(
    by: Annotated[str, typer.Option(help="Who decides it: the name is kept.")],
    name: Annotated[
        str, typer.Option("--list", help="directory, skills, diplomas, mailboxes or increments.")
    ] = "directory",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Serve again what was served before the last load; that file is then refused until somebody accepts it by name."""
    from hub.verbs import rpps as verb

    if not yes:
        typer.confirm(f"Take back the last load of the {name}?", abort=True)
    with _troubles():
        last, before = with_database(lambda _, database: verb.revert(database, name=name, by=by))
    typer.echo(
        f"Taken back: {last.stamp or last.digest}. Served: {before.stamp or before.digest}, {before.persons} persons."
    )


@rpps.command()
def show(
    identifier: Annotated[str, typer.Argument(help="National identifier, or bare RPPS or ADELI number.")],
    history: Annotated[bool, typer.Option("--history", help="Past lines of work too, and how they changed.")] = False,
) -> None:
    """Everything the directory says of somebody."""
    from hub.verbs import rpps as verb
    from hub.verbs.show import console, table

    if history:
        lines, changes = with_database(lambda _, database: verb.past(database, identifier))
        columns = ("since", "until", "profession_code", "family", "given", "structure_name", "commune", "role_code")
        table(columns, [{name: _shown(getattr(one, name)) for name in columns} for one in lines])
        table(("stamp", "kind"), [{"stamp": one.stamp, "kind": one.kind} for one in changes])
        return
    found = with_database(lambda _, database: verb.show(database, identifier))
    if found is None:
        typer.echo(f"hub: nobody has the number {identifier}", err=True)
        raise typer.Exit(1)
    console.print_json(json.dumps(verb.described(*found), ensure_ascii=False))


@rpps.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="Name, first name, both in any order, or number.")] = None,
    profession: Annotated[
        list[str] | None, typer.Option(help="Code, such as 10; 10/E for its students; may be repeated.")
    ] = None,
    skill: Annotated[list[str] | None, typer.Option(help="Code, such as SM54; may be repeated.")] = None,
    place: Annotated[
        str | None, typer.Option("--place", "--commune", help="INSEE code, post code or its beginning, or department.")
    ] = None,
    km: Annotated[
        int | None, typer.Option(min=1, max=100, help="Around that place: accounts first, then the nearest.")
    ] = None,
    mailbox: Annotated[bool, typer.Option("--mailbox", help="Only those with a secure mailbox.")] = False,
    working: Annotated[bool, typer.Option("--working", help="Only those with an activity.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 25,
) -> None:
    """Who is called so, works there, has that profession."""
    from hub.storage.directory import Criteria
    from hub.verbs import rpps as verb
    from hub.verbs.show import table

    asked = Criteria(
        words=" ".join(words or ()),
        professions=tuple(profession or ()),
        specialties=tuple(skill or ()),
        has_mailbox=mailbox,
        is_working=working,
    )
    found = with_database(lambda _, database: verb.search(database, asked, place=place, km=km, limit=limit))
    if found.is_similar:
        typer.echo("Nobody is called so; these names are like it:")
    table(("national id", "name", "profession", "where"), list(found.rows))
    if found.has_more:
        typer.echo("There are more: add a profession or a place.")


@rpps.command()
def status(
    report: Annotated[
        bool,
        typer.Option("--report", help="Of the last load, refused or not: its figures, lines that could not be read."),
    ] = False,
) -> None:
    """Which extraction is served, since when, and how the last loads ended."""
    from hub.verbs import rpps as verb
    from hub.verbs.show import table

    served, last = with_database(lambda _, database: verb.status(database))
    if report and last:
        from hub.verbs.rpps_report import lines

        for one in lines(last[0]):
            typer.echo(one)
        return
    if served is None:
        typer.echo("No directory is loaded yet: hub rpps load.")
    else:
        typer.echo(
            f"Extraction {served.stamp or served.digest}: {served.persons} persons, {served.situations} situations, "
            f"{served.structures} structures, served since {served.loaded_at:%Y-%m-%d %H:%M} UTC."
        )
    table(("loaded at", *COLUMNS, "source"), [_in_a_line(one) for one in last])


COLUMNS = ("list", "extraction", "result", "rows", "added", "changed", "missing", "gone", "seconds")


def _in_a_line(one: Load) -> dict[str, object]:
    counted = {kind: getattr(one, kind) for kind in ("list", "rows", "added", "changed", "missing", "gone", "source")}
    return counted | {
        "loaded at": f"{one.loaded_at:%Y-%m-%d %H:%M}",
        "extraction": one.stamp,
        "result": f"{one.result} {one.reason}".strip(),
        "seconds": f"{one.seconds:.1f}",
    }


def _shown(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value or "")


@contextlib.contextmanager
def _troubles() -> Iterator[None]:
    """What the connector refuses is one sentence with its remedy, and exit code 1."""
    from hub.connectors.failure import ConnectorFailure
    from hub.connectors.rpps.troubles import ERRORS

    try:
        yield
    except ConnectorFailure as trouble:
        row = ERRORS.get(trouble.code)
        said = f"{row.french} {row.remedy}" if row else str(trouble)
        typer.echo(f"hub: {said}" + (f" [{trouble.detail}]" if trouble.detail else ""), err=True)
        raise typer.Exit(1) from trouble


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A bar for each thing that takes time: downloading, reading, indexing."""
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from hub.verbs.show import console

    columns = (TextColumn("{task.description:>10}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as drawn:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = drawn.add_task(what, total=total or None)
            drawn.update(tasks[what], completed=done, total=total or None)

        yield tell
