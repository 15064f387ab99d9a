"""The doors of the FHIR API: key, pace, methods, searches, frozen pages (directory specification 11.1, 11.2)."""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.journal import Check
from sandbox.rpps.api import metadata, notes
from sandbox.rpps.api import search as searching
from sandbox.rpps.api.refusals import RefusedCallError
from sandbox.rpps.api.register import Register
from sandbox.rpps.api.search import Frozen
from sandbox.rpps.api.systems import Json
from sandbox.rpps.publication import Publication
from sandbox.world import World

BASE = "/fhir/v2"
BASES = (BASE, "/fhir")  # the address without a version leads to v2
HEADER, KEY = "esante-api-key", "cle-inventee-annuaire"
PACE, WINDOW = 17, timedelta(seconds=1)
PAGE_LIFE = timedelta(minutes=10)
MOST_PAGES = 2_000  # kept at once; the oldest leave first
FHIR_JSON, FORM = "application/fhir+json;charset=UTF-8", "application/x-www-form-urlencoded"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ELSEWHERE = "https://ailleurs.example/fhir/v2"
MALFORMED: Json = {"identifier": "sans forme", "name": 12, "active": "peut-être"}
# What a visitor may ask the API to get wrong.
NAMED = {
    "page-expired": "API : la page suivante a expiré",
    "page-elsewhere": "API : la page suivante est annoncée sur un autre hôte",
    "resource-malformed": "API : une ressource n’a pas la forme attendue",
    "memory-refused": "API : refuse une mise à jour demandée au-delà de 30 jours",
}


class Api:
    """`story` gives, at each call, the publications since the last one, oldest first."""

    def __init__(self, world: World, faults: Faults, story: Callable[[], list[Publication]]) -> None:
        self.world = world
        self.faults = faults
        self._story = story
        self._lock = asyncio.Lock()
        self.forget()
        self.routes = [Route(f"{base}{{rest:path}}", self._call, methods=METHODS) for base in BASES]

    def forget(self) -> None:
        self.register = Register()
        self._calls: deque[datetime] = deque(maxlen=PACE)
        self._pages: OrderedDict[str, tuple[Frozen, int, datetime]] = OrderedDict()

    async def ready(self) -> Register:
        """The register, with everything published until now."""
        async with self._lock:
            for publication in self._story():
                await asyncio.to_thread(self.register.publish, publication)
        return self.register

    async def _call(self, request: Request) -> Response:
        call, status = notes.Call(), 200
        try:
            self._admit(request, call.checks)
            call.content = await self._answer(request, request.path_params["rest"].strip("/"))
        except RefusedCallError as refusal:
            call.content, status, call.trouble = refusal.outcome(), refusal.status, refusal.sentence
        headers = {"Retry-After": "1"} if status == 429 else {}
        answer = JSONResponse(call.content, status_code=status, media_type=FHIR_JSON, headers=headers)
        notes.keep(self.world.journal, request, answer, call)
        return answer

    def _admit(self, request: Request, checks: list[Check]) -> None:
        key, now = request.headers.get(HEADER, ""), self.world.clock.now()
        known = secrets.compare_digest(key.encode(), KEY.encode())
        checks.append(Check(what="Clé ESANTE-API-KEY connue", passed=known, where="API FHIR, accès"))
        if not known:
            raise RefusedCallError("unknown-key" if key else "no-key")
        quick = len(self._calls) == PACE and now - self._calls[0] < WINDOW
        checks.append(Check(what="Pas plus de 17 appels par seconde", passed=not quick, where="API FHIR, accès"))
        if quick:
            raise RefusedCallError("too-many")
        self._calls.append(now)

    async def _answer(self, request: Request, rest: str) -> Json:
        register = await self.ready()
        parts = [part for part in rest.split("/") if part]
        base = f"{request.url.scheme}://{request.url.netloc}{BASE}"
        is_search = request.method == "POST" and parts[1:] == ["_search"]
        if request.method not in ("GET", "HEAD") and not is_search:
            raise RefusedCallError("forbidden", request.method)
        match parts:
            case ["metadata"]:
                return metadata.statement(base, self.world.clock.now())
            case ["_page"]:
                return self._page(request.query_params.get("id", ""), base)
            case ["v1", *_]:
                raise RefusedCallError("old-version")
            case [type, *_] if type not in searching.TYPES:
                raise RefusedCallError("unknown-type", type)
            case [type] | [type, "_search"]:
                return self._search(type, await _pairs(request), register, base)
            case [type, id]:
                return _read(register, type, id, request)
            case _:
                raise RefusedCallError("unknown-address", f"/{rest}")

    def _search(self, type: str, pairs: list[tuple[str, str]], register: Register, base: str) -> Json:
        now = self.world.clock.now()
        search = searching.read(type, pairs, register.resources, now)
        if search.since is not None and search.since < now - searching.MEMORY and self.faults.take("memory-refused"):
            raise RefusedCallError("beyond-memory")
        frozen = searching.freeze(search, register.resources, now)
        query = urlencode(search.query)
        return self._bundle(frozen, 0, base, f"{base}/{type}{'?' if query else ''}{query}")

    def _page(self, id: str, base: str) -> Json:
        """Follow a page as it was frozen."""
        if self.faults.take("page-expired"):
            self._pages.pop(id, None)
            raise RefusedCallError("page-expired")
        if id not in self._pages:
            raise RefusedCallError("page-unknown")
        frozen, offset, until = self._pages[id]
        if self.world.clock.now() >= until:
            raise RefusedCallError("page-expired")
        if frozen.search.chained:
            raise RefusedCallError("page-chained")
        return self._bundle(frozen, offset, base, f"{base}/_page?id={id}")

    def _bundle(self, frozen: Frozen, offset: int, base: str, address: str) -> Json:
        search = frozen.search
        links = [{"relation": "self", "url": address}]
        following = offset + search.count
        if search.count and following < len(frozen.matched):
            host = ELSEWHERE if self.faults.take("page-elsewhere") else base
            links.append({"relation": "next", "url": f"{host}/_page?id={self._keep(frozen, following)}"})
        made = {"resourceType": "Bundle", "id": secrets.token_hex(16), "type": "searchset"}
        made |= {} if search.total == "none" else {"total": len(frozen.matched)}  # type: ignore[dict-item]
        found = searching.entries(frozen, offset, base)
        if found and self.faults.take("resource-malformed"):
            found[0] = {**found[0], "resource": {**found[0]["resource"], **MALFORMED}}
        return {**made, "link": links, **({"entry": found} if found else {})}

    def _keep(self, frozen: Frozen, offset: int) -> str:
        id = secrets.token_urlsafe(24)
        self._pages[id] = (frozen, offset, self.world.clock.now() + PAGE_LIFE)
        if len(self._pages) > MOST_PAGES:
            self._pages.popitem(last=False)
        return id


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """Parameters of the address, then those of the form."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    if request.method != "POST":
        return pairs
    if request.headers.get("content-type", FORM).partition(";")[0].strip() != FORM:
        raise RefusedCallError("bad-body")
    try:
        return pairs + parse_qsl((await request.body()).decode("utf-8"), keep_blank_values=True)
    except ValueError as trouble:
        raise RefusedCallError("bad-body") from trouble


def _read(register: Register, type: str, id: str, request: Request) -> Json:
    stored = register.resources.get(f"{type}/{id}")
    if stored is None:
        raise RefusedCallError("unknown-resource", f"{type}/{id}")
    elements = tuple(one for one in request.query_params.get("_elements", "").split(",") if one)
    return searching.subset(stored.resource, elements)
