"""The directory beside what Pro Santé Connect says: the same identity from both, and what differs between them (rpps.md 10.5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hub.domain import places
from hub.domain.identity import Activity, Exercise, Identity, OtherId
from hub.domain.search_key import key
from hub.storage import directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing on which the two disagree. ``what``: ``person``, ``name``, ``exercise``, ``skill``, ``place``; ``national`` is what
    Pro Santé Connect says, ``directory`` what the directory says, ``""`` for nothing.
    """

    what: str
    national: str
    directory: str


def identity_of(person: directory.Person, *, issuer: str) -> Identity:
    """The identity that Pro Santé Connect would give for somebody of the directory: same number, exercises, activities, hence the
    same situation keys. ``issuer``: of Pro Santé Connect. The technical ``sub`` is unknown, ``""``.
    """
    first = person.exercises[0]
    origin = {"8": "RPPS", "0": "ADELI"}.get(person.national_id[:1], "")
    return Identity(
        issuer=issuer,
        sub="",
        national_id=person.national_id,
        given=first.given.strip(),
        family=first.family.strip(),
        civility=next((one.title_code for one in person.exercises if one.title_code), ""),
        other_ids=(OtherId(value=person.national_id, origin=origin),),
        exercises=tuple(_exercise(one) for one in person.exercises),
    )


def _exercise(one: directory.Exercise) -> Exercise:
    return Exercise(
        profession=one.profession_code,
        category=one.category_code,
        title=one.practice_title_code,
        given=one.given.strip(),
        family=one.family.strip(),
        know_how=one.skills,
        activities=tuple(_activity(activity) for activity in one.activities),
    )


def _activity(one: directory.Activity) -> Activity:
    codes = {
        "mode": one.mode_code,
        "sector": one.sector_code,
        "section": one.pharmacist_section_code,
        "role": one.role_code,
        "kind": one.activity_kind_code,
        "authority": one.authority,
    }
    place = one.structure
    if place is None:
        return Activity(**codes)
    return Activity(
        **codes,
        siret=place.siret,
        siren=place.siren,
        finess=place.finess,
        finess_legal=place.finess_ej,
        technical_id=place.structure_id,
        former_id=place.structure_national_id,
        name=place.structure_name,
        trade_name=place.structure_alias,
        street=street(place),
        postal_code=place.postcode,
        city=place.post_office.removeprefix(place.postcode).strip() or place.commune,
        commune=place.commune_code or one.place,
        department=place.department_code,
        phone=place.phone,
        email=place.email,
    )


def street(place: directory.Structure) -> str:
    """Number, repetition, type and name of the street, as Pro Santé Connect's answers are put together; the type once only."""
    kind = "" if place.street.upper().startswith(f"{place.street_type_code} ") else place.street_type_code
    return " ".join(filter(None, (place.house_number, place.house_number_suffix, kind, place.street)))


def compare(who: Identity, person: directory.Person | None) -> list[Difference]:
    """What somebody who signs in and the directory disagree on; empty when nothing. Nobody is kept out for it: the national side
    vouches for them today, and the operator is shown the difference. Names are compared by their search key.
    """
    if person is None:
        return [Difference(what="person", national=who.national_id, directory="")]
    known = {(one.profession_code, one.category_code): one for one in person.exercises}
    found = _only("exercise", (_shown(one) for one in who.exercises), ("/".join(pair) for pair in known))
    for one in who.exercises:
        other = known.get((one.profession, one.category))
        if other is None:
            continue
        if {key(one.given), key(one.family)} != {key(other.given), key(other.family)}:
            names = f"{one.given} {one.family}", f"{other.given} {other.family}"
            found.append(Difference(what="name", national=names[0], directory=names[1]))
        # The national claims carry the main skill only: one more in the directory is no difference.
        found += [
            Difference(what="skill", national=code, directory="")
            for _, code in one.know_how
            if code not in {skill for _, skill in other.skills}
        ]
        found += _only(
            "place", map(_where, one.activities), (_where(_activity(activity)) for activity in other.activities)
        )
    return found


def _shown(one: Exercise) -> str:
    return f"{one.profession}/{one.category}"


def _where(one: Activity) -> str:
    """A structure by its key, else the commune."""
    return one.structure_key or (places.normalise(one.commune) if one.commune else "")


def _only(what: str, national: Iterable[str], known: Iterable[str]) -> list[Difference]:
    """What stands on one side only, in the order of each side."""
    said, held = dict.fromkeys(national), dict.fromkeys(known)
    missing = [Difference(what=what, national=one, directory="") for one in said if one not in held]
    return missing + [Difference(what=what, national="", directory=one) for one in held if one not in said]
