"""/annuaire: professionals of the national directory, by name, profession and place (rpps.md 12 and 14)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from hub.domain.people import Capacity
from hub.domain.refusal import Refusal
from hub.storage import directory, directory_gone
from hub.web.call import Call
from hub.web.forms import Fault
from hub.web.reads import colleagues as reads

READERS = frozenset({Capacity.PROFESSIONAL, Capacity.SECRETARY, Capacity.OPERATOR, Capacity.COORDINATOR})
PAGE = 25
FIELDS = ("profession", "nom", "prenom", "lieu", "rayon", "mssante", "inscrits", "sans-activite")
ASKING = FIELDS[:4]  # one of them at least
LONGEST = 100  # characters of a field
TOO_SHORT = "Écrivez au moins deux lettres du nom, ou choisissez une profession ou un lieu."
STALE = "Cette suite de la liste ne se retrouve plus : relancez la recherche."


def _require_reader(call: Call) -> None:
    if call.viewer.capacity not in READERS:
        raise Refusal("not-found")


async def show(call: Call) -> Response:
    """The form, and who answers it, a page at a time. The words of a search are public: they stand in the address."""
    _require_reader(call)
    typed = {name: call.query(name)[:LONGEST] for name in FIELDS}
    is_asked = any(typed[name] for name in ASKING)
    found = reads.communes(typed["lieu"]) if typed["lieu"] else ()
    faults = _faults(typed, len(found))
    page = None
    async with call.reading() as session:
        served = await reads.served(session)
        if is_asked and not faults and served.day:
            try:
                asked = reads.criteria(typed, found)
                page = await directory.search(call.database, asked, limit=PAGE, after=call.query("apres") or None)
            except Refusal:
                faults = (Fault(field="nom", text=STALE if call.query("apres") else TOO_SHORT),)
        people = await reads.worded(session, call.viewer, page.persons) if page else []
    following = {**typed, "apres": page.following} if page and page.following else {}
    return await call.page(
        "colleagues/search.html",
        title="Annuaire",
        status=422 if faults else 200,
        typed=typed,
        summary=faults or None,
        professions=reads.professions(),
        communes=found,
        people=people,
        is_asked=is_asked and page is not None,
        is_similar=page is not None and page.is_similar,
        is_vague=bool(following) and not (typed["profession"] and typed["lieu"]),
        radii=reads.RADII,
        is_first=not call.query("apres"),
        following=_query(following),
        beginning=_query(typed),
        day=served.day,
    )


def _query(words: Mapping[str, str]) -> str:
    """What is asked, as it stands in an address."""
    return urlencode({name: value for name, value in words.items() if value})


def _faults(typed: dict[str, str], count: int) -> tuple[Fault, ...]:
    known = {code for code, _ in reads.professions()}
    found: list[Fault] = []
    if typed["profession"] and typed["profession"] not in known:
        found.append(Fault(field="profession", text="Choisissez une profession de la liste."))
    if typed["lieu"] and not count:
        found.append(Fault(field="lieu", text="Aucune commune ne porte ce nom ou ce code postal."))
    if typed["rayon"] and typed["rayon"] not in map(str, reads.RADII):
        found.append(Fault(field="rayon", text="Choisissez une distance de la liste."))
    if count > reads.MOST_COMMUNES and not typed["lieu"][0].isdigit():
        found.append(
            Fault(field="lieu", text="Trop de communes commencent ainsi : écrivez le nom entier, ou le code postal.")
        )
    return tuple(found)


async def detail(call: Call) -> Response:
    """One person whole: every exercise, every place of work. Who has left is as unknown as who never was there."""
    _require_reader(call)
    async with call.reading() as session:
        number = call.path("national_id")
        person = await directory.by_national_id(session, number) if number.isalnum() else None
        missing_since = await directory_gone.missing_since(session, number) if person else None
        served = await reads.served(session)
        people = await reads.worded(session, call.viewer, [person]) if person else []
    return await call.page(
        "colleagues/person.html",
        status=200 if people else 404,
        title=people[0].name if people else "Annuaire",
        people=people,
        person=person,
        missing_since=missing_since,
        day=served.day,
        back={"href": "/annuaire", "label": "Annuaire"},
    )
