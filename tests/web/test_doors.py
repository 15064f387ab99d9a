"""What holds on every page: who comes in, which forms count, which headers go out, and what a page never contains."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.routing import Route

from hub.web.headers import POLICY
from hub.web.router import OPEN, SIGNED, WITHOUT_CAPACITY
from tests.web.conftest import CANARY, LEBRUN, VASSEUR, Browser, Portal

ACTS = [page.path for page in (*SIGNED, *WITHOUT_CAPACITY) if page.act is not None]
SHOWN = [page.path for page in SIGNED if page.show is not None]


def address(path: str, request: str = "demande", patient: str = "patient") -> str:
    """An address of the table with its parts filled in."""
    filled = path.replace("/demandes/{id}", f"/demandes/{request}").replace("/patients/{id}", f"/patients/{patient}")
    return re.sub(r"\{\w+\}", "inconnu", filled)


@pytest.mark.parametrize("path", SHOWN)
async def test_without_a_session_one_signs_in_and_comes_back(portal: Portal, path: str) -> None:
    page = await portal.stranger().open(address(path))
    assert page.status_code == 303
    assert page.headers["location"] == f"/connexion?suite={address(path)}"


@pytest.mark.parametrize("path", ACTS)
async def test_a_post_without_our_mark_does_nothing(portal: Portal, path: str) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    for form in ({}, {"csrf": "inventé"}):
        answer = await doctor.http.post(address(path), data=form)
        assert answer.status_code == 403
        assert "n’est plus celui de votre séance" in answer.text
    assert (await doctor.open("/demandes")).status_code == 200  # signing out did not happen either


async def test_another_persons_mark_is_not_ours(portal: Portal) -> None:
    vasseur, lebrun = await portal.doctor(VASSEUR, "VASSEUR"), await portal.doctor(LEBRUN, "LEBRUN")
    request, _ = await portal.handed_over()
    page = await lebrun.open(f"/demandes/{request}")
    mark = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert mark is not None
    answer = await vasseur.http.post(f"/demandes/{request}/accepter", data={"csrf": mark[1]})
    assert answer.status_code == 403


async def test_the_local_door_wants_the_mark_of_this_browser(portal: Portal) -> None:
    page = await portal.stranger().open("/connexion")
    mark = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert mark is not None
    stranger = portal.stranger()
    form = {"csrf": mark[1], "identifiant": "12345", "secret": "inventé"}
    answer = await stranger.http.post("/connexion", data=form)
    assert answer.status_code == 403


async def test_a_session_that_ended_leads_back_to_the_same_place(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    request, _ = await portal.handed_over()
    await doctor.open(f"/demandes/{request}")
    portal.clock.advance(timedelta(minutes=31))
    page = await doctor.open(f"/demandes/{request}?fiche=1")
    assert page.headers["location"] == f"/connexion?suite=/demandes/{request}%3Ffiche%3D1"
    page = await doctor.open(page.headers["location"])
    assert "Votre séance s’est fermée" in doctor.words
    assert f'name="suite" value="/demandes/{request}?fiche=1"' in page.text
    answer = await doctor.http.post(f"/demandes/{request}/accepter", data={"csrf": "x"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/connexion?suite=/demandes/{request}/accepter"


async def test_an_act_shown_by_its_address_alone_shows_its_parent(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    page = await doctor.open("/demandes/abc/accepter")
    assert (page.status_code, page.headers["location"]) == (303, "/demandes/abc")


async def test_a_polling_page_does_not_keep_a_session_alive(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    for _ in range(4):
        portal.clock.advance(timedelta(minutes=9))
        polled = await doctor.http.get("/demandes", headers={"HX-Request": "true"})
    assert polled.status_code == 401
    assert polled.headers["hx-redirect"] == "/connexion?suite=/demandes"


@pytest.fixture
async def everything(portal: Portal) -> list[tuple[Browser, str]]:
    """Every page that exists, for somebody who sees it."""
    doctor, operator = await portal.doctor(VASSEUR, "VASSEUR"), await portal.staff("operator")
    request, patient = await portal.handed_over()
    await doctor.open(f"/demandes/{request}")
    outline = doctor.page
    assert outline is not None
    await doctor.submit("/accepter")
    await doctor.submit("/rendez-vous", mode="cabinet", quand="texte", texte="entre deux patients")
    await doctor.open(f"/patients/{patient}")
    await doctor.submit("/notes", texte="Une note.", type="OBS")
    seen: list[tuple[Browser, str]] = [
        (portal.stranger(), page.path) for page in OPEN if page.show is not None and "{" not in page.path
    ]
    seen += [(doctor, address(path, request, patient)) for path in SHOWN if "/notes/" not in path]
    seen += [(operator, address(path, request, patient)) for path in SHOWN]
    seen += [(operator, f"/supervision?fiche={request}"), (operator, "/supervision?etat=sans-reponse&q=rien")]
    return seen


async def test_no_page_breaks_the_policy_nor_names_anybody_in_its_title(everything: list[tuple[Browser, str]]) -> None:
    shown = 0
    for browser, path in everything:
        page = await browser.open(path)
        assert page.status_code < 500 or path == "/connexion/psc/depart", path  # the issuer of this house is silent
        assert page.headers["content-security-policy"] == POLICY
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        if not page.headers.get("content-type", "").startswith("text/html") or page.status_code >= 300:
            continue
        shown += 1
        text = page.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert "<style" not in text and not re.search(r"\sstyle=", text), path
        assert not re.search(r"\son\w+=", text) and "hx-on" not in text and "hx-boost" not in text, path
        # A link that a person follows fetches nothing.
        leads = re.sub(r'<a href="https://[^"]*" rel="external noreferrer">', "<a>", text)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', leads), path
        title = re.search(r"<title>(.*?)</title>", text, re.S)
        assert title is not None and CANARY not in title[1], path
        assert text.count("<h1") == 1, path
        assert CANARY not in page.headers.get("set-cookie", ""), path
    assert shown > 30


async def test_a_page_with_forms_marks_each_of_them(everything: list[tuple[Browser, str]]) -> None:
    for browser, path in everything:
        page = await browser.open(path)
        for form in re.findall(r"<form\b.*?</form>", page.text, re.S):
            assert 'method="get"' in form or 'name="csrf"' in form, (path, form[:200])


async def test_unknown_addresses_and_methods(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    assert (await doctor.open("/nulle-part")).status_code == 404
    assert "Cette page n’existe pas" in doctor.words
    assert (await doctor.http.delete("/demandes")).status_code == 405


async def test_a_bug_of_ours_is_told_with_a_reference(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("détail-du-bogue")

    monkeypatch.setattr("hub.web.reads.outlines.waiting", broken)
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    page = await doctor.open("/demandes")
    assert page.status_code == 500
    assert re.search(r"donnez la référence \w{4}-\w{2}", doctor.words)
    assert "détail-du-bogue" not in page.text
    assert page.headers["content-security-policy"] == POLICY


async def test_static_files_are_kept_by_their_mark(portal: Portal) -> None:
    stranger = portal.stranger()
    page = await stranger.open("/connexion")
    style = re.search(r'href="(/static/colibri\.css\?v=\w+)"', page.text)
    assert style is not None
    kept = await stranger.http.get(style[1])
    assert (kept.status_code, kept.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert kept.headers["content-encoding"] == "gzip"
    assert (await stranger.http.get("/static/colibri.css")).headers["cache-control"] == "public, max-age=300"


def test_every_address_is_in_the_table_once() -> None:
    paths = [page.path for page in (*SIGNED, *WITHOUT_CAPACITY, *OPEN)]
    assert len(paths) == len(set(paths))
    assert all(Route(path, lambda request: None) for path in paths)
