"""What a note must be to be written, and to leave for the DMP (workflow.md 7, dmp.md 4.10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.notebook import DMP_MASKS, LONGEST_TEXT, Agreement, Mask, Note, require_fileable, written
from hub.domain.patient import Patient, Reliability
from hub.domain.refusal import Refusal

NOTE = Note(
    id="n", patient="p", author="r", kind="GEN", text="Pansement refait.", written_at=datetime(2026, 11, 16, tzinfo=UTC)
)
PATIENT = Patient(
    id="p", birth_name="PAT-TROIS", first_given="DOMINIQUE", sex="female", birth_date=date(1979, 3, 28), birth_place="51215",
    ins=("279035121518989", "1.2.250.1.213.1.4.10"), reliability=Reliability.QUALIFIED,
)  # fmt: skip


@given(text=st.text(max_size=60), size=st.sampled_from([0, LONGEST_TEXT - 60, LONGEST_TEXT, LONGEST_TEXT + 1]))
def test_a_note_says_something_and_not_too_much(text: str, size: int) -> None:
    whole = text + "a" * size
    note = replace(NOTE, text=whole)
    if not whole.strip():
        with pytest.raises(Refusal, match="note-empty"):
            written(note)
    elif len(whole.strip()) > LONGEST_TEXT:
        with pytest.raises(Refusal, match="note-too-long"):
            written(note)
    else:
        assert written(note) == replace(NOTE, text=whole.strip())


def test_a_note_that_may_leave() -> None:
    require_fileable(NOTE, Agreement.INFORMED, PATIENT)
    for mask in DMP_MASKS:
        require_fileable(replace(NOTE, mask=mask), Agreement.INFORMED, PATIENT)


@pytest.mark.parametrize(
    ("agreement", "code"), [(Agreement.NEVER_ASKED, "dmp-not-informed"), (Agreement.OBJECTS, "dmp-objection")]
)
def test_the_patient_goes_before_everything_else(agreement: Agreement, code: str) -> None:
    poor = replace(PATIENT, ins=None, birth_name="")
    with pytest.raises(Refusal, match=code):
        require_fileable(replace(NOTE, mask=Mask.HIDDEN_FROM_SOCIAL), agreement, poor)


@pytest.mark.parametrize("reliability", [one for one in Reliability if one is not Reliability.QUALIFIED])
def test_an_identity_that_is_not_qualified_stays_here(reliability: Reliability) -> None:
    with pytest.raises(Refusal, match="ins-not-qualified"):
        require_fileable(NOTE, Agreement.INFORMED, replace(PATIENT, reliability=reliability))


def test_a_qualified_status_without_a_number_is_not_qualified() -> None:
    with pytest.raises(Refusal, match="ins-not-qualified"):
        require_fileable(NOTE, Agreement.INFORMED, replace(PATIENT, ins=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"birth_name": ""}, "nom de naissance"),
        ({"first_given": ""}, "premier prénom"),
        ({"birth_date": None}, "date de naissance"),
        ({"birth_place": ""}, "lieu de naissance"),
        ({"sex": "other"}, "sexe"),
    ],
)
def test_a_missing_trait_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(Refusal, match="patient-incomplete") as caught:
        require_fileable(NOTE, Agreement.INFORMED, replace(PATIENT, **changes))  # type: ignore[arg-type]
    assert said in caught.value.text


def test_all_missing_traits_are_named_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        require_fileable(NOTE, Agreement.INFORMED, replace(PATIENT, birth_place="", sex="other"))
    assert "lieu de naissance" in caught.value.text
    assert "sexe" in caught.value.text


@pytest.mark.parametrize("mask", sorted(set(Mask) - DMP_MASKS))
def test_a_mask_the_dmp_does_not_know_keeps_the_note_here(mask: Mask) -> None:
    with pytest.raises(Refusal, match="dmp-mask-unknown"):
        require_fileable(replace(NOTE, mask=mask), Agreement.INFORMED, PATIENT)
