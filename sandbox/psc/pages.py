"""Pages of the wallet and of the issuer: French, plain, complete without script, never dressed as the national service."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from sandbox.psc.realm import Realm

HERE = Path(__file__).parent
PARIS = ZoneInfo("Europe/Paris")
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page(realm: Realm, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page with the policy of the house. Forms may end at the address of a registered service, nowhere else."""
    services = {urlsplit(uri) for client in realm.clients.values() for uri in client.redirect_uris + client.logout_uris}
    targets = " ".join(sorted({f"{address.scheme}://{address.netloc}" for address in services}))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self' {targets}"
    )
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return HTMLResponse(TEMPLATES.get_template(template).render(**facts), status_code=status, headers=headers)


def notice(realm: Realm, title: str, *lines: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page of a few sentences; ``links`` are (address, words), ``form`` has action, members, words."""
    return page(
        realm,
        "avis.html",
        status=status,
        title=title,
        lines=lines,
        links=facts.get("links", ()),
        form=facts.get("form"),
    )


def hour(seconds: float) -> str:
    """An hour of the wall clock in France, to the second."""
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone(PARIS).strftime("%H:%M:%S")


def serve_drawings(app: FastAPI) -> None:
    """Stylesheets: those of the sandbox, and the wallet's own."""
    app.mount("/static", StaticFiles(directory=HERE.parent / "static", check_dir=False))
    app.mount("/dessin", StaticFiles(directory=HERE / "static"))
