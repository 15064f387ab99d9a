"""The verbs of ``hub user`` and ``hub client``: who may sign in, which machines may speak. Argument parsing only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hub.cli_common import with_database

user = typer.Typer(no_args_is_help=True, help="Accounts of people.")
client = typer.Typer(no_args_is_help=True, help="Machine clients: SAS platforms and third-party software.")


@user.command("add")
def user_add(
    given: Annotated[str, typer.Option(help="First name.")],
    family: Annotated[str, typer.Option(help="Name.")],
    email: Annotated[str, typer.Option(help="Where the link to set the passphrase goes.")],
    capacity: Annotated[str, typer.Option(help="operator, coordinator, third-party or administrator.")],
    organization: Annotated[str, typer.Option(help="Id of the CPTS or organization; empty for an administrator.")] = "",
    mobile: Annotated[str, typer.Option(help="For sign-in codes, +33…")] = "",
) -> None:
    """Open a local account; its owner sets a passphrase by a one-time link, and signs in with two factors."""
    from hub.verbs import registers

    made = with_database(
        lambda _, database: registers.add_user(
            database,
            given=given,
            family=family,
            email=email,
            mobile=mobile,
            capacity=capacity,
            organization=organization,
        )
    )
    typer.echo(f"Account {made}: the link to set the passphrase leaves by mail.")


@user.command("roles")
def user_roles(identifier: Annotated[str, typer.Argument(help="Five digits, or a national identifier.")]) -> None:
    """In which capacities an account may act."""
    from hub.verbs import registers, show

    show.table(("capacity", "as", "where"), with_database(lambda _, database: registers.roles(database, identifier)))


@user.command("lock")
def user_lock(
    identifier: Annotated[str, typer.Argument(help="Five digits, or a national identifier.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Close an account and all its sessions."""
    from hub.verbs import registers

    if not yes:
        typer.confirm(f"Close account {identifier} and all its sessions?", abort=True)
    with_database(lambda _, database: registers.lock_user(database, identifier))


@client.command("add")
def client_add(
    id: Annotated[str, typer.Argument(help="Client id.")],
    name: Annotated[str, typer.Option(help="Name shown in histories.")],
    kind: Annotated[str, typer.Option(help="sas or software.")],
    scope: Annotated[list[str], typer.Option(help="One SMART scope, such as system/Task.rs; repeat for more.")],
    organization: Annotated[str, typer.Option(help="Organization it speaks for.")] = "",
    role: Annotated[str, typer.Option(help="PractitionerRole it acts for.")] = "",
    certificate: Annotated[Path | None, typer.Option(help="Its TLS certificate, PEM.")] = None,
    jwks: Annotated[Path | None, typer.Option(help="Its public keys, JWKS.")] = None,
    identity_trusted: Annotated[bool, typer.Option(help="Identities it says are qualified count as such.")] = False,
) -> None:
    """Register a machine, or replace what is known of it."""
    from hub.verbs import registers

    keys = json.loads(jwks.read_text(encoding="utf-8")) if jwks else None
    with_database(
        lambda _, database: registers.add_client(
            database,
            registers.client_of(
                id=id,
                name=name,
                kind=kind,
                organization=organization,
                role=role,
                certificate=certificate.read_bytes() if certificate else None,
                jwks=keys,
                scopes=tuple(scope),
                identity_trusted=identity_trusted,
            ),
        )
    )
    typer.echo(f"Client {id} is registered.")


@client.command("list")
def client_list() -> None:
    """Every machine client."""
    from hub.verbs import registers, show

    rows = with_database(lambda _, database: registers.clients_listed(database))
    show.table(("id", "name", "kind", "active", "scopes"), rows)


@client.command("revoke")
def client_revoke(
    id: Annotated[str, typer.Argument(help="Client id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Shut a machine out at once: its tokens stop working too."""
    from hub.verbs import registers

    if not yes:
        typer.confirm(f"Revoke {id}?", abort=True)
    if not with_database(lambda _, database: registers.revoke_client(database, id)):
        typer.echo(f"hub: no active client {id}", err=True)
        raise typer.Exit(1)
