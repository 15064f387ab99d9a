"""Pages for everybody, without a session: help, statements, state of the services."""

from __future__ import annotations

from starlette.responses import Response

from hub.web.call import Call, Handler


def plain(template: str, title: str) -> Handler:
    """A page that only says something."""

    async def show(call: Call) -> Response:
        return await call.page(f"public/{template}", title=title)

    return show


HELP = plain("help.html", "Aide")
PRIVACY = plain("privacy.html", "Données personnelles")
ACCESSIBILITY = plain("accessibility.html", "Accessibilité")


async def services(call: Call) -> Response:
    """Whether we answer, and whether Pro Santé Connect did the last time it was asked."""
    async with call.reading() as session:
        is_up = (await session.exec_driver_sql("SELECT 1")).scalar_one() == 1
    return await call.page("public/services.html", title="État des services", is_up=is_up)
