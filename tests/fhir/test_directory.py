"""The national directory at the FHIR door: read only, beside what clients made (rpps.md 11.4 to 11.6, 13)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.domain.people import Viewer
from hub.r4 import elements, names, validation
from hub.storage import resources
from tests.connectors.rpps.lists import serve
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, HOSPITAL, NURSE, OLD, crowd
from tests.fhir.conftest import JSON_TYPE, PATCH_TYPE, Face, issue
from tests.workflows.conftest import SAS

HELENE = "899700999909"
SYSTEM = "https://hub.example.org/fhir/CodeSystem/directory-load"
TWO = {
    **DOCTOR,
    "profession_code": "60",
    "profession": "Infirmier",
    "skill_code": "",
    "skill_type_code": "",
    "role_code": "FON-33",
}
NO_KEY = {
    **DOCTOR,
    "structure_id": "",
    "structure_national_id": "",
    "structure_name": "SANS NUMÉRO",
    "role_code": "FON-05",
}


@pytest.fixture
async def served(face: Face, tmp_path: Path) -> Face:
    await serve(face.database, tmp_path, [*EVERYBODY, TWO, NO_KEY])
    return face


async def get(face: Face, path: str, **headers: str) -> Any:
    answer = await face.http.get(f"/fhir/{path}", headers={**face.token(SAS, "system/*.rs"), **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()


def matches(bundle: dict[str, Any], mode: str = "match") -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def family(resource: dict[str, Any]) -> str:
    return str(resource["name"][0]["family"])


async def test_a_practitioner_whole(served: Face) -> None:
    bundle = await get(served, f"Practitioner?identifier={names.IDNPS}|{HELENE}&qualification-code=10")
    (one,) = matches(bundle)
    assert bundle["total"] == 1
    assert one["meta"]["profile"] == [
        "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-practitioner",
        "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-practitioner",
    ]
    assert one["meta"]["source"] == names.base()
    assert [(tag["system"], tag["code"]) for tag in one["meta"]["tag"]] == [(SYSTEM, "202611160911")]
    assert one["name"] == [
        {"use": "usual", "family": "LEFÈVRE-D'ARC", "given": ["Anne-Sophie"], "prefix": ["MME"], "suffix": ["DR"]}
    ]
    assert elements.identifier(one, names.RPPS) == "99700999909"
    codes = [{coding["code"]: coding["display"] for coding in part["code"]["coding"]} for part in one["qualification"]]
    assert codes == [
        {"10": "Médecin", "C": "Civil"},
        {"CAPA": "Capacité", "CAPA06": "Gérontologie (CAPA)"},
        {"S": "Spécialité ordinale", "SM54": "Médecine générale (SM)"},
    ]
    (mailbox,) = one["telecom"]
    assert (mailbox["system"], mailbox["value"]) == ("email", "anne-sophie.lefevre@medecin.mssante.example")
    assert mailbox["extension"][0]["valueCoding"]["code"] == "MSSANTE"
    (granted,) = one["extension"]
    assert granted["url"].endswith("/as-ext-practitioner-authorization")
    assert granted["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "AM01"


async def test_two_professions_are_two_practitioners(served: Face) -> None:
    found = matches(await get(served, f"Practitioner?identifier=|{HELENE[1:]}"))
    assert [one["qualification"][0]["code"]["coding"][0]["code"] for one in found] == ["10", "60"]
    assert len({one["id"] for one in found}) == 2


async def test_a_diploma_of_another_table_and_a_person_without_activity(served: Face) -> None:
    (nurse,) = matches(await get(served, f"Practitioner?identifier={NURSE['national_id']}"))
    words = [part["code"] for part in nurse["qualification"][1:]]
    assert words[0]["coding"][1]["code"] == "DE09"
    assert words[1] == {"coding": [{**words[1]["coding"][0], "code": "DU"}], "text": "DU Plaies"}
    assert matches(await get(served, f"PractitionerRole?practitioner.identifier={NURSE['national_id']}")) == []
    (old,) = matches(await get(served, "Practitioner?family=oeuvrard"))
    assert len(old["meta"]["profile"]) == 1  # no RPPS number: not as-dp
    assert elements.identifier(old, names.RPPS) is None


async def test_activities_with_who_and_where(served: Face) -> None:
    who, where = (f"_include=PractitionerRole:{one}" for one in ("practitioner", "organization"))
    bundle = await get(served, f"PractitionerRole?practitioner.identifier={HELENE}&{who}&{where}")
    roles, around = matches(bundle), matches(bundle, "include")
    assert bundle["total"] == len(roles) == 4
    local = {f"{one['resourceType']}/{one['id']}" for one in around}
    assert {one["practitioner"]["reference"] for one in roles} | {
        one["organization"]["reference"] for one in roles
    } == local
    hospital = next(one for one in roles if one["organization"]["display"] == "CH INVENTE")
    codes = {coding["code"] for part in hospital["code"] for coding in part["coding"]}
    assert codes == {"GENR01", "S", "FON-33"}
    assert [part["coding"][0]["code"] for part in hospital["specialty"]] == ["SM54"]
    assert [part["value"] for part in hospital["telecom"]] == ["as.lefevre@ch.mssante.example"]
    assert hospital["practitioner"]["display"] == "Anne-Sophie LEFÈVRE-D'ARC"


async def test_a_structure_whole(served: Face) -> None:
    (one,) = matches(await get(served, "Organization?identifier=https://finess.esante.gouv.fr|259990018"))
    values = {part["type"]["coding"][0]["code"]: part["value"] for part in one["identifier"]}
    assert values == {"IDNST": "1259990018", "FINEG": "259990018", "INTRN": "F259990018"}
    assert one["partOf"]["identifier"]["value"] == "259990026"
    assert one["type"][0]["coding"][0]["code"] == "SA01"
    assert one["type"][0]["extension"][0]["valueCode"] == "secteurActiviteRASS"
    (address,) = one["address"]
    assert address["line"] == ["12 Rue DU DEVOIR CS 10000", "95011 CERGY PONTOISE CEDEX"]
    parts = {part["url"].rpartition("-")[2]: part["valueString"] for part in address["_line"][0]["extension"]}
    assert parts == {"houseNumber": "12", "streetNameType": "R", "streetNameBase": "DU DEVOIR", "postBox": "CS 10000"}
    assert (address["postalCode"], address["city"], address["extension"][0]["valueCoding"]["code"]) == (
        "95011",
        "Cergy",
        "95127",
    )
    assert [(part["system"], part["value"]) for part in one["telecom"]] == [
        ("phone", "0199000001"), ("email", "secretariat@ch.mssante.example"),
    ]  # fmt: skip


SEARCHES = (
    ("Practitioner?family=lefevre", 2),
    ("Practitioner?name=anne", 2),
    ("Practitioner?name=arc", 0),
    ("Practitioner?family=LEFÈVRE-D'ARC&given=anne-sophie", 2),
    ("Practitioner?family:exact=Lefèvre", 0),
    ("Practitioner?family:exact=LEFÈVRE-D'ARC", 2),
    ("Practitioner?qualification-code=SM54", 1),
    ("Practitioner?qualification-code=CAPA06", 1),
    ("Practitioner?qualification-code=DE09", 1),
    ("Practitioner?qualification-code=60", 2),
    ("Practitioner?qualification-code:not=60", 2),
    ("Practitioner?active=false", 0),
    ("Practitioner?gender=female", 0),
    ("Practitioner?mailbox-mss=as.lefevre@ch.mssante.example", 2),
    ("Practitioner?_lastUpdated=ge2026-01-01", 4),
    ("Practitioner?_lastUpdated=lt2026-01-01", 0),
    (f"Practitioner?_tag={SYSTEM}|", 4),
    (f"Practitioner?_tag={SYSTEM}|202611160911", 4),
    ("PractitionerRole?organization.address-postalcode=953", 3),
    ("PractitionerRole?organization.address-postalcode=95300&role=FON-01", 1),
    ("PractitionerRole?specialty=SM54", 3),
    ("PractitionerRole?role=L", 4),
    ("PractitionerRole?practitioner.family=lefevre&organization.name=ch", 1),
    ("PractitionerRole?organization.identifier=C12345678200010", 1),
    ("Organization?name=cabinet", 2),
    ("Organization?name=sans numero", 1),
    ("Organization?address-city=pontoise", 2),
    ("Organization?address-postalcode=75011&type=SA08", 1),
    ("Organization?identifier=12345678200010", 1),
)


async def test_searches(served: Face) -> None:
    found = {asked: await get(served, asked) for asked, _ in SEARCHES}
    assert {asked: len(matches(bundle)) for asked, bundle in found.items()} == dict(SEARCHES)
    assert all(bundle["total"] == len(matches(bundle)) for bundle in found.values())


async def test_every_resource_is_read_by_its_id_and_is_right(served: Face, conformance: Path) -> None:
    for kind in ("Practitioner", "PractitionerRole", "Organization"):
        found = matches(await get(served, f"{kind}?_tag={SYSTEM}|"))
        assert found
        for one in found:
            assert await get(served, f"{kind}/{one['id']}") == one
            assert await get(served, f"{kind}/{one['id']}/_history/{one['meta']['versionId']}") == one
            assert await get(served, f"{kind}?_id={one['id']}") | {"link": 0} == {
                "resourceType": "Bundle", "type": "searchset", "total": 1, "link": 0,
                "entry": [{"fullUrl": f"https://hub.test/fhir/{kind}/{one['id']}", "resource": one, "search": {"mode": "match"}}],
            }  # fmt: skip
            assert validation.check(one) == []
            for url in one["meta"]["profile"]:
                assert list(broken(one, profile(conformance, url))) == [], url


def profile(conformance: Path, url: str) -> dict[str, Any]:
    folder = "annuaire-1.1.0" if "/annuaire/" in url else "fr-core-2.1.0"
    path = conformance / "fhir/profiles" / folder / f"StructureDefinition-{url.rpartition('/')[2]}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def broken(resource: dict[str, Any], profile: dict[str, Any]) -> Any:
    """What a published profile asks for or forbids among the elements, and their children, that have no slice of their own."""
    for element in profile["snapshot"]["element"]:
        parts = element["id"].split(".")[1:]
        if not parts or len(parts) > 2 or ":" in parts[-1] or parts[-1].endswith("[x]"):
            continue
        slice_name = parts[0].partition(":")[2]
        held = resource.get(parts[0].partition(":")[0], [])
        nodes = [resource] if len(parts) == 1 else (held if isinstance(held, list) else [held])
        if slice_name:
            continue
        for node in nodes:
            value = node.get(parts[-1]) if isinstance(node, dict) else None
            many = len(value) if isinstance(value, list) else int(value is not None)
            if many < element["min"] or (element["max"] != "*" and many > int(element["max"])):
                yield element["id"]


async def test_pages_give_both_kinds_each_once(face: Face, tmp_path: Path) -> None:
    async with face.database.transaction() as session:
        for number in range(3):
            made = {"resourceType": "Practitioner", "active": True, "name": [{"family": f"Client{number}"}]}
            await resources.create(session, Viewer.hub(), made)
    await serve(face.database, tmp_path, crowd(5))
    walked, path, totals = [], "Practitioner?_count=2&_total=accurate&active=true", set()
    while path:
        bundle = await get(face, path)
        assert len(matches(bundle)) <= 2
        walked += [family(one) for one in matches(bundle)]
        totals.add(bundle["total"])
        following = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), "")
        path = f"Practitioner?{urlsplit(following).query}" if following else ""
    assert walked == ["Client0", "Client1", "Client2", "NOMA0", "NOMB1", "NOMC2", "NOMD3", "NOME4"]
    assert totals == {8}
    only = matches(await get(face, f"Practitioner?_tag={SYSTEM}|&_count=50"))
    assert [family(one) for one in only] == walked[3:]
    counted = await get(face, "Practitioner?_summary=count")
    assert (counted["total"], matches(counted)) == (8, [])
    assert "total" not in await get(face, "Practitioner?_count=2")


async def test_what_the_directory_cannot_be_asked_is_told(served: Face) -> None:
    for asked in ("Practitioner?family:contains=arc", "Practitioner?_has:PractitionerRole:practitioner:role=L"):
        bundle = await get(served, asked)
        assert matches(bundle) == []
        (said,) = matches(bundle, "outcome")
        assert "annuaire national" in said["issue"][0]["details"]["text"]
    for wrong in (
        "Practitioner?couleur=bleu",
        "Practitioner?family=-",
        "Practitioner?_lastUpdated=hier",
        "Organization?identifier=a|b|c",
    ):
        answer = await served.http.get(f"/fhir/{wrong}", headers=served.token(SAS, "system/*.rs"))
        assert issue(answer)[0] == 400, wrong


async def test_nobody_writes_the_directory(served: Face) -> None:
    (one,) = matches(await get(served, "Practitioner?family=oeuvrard"))
    headers = {**served.token(SAS, "system/*.cruds"), **JSON_TYPE}
    path = f"/fhir/Practitioner/{one['id']}"
    for answer in (
        await served.http.put(path, content=json.dumps(one), headers=headers),
        await served.http.patch(path, content="[]", headers={**headers, "Content-Type": "application/json-patch+json"}),
        await served.http.delete(path, headers=headers),
        await served.http.post("/fhir/Practitioner", content=json.dumps(one), headers=headers),
    ):
        assert issue(answer)[:2] == (405, "not-supported")
        assert "GET" in answer.headers["Allow"]
    nothing = await served.http.get(path, headers=served.token(SAS, "system/Task.rs"))
    assert issue(nothing)[0] == 403
    assert (await served.http.get(path)).status_code == 401


async def test_ids_that_lead_nowhere(served: Face) -> None:
    (one,) = matches(await get(served, "Practitioner?family=oeuvrard"))
    for path in (
        f"Organization/{one['id']}",
        f"PractitionerRole/{one['id']}",
        f"Practitioner/{one['id'][:-1]}0",
        f"Practitioner/{one['id']}/_history/99999",
    ):
        answer = await served.http.get(f"/fhir/{path}", headers=served.token(SAS, "system/*.rs"))
        assert issue(answer)[0] == 404, path
    again = await served.http.get(
        f"/fhir/Practitioner/{one['id']}",
        headers={**served.token(SAS, "system/*.rs"), "If-None-Match": f'W/"{one["meta"]["versionId"]}"'},
    )
    assert again.status_code == 304


async def test_an_id_outlives_a_new_telephone(face: Face, tmp_path: Path) -> None:
    await serve(face.database, tmp_path, EVERYBODY)
    before = [matches(await get(face, kind)) for kind in ("Practitioner", "PractitionerRole", "Organization")]
    moved = {**HOSPITAL, "phone": "0199000099"}
    await serve(face.database, tmp_path, [moved if one is HOSPITAL else one for one in EVERYBODY], stamp="202611170911")
    after = [matches(await get(face, kind)) for kind in ("Practitioner", "PractitionerRole", "Organization")]
    assert [[one["id"] for one in kind] for kind in before] == [[one["id"] for one in kind] for kind in after]
    phones = {part["value"] for one in after[2] for part in one.get("telecom", [])}
    assert "0199000099" in phones
    (changed,) = [one for one in after[2] if one["name"] == "CH INVENTE"]
    assert changed["meta"]["tag"][0]["code"] == "202611170911"


DIRECTORY = ("Practitioner", "PractitionerRole", "Organization")


async def ids(face: Face) -> set[str]:
    """Everything that the directory serves."""
    bundles = [await get(face, f"{kind}?_count=100") for kind in DIRECTORY]
    return {f"{one['resourceType']}/{one['id']}" for bundle in bundles for one in matches(bundle)}


async def test_what_was_served_and_is_gone_is_410_and_what_never_was_is_404(served: Face, tmp_path: Path) -> None:
    first = await ids(served)
    await serve(served.database, tmp_path, [DOCTOR, NURSE, OLD], stamp="202611170911")
    left = await ids(served)
    gone = first - left
    # The second profession, the hospital, the place without a number, and the work of both professions there.
    assert sorted(one.split("/")[0] for one in gone) == [
        *("Organization", "Organization", "Practitioner"),
        *("PractitionerRole", "PractitionerRole", "PractitionerRole"),
    ]
    headers = served.token(SAS, "system/*.rs")
    for path in sorted(gone):
        for asked in (path, f"{path}/_history", f"{path}/_history/1"):
            answer = await served.http.get(f"/fhir/{asked}", headers=headers)
            assert issue(answer) == (410, "deleted", "gone-from-directory"), asked
            assert validation.check(answer.json()) == []
        type_name, id = path.split("/")
        never = id[:-4] + ("0000" if id[-4:] != "0000" else "1111")
        for other in (f"{type_name}/{never}", *(f"{kind}/{id}" for kind in DIRECTORY if kind != type_name)):
            assert issue(await served.http.get(f"/fhir/{other}", headers=headers))[0] == 404, other
    await serve(served.database, tmp_path, [*EVERYBODY, TWO, NO_KEY], stamp="202611180911")
    assert await ids(served) == first


async def test_what_the_statement_says_of_the_directory_is_what_it_does(served: Face) -> None:
    statement = (await served.http.get("/fhir/metadata")).json()
    said = {one["type"]: one for one in statement["rest"][0]["resource"]}
    reads = {"read": "{}", "vread": "{}/_history/{version}", "history-instance": "{}/_history", "search-type": ""}
    writes = {"create": ("POST", ""), "update": ("PUT", "{}"), "patch": ("PATCH", "{}"), "delete": ("DELETE", "{}")}
    for kind in DIRECTORY:
        (one, *_) = matches(await get(served, kind))
        version = one["meta"]["versionId"]
        offered = {part["code"] for part in said[kind]["interaction"]}
        assert offered == reads.keys()
        for address in reads.values():
            found = await get(served, f"{kind}/{address.format(one['id'], version=version)}".rstrip("/"))
            assert validation.check(found) == []
        for method, address in writes.values():
            path = f"/fhir/{kind}/{address.format(one['id'])}".rstrip("/")
            headers = {**served.token(SAS, "system/*.cruds"), **(PATCH_TYPE if method == "PATCH" else JSON_TYPE)}
            answer = await served.http.request(method, path, content=json.dumps(one), headers=headers)
            assert issue(answer)[0] == 405
        assert said[kind]["versioning"] == "versioned"
        assert "annuaire national" in said[kind]["documentation"]


async def test_the_history_of_what_the_directory_serves_is_its_present_version(served: Face) -> None:
    (one,) = matches(await get(served, "Practitioner?family=oeuvrard"))
    bundle = await get(served, f"Practitioner/{one['id']}/_history")
    (entry,) = bundle["entry"]
    assert entry["resource"] == one
    assert entry["request"] == {"method": "PUT", "url": f"Practitioner/{one['id']}"}
    assert entry["response"]["etag"] == f'W/"{one["meta"]["versionId"]}"'
