"""The directory's doors: extractions by GET and HEAD, stable addresses that redirect to dated copies, days on demand."""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults, with_faults
from sandbox.journal import Check
from sandbox.rpps import publication, side
from sandbox.rpps.api import doors
from sandbox.rpps.api.doors import Api
from sandbox.rpps.days import first_day, next_day
from sandbox.rpps.delivery import deliver
from sandbox.rpps.publication import ACTIVITY, DIRECTORY, MAILBOXES, Publication
from sandbox.servers import Listener
from sandbox.world import World

SEED = 95
MOODY_SHARE = 0.05
PREFIX = "/annuaire-sante-webservices/V300/services/extraction/"
PUBLISHED_AT = timedelta(hours=2, minutes=17)  # UTC, each day
MOST_DAYS = 30  # caught up when the clock has jumped
# Resources of data.gouv.fr and the member they copy.
COPIES = {
    "fffda7e9-0ea2-4c35-bba0-4496f3af935d": ACTIVITY,
    "41ae70ac-90c8-4c4e-8644-4ef1b100f045": "PS_LibreAcces_Dipl_AutExerc",
    "fb55f15f-bd61-4402-b551-51ef387f2fab": "PS_LibreAcces_SavoirFaire",
    "afe01105-d9a1-41fe-921f-e40ea48b2ba6": MAILBOXES,
}


class RppsTwin:
    name = "rpps"
    title = "Annuaire Santé"
    about = "extractions publiques quotidiennes, API FHIR"

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults({**publication.NAMED, **doors.NAMED})
        self.side = side.routes(self.current, self.next_day)
        self._current: Publication | None = None
        self._untold: list[Publication] = []
        self.api = Api(world, self.faults, self._story)
        self._packed: dict[str, bytes] = {}
        routes = [
            Route(f"{PREFIX}{{name}}", self._extraction, methods=["GET", "HEAD"]),
            Route("/api/1/datasets/r/{resource}", self._stable, methods=["GET", "HEAD"]),
            Route("/resources/{stamp}/{member}.txt", self._dated, methods=["GET", "HEAD"]),
            *self.api.routes,
        ]
        self.app = with_faults(Starlette(routes=routes), self.faults, MOODY_SHARE if world.settings.moody else 0.0)

    def listeners(self) -> list[Listener]:
        return [Listener(name="rpps", app=self.app, tls=True, shown=self._certificate)]

    def _certificate(self) -> str:
        """The one to show at this handshake."""
        if self.faults.take("expired-certificate") is None:
            return "server"
        self.world.journal.add(
            twin=self.name,
            direction="in",
            title="Connexion TLS",
            verdict="panne voulue : certificat périmé",
            accepted=False,
            facts={"fault": "expired-certificate"},
        )
        return "server-expired"

    def reset(self) -> None:
        self._current = None
        self._untold.clear()
        self.api.forget()
        self._packed.clear()
        self.faults.clear()
        self.world.journal.clear(self.name)

    async def start(self) -> None:
        """Nothing beside the listener; people are invented at the first call."""

    async def stop(self) -> None:
        """Nothing beside the listener."""

    def current(self) -> Publication:
        """What is published now. The clock publishes each day; a day is missed while `no-publication` is in force."""
        now = self.world.clock.now()
        last = _latest(now)
        if self._current is None:
            self._current = Publication(directory=first_day(SEED), at=last)
            self._untold.append(self._current)
        missed = (last.date() - _latest(self._current.at).date()).days
        if missed and self._held(missed):
            return self._current
        for back in reversed(range(min(missed, MOST_DAYS))):
            self._publish(last - timedelta(days=back))
        return self._current

    def _held(self, missed: int) -> bool:
        """Whether nothing new is published: for the number of days in the value of the fault, or until stopped."""
        hold = next((fault for fault in self.faults.active() if fault.kind == "no-publication"), None)
        if hold is None:
            return False
        if hold.value.isdecimal() and missed > int(hold.value):
            self.faults.stop("no-publication")
            return False
        return True

    def next_day(self, days: int = 1) -> Publication:
        """Publish the next day now, whatever the clock says; its stamp is later than the one before. With several `days`, each
        of them, one minute after the other."""
        latest = self.current()
        for _ in range(days):
            now = self.world.clock.now().replace(second=0, microsecond=0)
            latest = self._publish(max(now, latest.at + timedelta(minutes=1)))
        return latest

    def _story(self) -> list[Publication]:
        """What was published since the API last asked, so that it tells the same story as the files."""
        self.current()
        untold, self._untold = self._untold, []
        return untold

    def _publish(self, at: datetime) -> Publication:
        before = self._current.directory if self._current else first_day(SEED)
        self._current = Publication(directory=next_day(before), at=at)
        self._untold.append(self._current)
        self._packed.clear()
        return self._current

    async def _extraction(self, request: Request) -> Response:
        started = time.perf_counter()
        name = request.path_params["name"]
        if name not in (DIRECTORY, MAILBOXES):
            return self._note(request, Response(status_code=404), started, {"extraction": name})
        current = self.current()
        taken = publication.take(self.faults) if request.method == "GET" else {}
        packed = publication.archive(publication.texts(current, name), taken) if taken else self._clean(name)
        ranges = any(fault.kind == "ranges" for fault in self.faults.active())
        answer = deliver(request, packed, current.name(name), taken, ranges=ranges)
        facts = {"extraction": name, "stamp": current.stamp, "day": str(current.directory.day)}
        facts |= {"sha256": hashlib.sha256(packed).hexdigest(), "bytes": str(len(packed)), "faults": " ".join(taken)}
        return self._note(request, answer, started, facts)

    def _clean(self, name: str) -> bytes:
        if name not in self._packed:
            self._packed[name] = publication.archive(publication.texts(self.current(), name), {})
        return self._packed[name]

    async def _stable(self, request: Request) -> Response:
        started = time.perf_counter()
        member = COPIES.get(request.path_params["resource"])
        facts = {"copy": member or ""}
        if member is None:
            return self._note(request, Response(status_code=404), started, facts)
        stamp = self.current().stamp
        answer = RedirectResponse(f"/resources/{stamp}/{member}.txt", status_code=302)
        return self._note(request, answer, started, {**facts, "stamp": stamp})

    async def _dated(self, request: Request) -> Response:
        """The text as it is, not zipped; a stamp that is not today's is gone."""
        started = time.perf_counter()
        member, stamp = request.path_params["member"], request.path_params["stamp"]
        current = self.current()
        facts = {"copy": member, "stamp": stamp}
        if stamp != current.stamp or member not in COPIES.values():
            return self._note(request, Response(status_code=404), started, facts)
        made = publication.texts(current, MAILBOXES if member == MAILBOXES else DIRECTORY)
        text = next(text for name, text in made.items() if name.startswith(member))
        return self._note(request, PlainTextResponse(text), started, facts)

    def _note(self, request: Request, answer: Response, started: float, facts: dict[str, str]) -> Response:
        checks = _checks(request)
        found = answer.status_code < 400
        self.world.journal.add(
            twin=self.name,
            direction="in",
            title=f"{request.method} {request.url.path}",
            verdict=f"{answer.status_code}, {_said(facts, found)}",
            accepted=found,
            subject=facts.get("extraction") or facts.get("copy", ""),
            request=_lines(f"{request.method} {request.url.path} HTTP/1.1", request.headers),
            answer=_lines(f"HTTP {answer.status_code}", answer.headers),
            checks=checks,
            milliseconds=(time.perf_counter() - started) * 1000,
            facts={"status": str(answer.status_code), **facts},
        )
        return answer


def _latest(now: datetime) -> datetime:
    """The last hour of publication before `now`."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + PUBLISHED_AT
    return today if today <= now else today - timedelta(days=1)


def _checks(request: Request) -> tuple[Check, ...]:
    secret = [name for name in ("authorization", "cookie", "esante-api-key") if name in request.headers]
    return (
        Check(
            what="Aucun secret envoyé : ces fichiers sont publics",
            passed=not secret,
            where="DSFT extractions, accès libre",
            detail=", ".join(secret),
        ),
        Check(what="Pas de paramètre dans l’adresse", passed=not request.url.query, detail=request.url.query),
    )


def _lines(first: str, headers: Mapping[str, str]) -> str:
    return "\n".join([first, *(f"{name}: {value}" for name, value in headers.items())])


def _said(facts: dict[str, str], found: bool) -> str:
    if not found:
        return "adresse inconnue ou fichier remplacé"
    faults = facts.get("faults")
    return f"extraction du {facts['stamp']}" + (f" avec panne : {faults}" if faults else "")
