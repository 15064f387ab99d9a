"""The ``hub`` command: argument parsing only. Each verb calls one function of ``hub.verbs`` that tests call too.

Nothing heavy is imported before a verb needs it, so that ``hub --help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hub import cli_registers, cli_rpps
from hub.cli_common import settings_or_exit, with_database

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, help=(
    "Colibri, an open interoperability hub for French primary care.\n\n"
    "[b]hub dev[/b] starts everything on this machine, plays one patient from the SAS to the DMP, and stays up."
))  # fmt: skip


def _group(name: str, help: str) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help=help)
    app.add_typer(group, name=name)
    return group


db = _group("db", "The database: bring it up to date, check it, write a migration.")
seed = _group("seed", "Fill an installation with invented data.")
outbox = _group("outbox", "Messages to others and to ourselves: what waits, what stopped and why.")


app.add_typer(cli_registers.user, name="user")
app.add_typer(cli_registers.client, name="client")
app.add_typer(cli_rpps.rpps, name="rpps")


@app.command()
def dev(
    once: Annotated[
        bool, typer.Option("--once", help="Play the journey, stop, and say by the exit code how it went.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh/--keep", help="Begin with an empty database, or keep the last one.")
    ] = True,
    directory: Annotated[Path, typer.Option(help="Where the database and the certificates live.")] = Path("run"),
    steady: Annotated[
        bool, typer.Option("--steady/--moody", help="Moody twins fail now and then, as real services do.")
    ] = True,
) -> None:
    """Everything in one terminal: database, twins, serve, work; plays one patient from the SAS to the DMP."""
    from hub.verbs import dev as verb

    raise typer.Exit(verb.run(once=once, fresh=fresh, directory=directory, steady=steady))


@app.command()
def serve() -> None:
    """Answer people and software: pages, FHIR, tokens, health."""
    from hub.verbs import processes

    processes.serve(settings_or_exit())


@app.command()
def work() -> None:
    """Do what was promised for later: messages to others, deadlines."""
    from hub.verbs import processes

    processes.work(settings_or_exit())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def sandbox(context: typer.Context) -> None:
    """Play every national service on its real wire. Options are those of `python -m sandbox --help`."""
    import os

    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *context.args])  # noqa: S606 - our own process, replaced


@app.command()
def config() -> None:
    """Every setting, its value (secrets hidden), where it came from, what it is for."""
    from hub.settings import table
    from hub.verbs import show

    show.table(("name", "value", "from", "for"), table(settings_or_exit()))


@app.command()
def doctor() -> None:
    """Database, communes, certificates and their last day, each outside service, queue, board: what is well and what is not."""
    from hub.verbs import doctor as verb
    from hub.verbs import show

    found = with_database(verb.examine)
    show.table(
        ("what", "verdict", "detail"),
        [{"what": one.what, "verdict": one.verdict, "detail": one.detail} for one in found],
    )
    raise typer.Exit(0 if all(one.is_well for one in found) else 1)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the latest version; does nothing when it is there."""
    from hub import composition
    from hub.storage.migrations import run

    settings = settings_or_exit()
    composition.prepare(settings)
    run.upgrade(composition.database_url(settings))
    typer.echo("The database is up to date.")


@db.command("check")
def db_check() -> None:
    """Whether the database has exactly the tables this version wants."""
    from hub import composition
    from hub.storage.migrations import run

    settings = settings_or_exit()
    composition.prepare(settings)
    differences = run.check(composition.database_url(settings))
    for one in differences:
        typer.echo(one)
    raise typer.Exit(1 if differences else 0)


@db.command("revision")
def db_revision(text: Annotated[str, typer.Argument(help="What the migration does, in a few words.")]) -> None:
    """Write the next migration from the difference between the tables and the database."""
    from hub import composition
    from hub.storage.migrations import run

    settings = settings_or_exit()
    composition.prepare(settings)
    typer.echo(run.revision(composition.database_url(settings), text))


@seed.command("demo")
def seed_demo(
    certificates: Annotated[Path, typer.Option(help="Folder of the sandbox's certificates.")] = Path(
        "run/certificates"
    ),
) -> None:
    """Four invented CPTS, their professionals, an operator, a SAS and a piece of software."""
    from hub.verbs import seed as verb
    from hub.verbs import show

    people = with_database(lambda settings, database: verb.demo(settings, database, certificates))
    show.table(("who", "signs in with", "secret", "lands on"), people)


@outbox.command("list")
def outbox_list(
    state: Annotated[str | None, typer.Option(help="waiting, stopped or done.")] = None,
    topic: Annotated[str | None, typer.Option(help="For instance dmp.submission.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Messages, newest first."""
    from hub.verbs import outbox as verb
    from hub.verbs import show

    rows = with_database(lambda _, database: verb.listed(database, state=state, topic=topic, limit=limit))
    show.rows_of_outbox(rows)


@outbox.command("show")
def outbox_show(id: int) -> None:
    """One message: payload, tries, last error with its remedy."""
    from hub.verbs import outbox as verb
    from hub.verbs import show

    row = with_database(lambda _, database: verb.one(database, id))
    if row is None:
        typer.echo(f"hub: no message {id}", err=True)
        raise typer.Exit(1)
    show.row_of_outbox(row)


@outbox.command("answer")
def outbox_answer(id: int) -> None:
    """What a peer answered that nobody could read, byte for byte on standard output; it may hold patient data."""
    from hub.verbs import outbox as verb

    raw = with_database(lambda _, database: verb.answer(database, id))
    if raw is None:
        typer.echo(f"hub: no answer is kept for message {id}", err=True)
        raise typer.Exit(1)
    sys.stdout.buffer.write(raw)


@outbox.command("again")
def outbox_again(id: int) -> None:
    """Try a stopped or waiting message at once, with the content already prepared."""
    from hub.verbs import outbox as verb

    if not with_database(lambda _, database: verb.again(database, id)):
        typer.echo(f"hub: message {id} is done or unknown", err=True)
        raise typer.Exit(1)


@outbox.command("stop")
def outbox_stop(id: int, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop a waiting message: it will not leave unless tried again by hand."""
    from hub.verbs import outbox as verb

    if not yes:
        typer.confirm(f"Stop message {id}?", abort=True)
    if not with_database(lambda _, database: verb.stop(database, id)):
        typer.echo(f"hub: message {id} is not waiting", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``hub`` script."""
    app()
