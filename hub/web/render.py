"""From a template and its values to a page: the Jinja environment, its filters, the sprite of the icons a page uses, the
addresses of static files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hub.domain import hours
from hub.domain.typography import typeset
from hub.web import words

HERE = Path(__file__).parent
STATIC = HERE / "static"
SPRITE = "<!--sprite-->"  # where the symbols of the icons used go; left by the base template
USED = re.compile(r'href="#i-([a-z-]+)"')


@cache
def symbols() -> Mapping[str, str]:
    """The drawing of each icon by name, from the one file that holds them all."""
    found = re.findall(
        r'<symbol id="i-([a-z-]+)".*?</symbol>', text := (STATIC / "icones.svg").read_text("utf-8"), re.S
    )
    drawings = re.findall(r'<symbol id="i-[a-z-]+".*?</symbol>', text, re.S)
    return dict(zip(found, drawings, strict=True))


def with_sprite(page: str, *, whole: bool = False) -> str:
    """The page with the icons it uses, or all of them where parts of it are replaced later."""
    names = sorted(symbols()) if whole else sorted(set(USED.findall(page)))
    return page.replace(SPRITE, "\n".join(symbols()[name] for name in names), 1)


@cache
def asset(name: str) -> str:
    """The address of a static file, with a mark of its content so that browsers may keep it; empty when it is not there."""
    file = STATIC / name
    if not file.is_file():
        return ""
    mark = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


def clock(at: datetime, zone: ZoneInfo) -> Markup:
    """A ``time`` element that shows « 15:02 »."""
    local = at.astimezone(zone)
    shown = hours.clock_time(at, zone)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), shown)


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> Markup:
    """« demain, » and a ``time`` element."""
    return Markup("{}, {}").format(typeset(hours.day(at, now, zone)), clock(at, zone))


def hour(at: datetime, now: datetime, zone: ZoneInfo) -> Markup:
    """A ``time`` element alone today, with its day before it otherwise."""
    day = hours.day(at, now, zone)
    return clock(at, zone) if day == "aujourd'hui" else moment(at, now, zone)


@cache
def environment() -> Environment:
    """The Jinja environment: everything escaped, nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["fr"] = typeset
    made.filters["tel"] = words.phone_words
    made.filters["tel_link"] = words.phone_link
    made.filters["the"] = words.article
    made.filters["initials"] = words.initials
    made.globals.update(asset=asset, clock=clock, moment=moment, hour=hour, looks=words.LOOKS)
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page as text. ``values["whole_sprite"]`` asks for every icon."""
    page = environment().get_template(template).render(values)
    return with_sprite(page, whole=bool(values.get("whole_sprite")))
