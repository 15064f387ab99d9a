"""search (https://hl7.org/fhir/R4/search.html): what the viewer sees, in pages; strict unless the client prefers lenient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from hub.domain.refusal import Refusal
from hub.fhir import directory, search_pages, subscriptions
from hub.fhir.message import JSON, FhirRequest, FhirResponse
from hub.fhir.smart import scopes
from hub.r4 import json, names, outcome
from hub.storage import search
from hub.storage.resources import Stored
from hub.storage.search import query

Resource = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

CURSOR = "_cursor"
NOT_CRITERIA = frozenset({"_format", "_pretty", CURSOR})


async def by_query(request: FhirRequest) -> FhirResponse:
    """``GET [base]/Type?…``."""
    return await _answer(request, request.query)


async def by_form(request: FhirRequest) -> FhirResponse:
    """``POST [base]/Type/_search``: the form body with the query string."""
    try:
        form = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict")
    except (UnicodeDecodeError, ValueError) as trouble:
        raise Refusal("bad-body", why="ce n'est pas un formulaire") from trouble
    return await _answer(request, (*request.query, *form))


async def _answer(request: FhirRequest, given: Pairs) -> FhirResponse:
    type_name = request.segments[0]
    strange = [name for name, value in given if "\x00" in name + value]
    if strange:  # no text of the record holds it, and the database refuses it
        raise Refusal("bad-search", parameter=strange[0].replace("\x00", ""), why="un caractère nul n'est pas un texte")
    asked = dict(given)
    cursor = search_pages.opened(request.caller, type_name, asked[CURSOR]) if CURSOR in asked else None
    params = [pair for pair in given if pair[0] not in NOT_CRITERIA]
    _require_scopes(request, type_name, params if cursor is None else cursor["params"])
    page, left_out = await _search(request, type_name, params, cursor)
    entries = [_entry(request, one, "match") for one in page.matches]
    entries += [_entry(request, one, "include") for one in page.includes if _allowed(request, one.type)]  # fhir.md 6.2
    if left_out:
        entries.append(json.dumps({"resource": _said(left_out), "search": {"mode": "outcome"}}))
    return FhirResponse(status=200, body=_bundle(request, type_name, page, entries), headers={"Content-Type": JSON})


def _bundle(request: FhirRequest, type_name: str, page: search.Page, entries: Sequence[bytes]) -> bytes:
    """The searchset, of entries that are already written."""
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = _links(request, type_name, page)
    head = json.dumps(bundle)
    return head[:-1] + b',"entry":[' + b",".join(entries) + b"]}" if entries else head


async def _search(
    request: FhirRequest, type_name: str, params: list[tuple[str, str]], cursor: Any
) -> tuple[search.Page, list[Refusal]]:
    """The page; under ``Prefer: handling=lenient`` the parameters that are not known are left out, and told."""
    left_out: list[Refusal] = []
    if cursor is None and type_name not in directory.TYPES:
        page = await search.again(request.database, request.caller, type_name, params)
        if page is not None:
            return page, left_out
    async with request.database.reading() as session:
        while True:
            try:
                found = await directory.find(session, request.caller, type_name, params, cursor)
                return found.page, [*left_out, *found.left_out]
            except Refusal as refusal:
                name = refusal.words.get("parameter")
                kept = [pair for pair in params if pair[0] != name]
                if request.preference("handling") != "lenient" or len(kept) == len(params):
                    raise
                left_out.append(refusal)
                params = kept


def _crossed(condition: query.Condition) -> Iterator[str]:
    """The types that a chain or ``_has`` looks into."""
    if isinstance(condition, query.Has):
        yield condition.source
        yield from _crossed(condition.inner)
    elif isinstance(condition, query.Chain):
        for type_name, inner in condition.branches:
            yield type_name
            yield from _crossed(inner)


def _require_scopes(request: FhirRequest, type_name: str, params: Pairs) -> None:
    """What the token does not let a client read, it does not let it guess through a chain either (fhir.md 6.2)."""
    chained = [pair for pair in params if "." in pair[0] or pair[0].startswith("_has:")]
    for pair in chained:
        try:
            conditions = query.read(type_name, [pair]).conditions
        except Refusal:
            continue  # said, or left out, by the search itself
        for crossed in (one for condition in conditions for one in _crossed(condition)):
            if not _allowed(request, crossed):
                raise Refusal("scope-missing", scope=f"system/{crossed}.rs")


def _said(refusals: Sequence[Refusal]) -> Resource:
    first, *others = refusals
    told = outcome.of_refusal(Refusal(first.code, more=tuple(others), **first.words), names.base())
    for issue in told["issue"]:
        issue["severity"] = "warning"
    return told


def _allowed(request: FhirRequest, type_name: str) -> bool:
    owned = request.caller.scopes
    return scopes.allows(owned, type_name, "r") or scopes.allows(owned, type_name, "s")


def _links(request: FhirRequest, type_name: str, page: search.Page) -> list[Resource]:
    """``self`` with the parameters really used, ``next`` with a sealed place."""
    here = f"{request.base}/{type_name}"
    words = urlencode(list(page.params), quote_via=quote, safe="|:,$/")
    links = [{"relation": "self", "url": f"{here}?{words}" if words else here}]
    if page.next is not None:
        links.append(
            {"relation": "next", "url": f"{here}?{CURSOR}={search_pages.sealed(request.caller, type_name, page.next)}"}
        )
    return links


def _entry(request: FhirRequest, stored: Stored, mode: str) -> bytes:
    """An entry around the bytes of the store."""
    head = json.dumps({"fullUrl": f"{request.base}/{stored.type}/{stored.id}"})
    return b'%b,"resource":%b,"search":{"mode":"%b"}}' % (head[:-1], subscriptions.shown(stored), mode.encode())
