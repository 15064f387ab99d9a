"""Pages of results: sizes, and sealed cursors, so that an address shows no patient datum and serves one viewer for an hour."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

import msgspec

from hub import clock
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage import crypto

PURPOSE = "fhir.cursor"
LIFE = timedelta(hours=1)  # (Choice)


def count(text: str | None, *, usual: int, most: int) -> int:
    """``_count`` as a page size: the usual one when absent, capped; 400 when it is not a number."""
    if text is None:
        return usual
    if not text.isdigit():
        raise Refusal("bad-search", parameter="_count", why="un nombre est attendu")
    return min(int(text), most)


def sealed(viewer: Viewer, of: str, place: Any) -> str:
    """An opaque cursor of this viewer for a place in a list. ``of`` names the list: no cursor serves another."""
    content = {"viewer": viewer.id, "role": viewer.role, "of": of, "until": clock.now() + LIFE, "place": place}
    return base64.urlsafe_b64encode(crypto.seal(msgspec.json.encode(content), purpose=PURPOSE)).rstrip(b"=").decode()


def opened(viewer: Viewer, of: str, cursor: str) -> Any:
    """The place of a cursor. 400 when it is not one of ours, 403 when it is another viewer's, 410 when its hour has passed."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        content = msgspec.json.decode(crypto.unseal(raw, purpose=PURPOSE))
    except (binascii.Error, ValueError, msgspec.DecodeError) as trouble:
        raise Refusal("bad-search", parameter="_cursor", why="ce curseur n'est pas lisible") from trouble
    if (content["viewer"], content["role"]) != (viewer.id, viewer.role):
        raise Refusal("forbidden")
    if content["of"] != of:
        raise Refusal("bad-search", parameter="_cursor", why="ce curseur est celui d'une autre liste")
    if datetime.fromisoformat(content["until"]) < clock.now():
        raise Refusal("gone")
    return content["place"]


def position(viewer: Viewer, of: str, cursor: str) -> tuple[datetime, int, int]:
    """The place of a history cursor."""
    moment, key, version = opened(viewer, of, cursor)
    return datetime.fromisoformat(moment), int(key), int(version)
