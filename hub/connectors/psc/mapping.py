"""Pro Santé Connect user information to an :class:`Identity` (psc.md 5.3, 5.4). Pure.

The spelling of the national members is irregular and guides disagree on it: keys are matched without case, unknown ones ignored,
``""``, null and absence are the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.domain.identity import Activity, Exercise, Identity, OtherId

ACTIVITY = {  # our field -> national member, lower case
    "mode": "codemodeexercice",
    "sector": "codesecteurdactivite",
    "section": "codesectionpharmacien",
    "role": "coderole",
    "kind": "codegenreactivite",
    "siret": "numerosiretsite",
    "siren": "numerosirensite",
    "finess": "numerofinesssite",
    "finess_legal": "numerofinessetablissementjuridique",
    "technical_id": "identifianttechniquedelastructure",
    "former_id": "ancienidentifiantdelastructure",
    "authority": "autoritedenregistrement",
    "name": "raisonsocialesite",
    "trade_name": "enseignecommercialesite",
    "postal_code": "codepostal",
    "commune": "codecommune",
    "department": "codedepartement",
    "phone": "telephone",
    "email": "adresseemail",
}
STREET = ("numerovoie", "indicerepetitionvoie", "codetypedevoie", "libellevoie")
EXERCISE = {
    "profession": "codeprofession",
    "category": "codecategorieprofessionnelle",
    "title": "codecivilitedexercice",
    "given": "prenomdexercice",
    "family": "nomdexercice",
}


class MissingIdentity(ValueError):
    """No ``SubjectNameID`` in what came: refused with an explanation, never replaced by a name (psc.md 4.4, 6)."""


def _folded(data: object) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in data.items()} if isinstance(data, Mapping) else {}


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return (
        value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) and value is not True else ""
    )


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _city(data: Mapping[str, Any]) -> str:
    """``56000 VANNES`` without its postal code."""
    return _text(data, "bureaucedex").removeprefix(_text(data, "codepostal")).strip()


def activity(data: object) -> Activity:
    """One element of ``activities``."""
    folded = _folded(data)
    values = {ours: _text(folded, national) for ours, national in ACTIVITY.items()}
    street = " ".join(filter(None, (_text(folded, part) for part in STREET)))
    return Activity(street=street, city=_city(folded), **values)


def exercise(data: object) -> Exercise:
    """One element of ``exercices``."""
    folded = _folded(data)
    values = {ours: _text(folded, national) for ours, national in EXERCISE.items()}
    know_how = (_text(folded, "codetypesavoirfaire"), _text(folded, "codesavoirfaire"))
    return Exercise(
        know_how=(know_how,) if know_how[1] else (),
        activities=tuple(activity(one) for one in _list(folded.get("activities"))),
        **values,
    )


def other_id(data: object) -> OtherId:
    """One element of ``otherIds``."""
    folded = _folded(data)
    return OtherId(value=_text(folded, "identifiant"), origin=_text(folded, "origine").upper())


def identity(userinfo: Mapping[str, Any], *, issuer: str, id_token: Mapping[str, Any]) -> Identity:
    """The person signed in. The national identifier is read in userinfo, then in the id_token, then as ``preferred_username``.

    Raises :class:`MissingIdentity` when none of them holds it.
    """
    said, signed = _folded(userinfo), _folded(id_token)
    national_id = (
        _text(said, "subjectnameid")
        or _text(signed, "subjectnameid")
        or _text(said, "preferred_username")
        or _text(signed, "preferred_username")
    )
    if not national_id:
        raise MissingIdentity("SubjectNameID")
    professional = _folded(said.get("subjectrefpro"))
    others = (other_id(one) for one in _list(said.get("otherids")))
    return Identity(
        issuer=issuer,
        sub=_text(signed, "sub") or _text(said, "sub"),
        national_id=national_id,
        given=_text(said, "given_name") or _text(signed, "given_name"),
        family=_text(said, "family_name") or _text(signed, "family_name"),
        civility=_text(said, "codecivilite") or _text(professional, "codecivilite"),
        other_ids=tuple(other for other in others if other.value),
        exercises=tuple(exercise(one) for one in _list(professional.get("exercices"))),
        agrees=all(number == national_id for number in _also_said(said, signed)),
    )


def _also_said(said: Mapping[str, Any], signed: Mapping[str, Any]) -> Iterable[str]:
    """The other places where the number stands; a technical ``sub`` bears it only in its federated form ``f:<store>:<number>``."""
    for claims in (said, signed):
        if username := _text(claims, "preferred_username"):
            yield username
        sub = _text(claims, "sub").split(":", 2)
        if sub[0] == "f" and len(sub) == 3:
            yield sub[2]
