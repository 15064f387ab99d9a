"""What a night may bring to the directory twin, and how its files may leave (rpps specification 2, 5, 10.3, 15)."""

import io
import ssl
import zipfile

import httpx
import pytest

from sandbox.app import compose, home
from sandbox.rpps import API_KEY, RppsTwin, extraction
from sandbox.rpps.days import Directory
from sandbox.rpps.publication import NAMED
from sandbox.servers import listening

DIRECTORY = "/annuaire-sante-webservices/V300/services/extraction/PS_LibreAcces"
MAILBOXES = "/annuaire-sante-webservices/V300/services/extraction/Extraction_Correspondance_MSSante"


@pytest.fixture
def twin(world):
    return RppsTwin(world)


@pytest.fixture
async def http(twin, client_for):
    async with client_for(twin.app) as client:
        yield client


def structures(directory: Directory) -> dict[str, set[object]]:
    found: dict[str, set[object]] = {}
    for person in directory.people.values():
        for exercise in person.exercises:
            for activity in exercise.activities:
                found.setdefault(activity.structure.structure_id, set()).add(activity.structure)
    return found


async def test_a_structure_is_the_same_for_all_who_work_there_night_after_night(twin) -> None:
    for _ in range(7):
        directory = twin.next_day().directory
        told_twice = {key for key, printed in structures(directory).items() if key and len(printed) > 1}
        assert told_twice == set(), directory.day


async def test_each_third_night_a_structure_touches_all_who_work_there(twin) -> None:
    second, third = twin.next_day(2).directory, twin.next_day().directory
    touched = third.since.through_structure
    assert not second.since.through_structure and touched
    for id in touched:
        assert extraction.activity_rows(third.people[id]) != extraction.activity_rows(second.people[id])


async def test_whoever_is_not_named_has_not_changed(twin) -> None:
    before = twin.current().directory
    for _ in range(4):
        after = twin.next_day().directory
        named = {id for people in after.since.shown().values() for id in people}
        assert {
            id for id in before.people.keys() & after.people.keys() if before.people[id] != after.people[id]
        } <= named
        before = after


async def addresses(http: httpx.AsyncClient) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO((await http.get(MAILBOXES)).content)) as archive:
        (name,) = archive.namelist()
        return [line.split("|") for line in archive.read(name).decode().split("\n")[1:-1]]


async def test_mailboxes_come_and_go(http, twin) -> None:
    before = {row[1] for row in await addresses(http)}
    directory = twin.next_day().directory
    after = {row[1] for row in await addresses(http)}
    opened = {directory.people[id].mailbox for id in directory.since.mailbox_opened}
    assert opened <= after - before and len(opened) == 3
    assert len(before - after) >= len(directory.since.mailbox_closed) == 3


async def test_a_mailbox_hangs_on_a_person_on_an_activity_or_on_both(http) -> None:
    personal = [row for row in await addresses(http) if row[0] == "PER"]
    attached: dict[str, set[bool]] = {}
    for row in personal:
        attached.setdefault(row[1], set()).add(bool(row[6]))
    assert {frozenset(kinds) for kinds in attached.values()} == {
        frozenset({False}),
        frozenset({True}),
        frozenset({True, False}),
    }


async def test_no_publication_for_some_days(http, twin, world) -> None:
    first = (await http.head(DIRECTORY)).headers["content-disposition"]
    twin.faults.set("no-publication", times=0, value="2")
    for _ in range(2):
        world.clock.advance(86400)
        assert (await http.head(DIRECTORY)).headers["content-disposition"] == first
    world.clock.advance(86400)
    assert (await http.head(DIRECTORY)).headers["content-disposition"] > first
    assert twin.current().directory.day == 3
    assert twin.faults.active() == []


async def test_a_label_may_change_everywhere_in_one_night(http, twin) -> None:
    twin.faults.set("label-renamed", value="Libéral=Indépendant")
    with zipfile.ZipFile(io.BytesIO((await http.get(DIRECTORY)).content)) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    assert "|L|Libéral|" not in text and text.count("|L|Indépendant|") > 1000


async def test_a_part_of_the_file_is_only_sent_by_a_server_that_can(http, twin) -> None:
    whole = (await http.get(DIRECTORY)).content
    ignored = await http.get(DIRECTORY, headers={"Range": "bytes=100-"})
    assert (ignored.status_code, ignored.content) == (200, whole)
    assert "accept-ranges" not in (await http.head(DIRECTORY)).headers
    twin.faults.set("ranges")
    tag = (await http.head(DIRECTORY)).headers["etag"]
    rest = await http.get(DIRECTORY, headers={"Range": "bytes=100-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert rest.headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert (await http.get(DIRECTORY, headers={"Range": "bytes=5-9"})).content == whole[5:10]
    assert (await http.get(DIRECTORY, headers={"Range": f"bytes={len(whole)}-"})).status_code == 416
    twin.next_day()
    other = await http.get(DIRECTORY, headers={"Range": "bytes=100-", "If-Range": tag})
    assert other.status_code == 200


async def test_a_file_drop_by_drop_arrives_whole(http, twin) -> None:
    whole = (await http.get(DIRECTORY)).content
    twin.faults.set("drip", seconds=0.1)
    assert (await http.get(DIRECTORY)).content == whole


async def test_over_the_wire_a_cut_download_may_be_resumed_and_an_expired_certificate_is_refused(open_world) -> None:
    twin = RppsTwin(open_world)
    trust = ssl.create_default_context(cafile=str(open_world.certificates.authority))
    url = open_world.settings.url("rpps") + DIRECTORY
    async with listening(twin.listeners(), open_world):
        async with httpx.AsyncClient(verify=trust) as client:
            whole = (await client.get(url)).content
            twin.faults.set("cut-midway")
            twin.faults.set("ranges")
            begun = b""
            with pytest.raises(httpx.TransportError):
                async with client.stream("GET", url) as answer:
                    async for piece in answer.aiter_raw():
                        begun += piece
            assert 0 < len(begun) < len(whole)
            rest = await client.get(url, headers={"Range": f"bytes={len(begun)}-"})
            assert begun + rest.content == whole
        twin.faults.set("expired-certificate")
        async with httpx.AsyncClient(verify=trust) as client:
            with pytest.raises(httpx.ConnectError, match="expired"):
                await client.head(url)
            assert (await client.head(url)).status_code == 200


@pytest.fixture
async def visitor(world, client_for):
    house = compose(world, {})
    async with client_for(home(house), base_url="http://localhost:8100") as client:
        yield client


async def test_the_page_shows_the_night_and_whom_it_knows(visitor) -> None:
    first = (await visitor.get("/annuaire")).text
    assert "Jour 0" in first and "premier jour" in first and API_KEY in first
    for kind in NAMED:
        assert f"<code>{kind}</code>" in first, kind
    pressed = await visitor.post("/annuaire/lendemain", data={"jours": "3"})
    assert pressed.status_code == 303
    third = (await visitor.get(pressed.headers["location"])).text
    assert "Jour 3" in third and "passé au lendemain" in third and "touchés par un changement" in third
    assert "899700999909" in (await visitor.get("/annuaire", params={"q": "vasseur"})).text
    assert "Personne aujourd’hui" in (await visitor.get("/annuaire", params={"q": "personne-du-tout"})).text
    for days in ("0", "31", "demain"):
        assert (await visitor.post("/annuaire/lendemain", data={"jours": days})).status_code == 422


async def test_side_doors_tell_days_and_persons(visitor) -> None:
    told = (await visitor.post("/twins/rpps/next-day?days=2")).json()
    assert told["day"] == 2
    assert (await visitor.post("/twins/rpps/next-day?days=0")).status_code == 422
    left = told["changes"]["removed"][0]
    assert (await visitor.get(f"/twins/rpps/people/{left}")).status_code == 404
    person = (await visitor.get("/twins/rpps/people/899700999909")).json()
    assert [row["family"] for row in person["rows"]] == ["VASSEUR"]
    odd = (await visitor.get("/twins/rpps/oddities")).json()
    assert odd["psychologist, code 93"].startswith("89973")
