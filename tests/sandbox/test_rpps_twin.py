"""The directory twin: files in their exact form, oddities, days, faults (rpps specification 2 to 7, 15)."""

import io
import re
import ssl
import zipfile
from collections import Counter

import httpx
import pytest

from sandbox.psc import people
from sandbox.rpps import RppsTwin, columns, oddities, signed_in
from sandbox.rpps.model import luhn_key
from sandbox.rpps.publication import LASTING, NAMED
from sandbox.servers import listening

PREFIX = "/annuaire-sante-webservices/V300/services/extraction/"
DIRECTORY, MAILBOXES = PREFIX + "PS_LibreAcces", PREFIX + "Extraction_Correspondance_MSSante"
ACTIVITY = "PS_LibreAcces_Personne_activite"
MINUTES = r"\d{12}"
NATIONAL_ID, SKILL, MODE, STRUCTURE, COMMUNE = 2, 15, 17, 23, 36
VASSEUR, MARCHAND, NGUYEN, OLIVIER = "899700999909", "899700999925", "899700950043", "899700950050"
FOUR_CPTS = {
    "boucles-oise": {"95127", "95500", "95572", "95218", "95476", "95450", "95637", "95323"},
    "vexin": {"95370", "95355", "95078", "95142"},
    "parisis": {"95203", "95210", "95219", "95252"},
    "plaine": {"95018", "95063", "95176"},
}


@pytest.fixture
def twin(world):
    return RppsTwin(world)


@pytest.fixture
async def http(twin, client_for):
    async with client_for(twin.app) as client:
        yield client


def unpack(answer: httpx.Response) -> dict[str, bytes]:
    """Members by their prefix."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {re.sub(rf"_{MINUTES}\.txt$", "", name): archive.read(name) for name in archive.namelist()}


def rows(member: bytes) -> list[list[str]]:
    """Only LF ends a row, the pipe separates, nothing is quoted."""
    lines = member.decode("utf-8").split("\n")
    assert lines.pop() == ""
    return [line.split("|") for line in lines]


async def activities(http: httpx.AsyncClient) -> list[list[str]]:
    return rows(unpack(await http.get(DIRECTORY))[ACTIVITY])


def of(table: list[list[str]], person: str) -> list[list[str]]:
    return [row for row in table if row[NATIONAL_ID] == person]


def test_luhn_key_of_published_numbers() -> None:
    for number in ("99700999909", "10000000017", "12345678200010", "259990018", "35600000000048"):
        assert luhn_key(number[:-1]) == number[-1]
    assert luhn_key("1000346103") != "3"


async def test_head_tells_the_date_without_the_file(http, twin) -> None:
    head, get = await http.head(DIRECTORY), await http.get(DIRECTORY)
    name = head.headers["content-disposition"]
    assert re.fullmatch(rf"attachment; filename=PS_LibreAcces_{MINUTES}\.zip", name)
    assert get.headers["content-disposition"] == name
    assert (head.content, head.headers["content-length"]) == (b"", str(len(get.content)))
    assert [entry.accepted for entry in twin.world.journal.entries("rpps")] == [True, True]


async def test_the_zip_holds_three_members_with_a_stamp_of_their_own(http) -> None:
    answer = await http.get(DIRECTORY)
    stamp = re.search(MINUTES, answer.headers["content-disposition"])[0]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    stamps = {re.search(rf"_({MINUTES})\.txt$", name)[1] for name in names}
    assert [re.sub(rf"_{MINUTES}\.txt$", "", name) for name in names] == [
        "PS_LibreAcces_Personne_activite",
        "PS_LibreAcces_SavoirFaire",
        "PS_LibreAcces_Dipl_AutExerc",
    ]
    assert len(stamps) == 1 and stamp not in stamps


async def test_columns_are_those_published(http) -> None:
    members = {**unpack(await http.get(DIRECTORY)), **unpack(await http.get(MAILBOXES))}
    widths = {name: {len(row) for row in rows(member)} for name, member in members.items()}
    assert widths == {
        "PS_LibreAcces_Personne_activite": {56},
        "PS_LibreAcces_SavoirFaire": {13},
        "PS_LibreAcces_Dipl_AutExerc": {13},
        "Extraction_Correspondance_MSSante": {31},
    }
    header = rows(members[ACTIVITY])[0]
    expected = {
        0: "Type d'identifiant PP",
        2: "Identification nationale PP",
        17: "Code mode exercice",
        23: "Identifiant technique de la structure",
        36: "Code commune (coord. structure)",
        46: "Ancien identifiant de la structure",
        55: "Libellé genre activité",
    }
    assert {place: header[place] for place in expected} == expected
    assert [title for _, title in columns.ACTIVITY] == header
    assert all(b"\r\n" not in member and not member.startswith(b"\xef\xbb\xbf") for member in members.values())


async def test_a_department_of_invented_people(http) -> None:
    table = (await activities(http))[1:]
    persons = {row[NATIONAL_ID]: row for row in table}
    assert len(persons) > 3000
    rpps = [row for row in persons.values() if row[0] == "8"]
    assert all(re.fullmatch(r"997\d{8}", row[1]) for row in rpps)
    wrong = [row[1] for row in rpps if luhn_key(row[1][:-1]) != row[1][-1]]
    assert 2 <= len(wrong) <= 10
    places = [row for row in table if row[COMMUNE].startswith("95")]
    assert len(places) > 0.85 * len([row for row in table if row[STRUCTURE]])
    shares = Counter(row[9] for row in persons.values())
    assert shares["60"] > shares["10"] > shares["70"] > shares["40"] > shares["50"] > 0


@pytest.mark.parametrize("cpts", FOUR_CPTS)
async def test_each_cpts_has_doctors_to_ask(http, cpts: str) -> None:
    doctors = {
        row[NATIONAL_ID]
        for row in (await activities(http))[1:]
        if row[9] == "10" and row[SKILL] in ("SM26", "SM53", "SM54") and row[COMMUNE] in FOUR_CPTS[cpts]
    }
    assert len(doctors) >= 5


async def test_those_who_sign_in_are_there_with_the_same_activities(http) -> None:
    table = await activities(http)
    for person in people.load().values():
        expected = [
            (exercise.profession, activity.structure.technical_id, activity.mode)
            for exercise in person.exercises
            for activity in exercise.activities
            if person.id[0] in "08"
        ]
        found = [(row[9], row[STRUCTURE], row[MODE]) for row in of(table, person.id) if row[MODE]]
        assert sorted(found) == sorted(expected), person.label
    assert of(table, VASSEUR)[0][36:38] == ["95127", "CERGY"]
    assert {row[9] for row in of(table, NGUYEN)} == {"60", "10"}
    assert len(of(table, MARCHAND)) == 2


async def test_a_person_without_activity_keeps_one_row(http) -> None:
    (row,) = of(await activities(http), OLIVIER)
    assert row[13:16] == ["S", "Spécialité ordinale", "SM54"]
    assert set(row[17:]) == {""}


async def test_every_oddity_is_in_the_files(http) -> None:
    member = unpack(await http.get(DIRECTORY))[ACTIVITY]
    table = rows(member)
    for name, person in oddities.ODDITIES.items():
        assert of(table, person.national_id), name
    rank = {name: of(table, person.national_id) for name, person in oddities.ODDITIES.items()}
    twice = rank["exact duplicate rows"]
    assert len(twice) == 2 and twice[0] == twice[1]
    assert rank["lone quote first"][0][24].startswith('"')
    assert len(member.decode().splitlines()) > len(table)  # the trap of cutting elsewhere than at LF
    assert rank["national identifier that is not type + number"][0][0:3] != ["8", "", ""]
    odd = rank["national identifier that is not type + number"][0]
    assert odd[2] != odd[0] + odd[1]
    assert rank["article thrown back in the post office"][0][34] == "95290 ISLE ADAM (L')"
    assert len({row[15] for row in rank["one row per skill"]}) == 3
    assert len({row[7] for row in rank["two professions, two names"]}) == 2
    assert rank["code without label"][0][9:11] == ["60", ""]
    assert rank["label without code"][0][52:54] == ["", "Titulaire de cabinet"]


async def test_skills_and_degrees_follow_the_persons(http) -> None:
    members = unpack(await http.get(DIRECTORY))
    known = {row[NATIONAL_ID] for row in rows(members[ACTIVITY])}
    skills = rows(members["PS_LibreAcces_SavoirFaire"])[1:]
    assert {row[NATIONAL_ID] for row in skills} <= known
    assert {row[9] for row in skills} >= {"S", "CAPA", "C"}
    assert all(row[10] and row[12] for row in skills)
    degrees = rows(members["PS_LibreAcces_Dipl_AutExerc"])[1:]
    assert all(bool(row[7]) != bool(row[9]) for row in degrees)
    assert {row[NATIONAL_ID] for row in degrees} - known


async def test_mailboxes_are_of_persons_or_of_structures(http) -> None:
    table = rows(unpack(await http.get(MAILBOXES))["Extraction_Correspondance_MSSante"])[1:]
    kinds = Counter(row[0] for row in table)
    assert kinds["PER"] > kinds["ORG"] > 50 and set(kinds) == {"PER", "ORG"}
    assert all(bool(row[4]) == (row[0] == "PER") for row in table)
    addresses = Counter(row[1].lower() for row in table)
    assert max(addresses.values()) == 2
    assert all(address.endswith(".mssante.example") for address in addresses)


async def test_the_same_day_is_the_same_file_on_every_machine(http, world, client_for) -> None:
    first = await http.get(DIRECTORY)
    async with client_for(RppsTwin(world).app) as other:
        assert (await other.get(DIRECTORY)).content == first.content


async def test_next_day_tells_what_moved(http, twin) -> None:
    before = await http.get(DIRECTORY)
    old = rows(unpack(before)[ACTIVITY])[1:]
    tomorrow = twin.next_day()
    after = await http.get(DIRECTORY)
    assert after.headers["content-disposition"] > before.headers["content-disposition"]
    new, told = rows(unpack(after)[ACTIVITY])[1:], tomorrow.directory.since
    there, gone = {row[NATIONAL_ID] for row in new}, {row[NATIONAL_ID] for row in old}
    assert there - gone == set(told.added) and len(told.added) > 3
    assert gone - there == set(told.removed) | set(told.forgotten)
    for person in told.moved:
        assert {row[STRUCTURE] for row in of(old, person)} != {row[STRUCTURE] for row in of(new, person)}
    for person in told.ended:
        assert {row[MODE] for row in of(new, person)} == {""}
    assert signed_in.ENDS_NEXT_DAY in told.ended
    differ = {tuple(row)[2] for row in {tuple(row) for row in old} ^ {tuple(row) for row in new}}
    touched = {*told.added, *told.changed, *told.moved, *told.ended, *told.removed, *told.forgotten}
    assert not told.through_structure
    assert differ == touched
    assert [row for row in old if row[2] not in touched] != [row for row in new if row[2] not in touched]  # other order


async def test_the_forgotten_come_back(twin) -> None:
    first = twin.next_day().directory
    second = twin.next_day().directory
    assert set(first.since.forgotten) == set(second.since.returned) <= set(second.people)
    assert signed_in.ENDS_NEXT_DAY not in second.since.ended


async def test_the_clock_publishes_each_day(http, twin, world) -> None:
    first = await http.head(DIRECTORY)
    world.clock.advance(3600 * 24)
    second = await http.head(DIRECTORY)
    assert second.headers["content-disposition"] > first.headers["content-disposition"]
    assert twin.current().directory.day == 1
    twin.faults.set("no-publication", times=0)
    world.clock.advance(3600 * 72)
    held = await http.head(DIRECTORY)
    assert held.headers["content-disposition"] == second.headers["content-disposition"]
    twin.faults.clear()
    assert (await http.head(DIRECTORY)).headers["content-disposition"] > held.headers["content-disposition"]
    assert twin.current().directory.day == 4


async def spoiled(http: httpx.AsyncClient, twin: RppsTwin, kind: str, value: str = "") -> httpx.Response:
    twin.faults.set(kind, times=1, value=value)
    return await http.get(DIRECTORY)


async def test_faults_spoil_one_download_and_no_more(http, twin) -> None:
    clean = await http.get(DIRECTORY)
    for kind in NAMED:
        if kind in (*LASTING, "bomb", "cut-midway", "drip"):
            continue
        assert (await spoiled(http, twin, kind)).content != clean.content, kind
        assert (await http.get(DIRECTORY)).content == clean.content, kind


async def test_a_head_uses_up_no_fault(http, twin) -> None:
    twin.faults.set("half", times=1)
    await http.head(DIRECTORY)
    assert [fault.kind for fault in twin.faults.active()] == ["half"]


async def test_what_the_faults_look_like(http, twin) -> None:
    whole = await activities(http)
    with pytest.raises(zipfile.BadZipFile):
        unpack(await spoiled(http, twin, "truncated"))
    assert ACTIVITY not in unpack(await spoiled(http, twin, "member-missing"))
    narrow = rows(unpack(await spoiled(http, twin, "column-missing"))[ACTIVITY])
    assert "Code commune (coord. structure)" not in narrow[0] and {len(row) for row in narrow} == {55}
    renamed = rows(unpack(await spoiled(http, twin, "column-renamed"))[ACTIVITY])
    assert renamed[0][53] == "Libellé fonction" and renamed[1:] == whole[1:]
    wide = rows(unpack(await spoiled(http, twin, "column-extra"))[ACTIVITY])
    assert wide[0][56] == "Colonne nouvelle" and {len(row) for row in wide} == {57}
    piped = rows(unpack(await spoiled(http, twin, "trailing-pipe"))[ACTIVITY])
    assert {row[56] for row in piped} == {""} and [row[:56] for row in piped] == whole
    assert len(rows(unpack(await spoiled(http, twin, "half"))[ACTIVITY])) == (len(whole) - 1) // 2 + 1
    broken = rows(unpack(await spoiled(http, twin, "broken-lines"))[ACTIVITY])
    assert Counter(len(row) for row in broken)[8] == 3
    assert unpack(await spoiled(http, twin, "bom"))[ACTIVITY].startswith(b"\xef\xbb\xbfType")
    carried = unpack(await spoiled(http, twin, "crlf"))[ACTIVITY]
    assert carried.count(b"\r\n") == carried.count(b"\n") == len(whole)
    with pytest.raises(UnicodeDecodeError):
        unpack(await spoiled(http, twin, "latin-1"))[ACTIVITY].decode("utf-8")


async def test_a_bomb_is_small_on_the_wire(http, twin) -> None:
    answer = await spoiled(http, twin, "bomb")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    assert largest.file_size > 100 * len(answer.content)


async def test_stable_addresses_redirect_to_a_dated_copy(http, twin) -> None:
    stable = "/api/1/datasets/r/fffda7e9-0ea2-4c35-bba0-4496f3af935d"
    redirect = await http.get(stable)
    dated = redirect.headers["location"]
    assert redirect.status_code == 302
    copy = await http.get(dated)
    assert copy.content == unpack(await http.get(DIRECTORY))[ACTIVITY]
    twin.next_day()
    assert (await http.get(dated)).status_code == 404
    assert (await http.get(stable)).headers["location"] != dated


async def test_unknown_addresses(http, twin) -> None:
    assert (await http.get(PREFIX + "PS_LibreAcces.zip")).status_code == 404
    assert (await http.get("/api/1/datasets/r/0")).status_code == 404
    assert (await http.post(DIRECTORY)).status_code == 405
    assert not any(entry.accepted for entry in twin.world.journal.entries("rpps"))


async def test_a_secret_sent_to_a_public_file_is_noticed(http, twin) -> None:
    await http.get(DIRECTORY, headers={"Authorization": "Bearer x"})
    (entry,) = twin.world.journal.entries("rpps")
    assert [check.passed for check in entry.checks] == [False, True]
    assert entry.facts["stamp"] and entry.facts["sha256"]
    assert entry.request.startswith(f"GET {DIRECTORY} HTTP/1.1\n")


async def test_side_doors(twin, client_for) -> None:
    from fastapi import FastAPI

    home = FastAPI()
    home.include_router(twin.side, prefix="/twins/rpps")
    async with client_for(home) as side:
        today = (await side.get("/twins/rpps/day")).json()
        tomorrow = (await side.post("/twins/rpps/next-day")).json()
    assert (today["day"], tomorrow["day"]) == (0, 1)
    assert today["changes"]["added"] == [] and tomorrow["changes"]["added"]
    assert tomorrow["name"] == f"PS_LibreAcces_{tomorrow['stamp']}.zip"


async def test_reset_goes_back_to_the_first_day(http, twin) -> None:
    first = (await http.get(DIRECTORY)).content
    twin.next_day()
    twin.reset()
    assert (await http.get(DIRECTORY)).content == first
    assert len(twin.world.journal.entries("rpps")) == 1


async def test_over_the_wire_only_with_the_sandbox_root(open_world) -> None:
    twin = RppsTwin(open_world)
    url = open_world.settings.url("rpps") + DIRECTORY
    trusted = ssl.create_default_context(cafile=str(open_world.certificates.authority))
    async with listening(twin.listeners(), open_world):
        async with httpx.AsyncClient(verify=trusted) as client:
            head, get = await client.head(url), await client.get(url)
        async with httpx.AsyncClient() as stranger:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.head(url)
    assert head.headers["content-disposition"] == get.headers["content-disposition"]
    assert len(rows(unpack(get)[ACTIVITY])) > 3000
