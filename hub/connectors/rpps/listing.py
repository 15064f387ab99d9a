"""From what the API tells of a person to the rows of SavoirFaire, Dipl_AutExerc and the mailboxes, beside those served. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.connectors.rpps.completing import Row, Served, Told, exercise_of, printed
from hub.connectors.rpps.resources import Mailbox, Organization, Practitioner

DIPLOMA = ("diploma_type_code", "diploma_code", "authorization_type_code", "authorization_field_code")


def skills(told: Told, served: Served) -> list[Row]:
    """The rows of SavoirFaire, those served as long as the API tells no other skills than those known."""
    found: list[Row] = []
    for one, _ in told.exercises:
        exercise = exercise_of(one)
        listed = [skill for skill in served.skills if skill[:2] == exercise]
        shown = {
            row["skill_code"] for row in served.lines if (row["profession_code"], row["category_code"]) == exercise
        }
        if served.lines and {code for _, code in one.skills} == {skill[3] for skill in listed} | (shown - {""}):
            pairs = [skill[2:] for skill in listed]
        else:
            pairs = list(one.skills)
        columns = ("national_id", "profession_code", "category_code", "skill_type_code", "skill_code")
        found += [dict(zip(columns, (told.national_id, *exercise, *pair), strict=True)) for pair in pairs]
    return found


def diplomas(told: Told, served: Served) -> list[Row]:
    """The rows of Dipl_AutExerc. Whoever the extraction lists without any stays so until it says otherwise: the API knows diplomas
    that the extraction never prints."""
    if served.lines and not served.diplomas:
        return []
    every = dict.fromkeys(one for practitioner, _ in told.exercises for one in practitioner.diplomas)
    return [{"national_id": told.national_id, **dict(zip(DIPLOMA, one, strict=True))} for one in every]


def mailboxes(told: Told, served: Served) -> list[Row]:
    """The secure mailboxes of a person, alone or at a structure. One that is served stays as it is, but for the name and post code
    of its structure."""
    found: dict[tuple[str, str], Row] = {}
    for one, roles in told.exercises:
        places: list[tuple[Organization | None, Sequence[Mailbox]]] = [(None, one.mailboxes)]
        places += [(place, role.mailboxes) for role, place in roles]
        for place, boxes in places:
            for box in boxes:
                key = box.address, place.key if place is not None else ""
                found.setdefault(key, _mailbox(box, place, _personal(one, served), served.mailboxes))
    return list(found.values())


def shared_mailboxes(place: Organization, served: Sequence[Row]) -> list[Row]:
    """The secure mailboxes of a structure itself."""
    return [_mailbox(box, place, {}, served) for box in place.mailboxes]


def _personal(one: Practitioner, served: Served) -> dict[str, str]:
    """What a row of the list says of its holder. The API does not tell whether they refuse paper: as in a row served."""
    main = printed(one, [row for row in served.lines if exercise_of(one) == _exercise(row)], served.skills)
    return {
        "national_id": one.national_id,
        "profession_code": one.cells["profession_code"],
        "category_code": one.cells["category_code"],
        "skill_code": main[0][1],
        "paperless": next((row["paperless"] for row in served.mailboxes if row["paperless"]), ""),
    }


def _exercise(row: Row) -> tuple[str, str]:
    return row["profession_code"], row["category_code"]


def _mailbox(box: Mailbox, place: Organization | None, personal: Row, served: Sequence[Row]) -> Row:
    told = place.cells if place is not None else {}
    where = {key: told.get(key, "") for key in ("structure_name", "postcode")}
    for row in served:
        if row["address"] == box.address and _is_at(row, place):
            return {**row, **(where if place is not None else {})}
    number = told.get("structure_national_id", "")
    split = {"structure_id_type": number[:1], "structure_national_id": number[1:]}
    return {"kind": box.kind, "address": box.address, "service": box.service, **personal, **where, **split}


def _is_at(row: Row, place: Organization | None) -> bool:
    """Whether a row is of that structure: by its number, whose first digit stands apart or with it, else by its name."""
    name = place.cells["structure_name"] if place is not None else ""
    number = place.cells["structure_national_id"] if place is not None else ""
    if number:
        return number in (row["structure_national_id"], row["structure_id_type"] + row["structure_national_id"])
    return not row["structure_national_id"] and row["structure_name"] == name


def of_list(columns: Sequence[str], rows: Sequence[Row]) -> Iterator[list[str]]:
    """Rows in the order of the columns of their list."""
    return ([row.get(key, "") for key in columns] for row in rows)
