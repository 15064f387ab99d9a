"""From a note to a submission: codes, refusals, and names nobody thought of."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from lxml import etree

from hub.connectors.dmp import cda, mapping, tables
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import pack, unpack
from hub.connectors.dmp.xmltext import hl7
from tests.connectors.dmp.notes import IDS, PATIENT, PHYSICIAN, filing, material

H = {"h": "urn:hl7-org:v3"}
ODD = st.text(st.characters(codec="utf-8"), max_size=300).map(lambda text: f"A{text}Z")


@pytest.mark.parametrize(
    ("author", "document_type", "class_code", "specialty", "roles"),
    [
        ({"profession": "60"}, "11506-3", "10", "G15_60", ["60"]),
        ({"profession": "10", "skill": "SM26"}, "11488-4", "10", "G15_10/SM26", ["10", "SM26"]),
        ({"profession": "50"}, "11488-4", "10", "G15_50", ["50"]),
        ({"profession": "70"}, "11506-3", "10", "G15_70", ["70"]),
        ({"profession": "41"}, "28653-4", "10", "41", ["41"]),
    ],
)
def test_codes_follow_the_profession(
    settings: DmpSettings,
    author: dict[str, str],
    document_type: str,
    class_code: str,
    specialty: str,
    roles: list[str],
) -> None:
    one = filing(author={**PHYSICIAN, "skill": "", **author})
    made = mapping.submission(one, settings)
    assert (made.entry.type_code.code, made.entry.class_code.code) == (document_type, class_code)
    assert mapping.document(one, settings).author.specialty.code == specialty
    assert [role.code for role in made.actor.roles] == roles


def test_the_type_of_a_profession_is_a_setting(settings: DmpSettings) -> None:
    changed = settings.model_copy(update={"types": {"60": "34133-9"}, "default_type": "11506-3"})
    assert mapping.submission(filing(), changed).entry.class_code.code == "11"


def test_care_at_home_and_elsewhere(settings: DmpSettings) -> None:
    home, practice = (mapping.submission(filing(act__at_home=at_home), settings) for at_home in (True, False))
    assert (home.submission_set.content_type.code, practice.submission_set.content_type.code) == ("16", "07")
    codes = [
        etree.fromstring(one.document).find("h:componentOf/h:encompassingEncounter/h:code", H).get("code")
        for one in (home, practice)
    ]
    assert codes == ["HH", "AMB"]


def test_metadata_say_what_the_document_says(settings: DmpSettings) -> None:
    made = mapping.submission(filing(masks=("MASQUE_PS",)), settings)
    entry = made.entry
    assert entry.hash == hashlib.sha1(made.document).hexdigest()
    assert entry.size == len(made.document)
    assert (entry.creation_time, entry.service_start, entry.service_stop) == (
        "20261105173000",
        "20261105170000",
        "20261105172000",
    )
    assert entry.patient_id == made.submission_set.patient_id == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert entry.source_patient_info == ("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F")
    assert [code.code for code in entry.confidentialities] == ["N", "MASQUE_PS"]
    author = entry.authors[0]
    assert author.person == "899700000017^MARTIN^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    assert author.institution == "CPTS des Boucles de l'Oise^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^10B0123456"
    assert author.specialty == "G15_60^Infirmier^1.2.250.1.213.1.1.4.5"
    assert entry.legal_authenticator == author.person
    assert [code.code for code in made.signature.confidentialities] == ["N", "MASQUE_PS", "INVISIBLE_PATIENT"]
    assert made.signature.unique_id != entry.unique_id


REFUSED: dict[str, dict[str, Any]] = {
    "INS not qualified": {"patient__reliability": "VALI"},
    "no birth place": {"patient__birth_place": ""},
    "no list of given names": {"patient__given": "  "},
    "sex without INS trait": {"patient__sex": "other"},
    "unknown INS authority": {"patient__ins_oid": "1.2.3"},
    "wrong key of a real INS": {"patient__ins_oid": "1.2.250.1.213.1.4.8", "patient__ins": "279035121518900"},
    "mask the DMP does not know": {"masks": ("MASQUE_PSOCIAL",)},
    "hidden from both": {"masks": ("MASQUE_PS", "INVISIBLE_PATIENT")},
    "empty note": {"text": " \n\t\x00 "},
    "PDF of another kind": {"pdf": b"%PDF-1.7"},
    "kind of note": {"kind": "ROMAN"},
    "identifier without prefix": {"author__identifier": "99700000017"},
    "unknown profession": {"author__profession": "ZZ"},
    "physician without specialty": {"author": {**PHYSICIAN, "skill": ""}},
    "author without name": {"author__family": ""},
    "time without offset": {"written_at": datetime(2026, 11, 5, 17, 20)},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_must_not_leave_is_refused(what: str, settings: DmpSettings) -> None:
    with pytest.raises(ValueError):
        mapping.submission(filing(**REFUSED[what]), settings)


def test_test_identities_are_refused_in_production(settings: DmpSettings) -> None:
    with pytest.raises(ValueError, match="test authority"):
        mapping.submission(filing(), settings.model_copy(update={"production": True}))


def test_a_type_the_dmp_does_not_take_is_refused(settings: DmpSettings) -> None:
    for code in ("34120-6", "96163-1", "28651-8"):
        with pytest.raises(ValueError, match="not taken by the DMP"):
            mapping.submission(filing(), settings.model_copy(update={"default_type": code}))


@pytest.mark.parametrize("change", [{"text": 5}, {"colour": "red"}, {"patient": {**PATIENT, "birth_date": "hier"}}])
def test_material_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        mapping.filing({**material(), **change}, **IDS)


def test_a_submission_survives_its_keeping(settings: DmpSettings) -> None:
    made = mapping.submission(filing(author=PHYSICIAN, masks=("INVISIBLE_PATIENT",)), settings)
    assert unpack(pack(made)) == made
    with pytest.raises(ValueError):
        unpack(b"{}")


@profile(max_examples=60, deadline=None)
@given(title=ODD, text=ODD, family=ODD, given=ODD)
def test_odd_characters_never_break_a_document(
    settings: DmpSettings, title: str, text: str, family: str, given: str
) -> None:
    one = filing(title=title, text=text, author__family=family, patient__birth_name=family, patient__given=given)
    made = mapping.submission(one, settings)
    assert cda.check(made.document) == []
    root = etree.fromstring(made.document)
    assert len(root.findtext("h:title", namespaces=H)) <= 128
    assert root.findtext(".//h:family[@qualifier='BR']", namespaces=H) == " ".join(
        root.findtext(".//h:family[@qualifier='BR']", namespaces=H).split()
    )
    assert b64decode(root.findtext(".//h:nonXMLBody/h:text", namespaces=H)).decode().endswith("Z\n")


def test_a_long_title_is_cut_with_an_ellipsis(settings: DmpSettings) -> None:
    title = mapping.document(filing(title="mot " * 60), settings).title
    assert len(title) <= 128
    assert title.endswith("…")


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_no_name_adds_a_component_to_an_hl7_string(name: str) -> None:
    assert not set(hl7(name)) & set("^&~|")


def test_shipped_tables_hold_what_the_code_names() -> None:
    values = tables.SHIPPED
    assert {"HH", "AMB"} <= set(values.encounters)
    assert set(mapping.GENDERS.values()) == set(values.genders)
    assert set(values.confidentialities) >= mapping.MASKS | {"N"}
    assert {"SA63", "SA07"} <= set(values.facilities)
    taken = [one for one in values.types.values() if one.in_dmp]
    assert all(one.class_code in values.classes for one in taken if one.class_code)


def test_an_operator_may_replace_one_table(tmp_path: Any) -> None:
    (tmp_path / "JDV_J04.csv").write_text("code,display,system\nNEUF,Neuf,1.2.3\n", encoding="utf-8")
    values = tables.read(tmp_path)
    assert set(values.practices) == {"NEUF"}
    assert values.specialties == tables.SHIPPED.specialties


def test_written_at_of_another_zone_is_the_same_instant(settings: DmpSettings) -> None:
    paris = filing(written_at=datetime.fromisoformat("2026-11-05T18:20:00+01:00"))
    utc = filing(written_at=datetime(2026, 11, 5, 17, 20, tzinfo=UTC))
    assert mapping.submission(paris, settings) == mapping.submission(utc, settings)
