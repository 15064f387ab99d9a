from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.domain.check_digits import luhn, tidy
from hub.domain.identifiers import Adeli, Finess, Ins, NationalId, Nir, Rpps, Siren, Siret, StructureId, is_usable
from hub.domain.refusal import Refusal

TEST_NIR = "1.2.250.1.213.1.4.10"
CLASSES: dict[str, Any] = {
    "rpps": Rpps,
    "adeli": Adeli,
    "finess": Finess,
    "siren": Siren,
    "siret": Siret,
    "nir": Nir,
    "idnps": NationalId,
    "idnst": StructureId,
}


@pytest.mark.parametrize(
    ("kind", "value", "valid"),
    [
        *(
            ("rpps", value, True)
            for value in ("99700999909", "99700999917", "99700999925", "10000000017", "10101010105")
        ),
        *(("rpps", value, False) for value in ("10003461033", "10102727017", "9970099990", "9970099990A", "")),
        ("adeli", "759312341", True),
        ("adeli", "759312342", False),
        ("adeli", "2A9312341", True),
        ("siren", "123456782", True),
        ("siren", "123456783", False),
        ("siret", "12345678200010", True),
        ("siret", "12345678200011", False),
        ("siret", "35600000000048", True),
        ("siret", "35600000010005", True),
        ("siret", "35600000000001", True),
        ("siret", "35600000000002", False),
        *(("finess", value, True) for value in ("750712184", "250000452", "2A0001236", "2B0004568")),
        ("finess", "754567860", False),
        ("finess", "2C0001236", False),
        *(
            ("nir", value, True)
            for value in ("269054958815780", "180012A00400168", "180012B03300101", "279035121518989")
        ),
        ("nir", "269054958815781", False),
        ("nir", "969054958815780", False),
        *(("idnps", value, True) for value in ("899700999909", "0759312341", "3456780581/11242343")),
        *(("idnps", value, False) for value in ("899700999900", "799700999909", "3456780581", "3456780581/")),
        *(
            ("idnst", value, True)
            for value in (
                "1259990018",
                "312345678200010",
                "499700999909001",
                "10B0123456",
                "2123456782",
                "075931234101",
            )
        ),
        *(("idnst", value, False) for value in ("9259990018", "31234567820001", "")),
    ],
)
def test_checks(kind: str, value: str, valid: bool) -> None:
    assert CLASSES[kind].check(value) is valid
    if valid:
        assert str(CLASSES[kind].parse(value)) == value
    else:
        with pytest.raises(Refusal) as caught:
            CLASSES[kind].parse(value)
        assert caught.value.code == "bad-identifier"
        assert caught.value.words["value"] == value


def with_key(length: int) -> st.SearchStrategy[str]:
    """Digits that end with their Luhn key."""
    return st.text("0123456789", min_size=length - 1, max_size=length - 1).map(
        lambda body: next(body + key for key in "0123456789" if luhn(body + key))
    )


nir_bodies = st.from_regex(r"[12][0-9]{4}([0-9]{2}|2A|2B)[0-9]{6}", fullmatch=True)


@given(number=with_key(11), separator=st.sampled_from([" ", ".", "-", "\u00a0", ""]), every=st.integers(1, 5))
def test_rpps_survive_the_way_people_write_them(number: str, separator: str, every: int) -> None:
    written = separator.join(number[at : at + every] for at in range(0, len(number), every))
    assert Rpps.parse(written) == Rpps(number)
    assert Rpps.parse(f"8{number}") == Rpps(number)
    assert NationalId.parse(written).rpps == Rpps(number)
    assert NationalId.parse(str(Rpps(number).national)) == Rpps(number).national


@given(
    number=st.one_of(with_key(9), with_key(11), with_key(14)),
    place=st.integers(0, 13),
    digit=st.sampled_from("0123456789"),
)
def test_one_wrong_digit_is_caught(number: str, place: int, digit: str) -> None:
    place %= len(number)
    assume(number[place] != digit and not number.startswith("356000000"))
    wrong = number[:place] + digit + number[place + 1 :]
    assume(not wrong.startswith("356000000"))
    assert luhn(number)
    assert not luhn(wrong)
    for kind in (Rpps, Siren, Siret, Finess):
        assert not kind.check(wrong)


@given(body=nir_bodies, place=st.integers(0, 12), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_nir_is_caught(body: str, place: int, digit: str) -> None:
    assume(place not in (5, 6) and body[place] != digit)
    number = body + Nir.key_of(body)
    assert str(Nir.parse(number)) == number
    assert not Nir.check(number[:place] + digit + number[place + 1 :])


@given(siren=with_key(9), office=st.text("0123456789", min_size=4, max_size=4))
def test_a_siret_knows_its_company(siren: str, office: str) -> None:
    number = next(siren + office + key for key in "0123456789" if luhn(siren + office + key))
    assert Siret.parse(number).siren == Siren.parse(siren)


@given(st.text(max_size=30))
def test_no_text_breaks_the_checks(text: str) -> None:
    for kind in CLASSES.values():
        assert kind.check(text) in (True, False)
        assert kind.check(tidy(text)) in (True, False)


def test_an_ins_is_a_number_and_an_oid() -> None:
    ins = Ins.parse("2 79 03 51 215 189 89", f"urn:oid:{TEST_NIR}")
    assert (ins.matricule, ins.oid, ins.system, ins.type) == (
        "279035121518989",
        TEST_NIR,
        f"urn:oid:{TEST_NIR}",
        "INS-NIR-TEST",
    )
    assert ins != Ins("279035121518989", "1.2.250.1.213.1.4.8")
    assert Ins.check("279035121518989", TEST_NIR)
    assert not Ins.check("279035121518989", "1.2.250.1.213.1.4.2")
    assert not Ins.check("279035121518988", TEST_NIR)
    with pytest.raises(Refusal):
        Ins.parse("279035121518989", "1.2.250.1.213.1.4.2")


@pytest.mark.parametrize(
    ("oid", "in_production", "elsewhere"),
    [
        ("1.2.250.1.213.1.4.8", True, False),
        ("1.2.250.1.213.1.4.9", True, False),
        ("1.2.250.1.213.1.4.10", False, True),
        ("urn:oid:1.2.250.1.213.1.4.11", False, True),
        ("1.2.250.1.213.1.4.2", False, False),
    ],
)
def test_test_identities_stay_out_of_production(oid: str, in_production: bool, elsewhere: bool) -> None:
    assert is_usable(oid, True) is in_production
    assert is_usable(oid, False) is elsewhere


def test_a_structure_takes_its_best_number() -> None:
    assert str(StructureId.of(finess="259990018", siret="12345678200010")) == "1259990018"
    assert str(StructureId.of(siret="12345678200010", rank="99700999909001")) == "312345678200010"
    assert str(StructureId.of(rank="99700999909001")) == "499700999909001"
    assert StructureId.of() is None
