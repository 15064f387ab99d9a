"""The persons who may sign in at the Pro Santé Connect twin: same numbers, same activities in the directory.

Those whose identifier is neither RPPS (8) nor ADELI (0), and those without an exercise, are in no extraction.
"""

from sandbox.psc import people
from sandbox.rpps.model import Activity, Exercise, Person, Structure

ENDS_NEXT_DAY = "899700950001"  # the cardiologist: his only activity is gone from the second day on
MAIL = "medecin.mssante.example"


def persons() -> dict[str, Person]:
    known = (one for one in people.load().values() if one.id[:1] in ("8", "0") and one.exercises)
    return {one.id: _person(one) for one in known}


def _person(one: people.Person) -> Person:
    first = one.exercises[0]
    mailbox = f"{first.given}.{first.family}@{MAIL}".lower().translate(str.maketrans("éèêëàâçïîôùû", "eeeeaaciiouu"))
    return Person(
        national_id=one.id,
        title=one.civility,
        exercises=tuple(_exercise(exercise) for exercise in one.exercises),
        mailbox=mailbox,
    )


def _exercise(exercise: people.Exercise) -> Exercise:
    return Exercise(
        family=exercise.family,
        given=exercise.given,
        profession=exercise.profession,
        category=exercise.category,
        practice_title=exercise.title,
        skills=(exercise.know_how,) if exercise.know_how else (),
        activities=tuple(_activity(activity) for activity in exercise.activities),
    )


def _activity(activity: people.Activity) -> Activity:
    place = activity.structure
    structure = Structure(
        structure_id=place.technical_id,
        structure_national_id=place.former_id,
        structure_name=place.name,
        structure_alias=place.trade_name,
        siret=place.siret,
        siren=place.siren,
        finess=place.finess,
        finess_ej=place.finess_legal,
        address_recipient=place.recipient,
        house_number=place.number,
        house_number_suffix=place.repetition,
        street_type_code=place.way_type,
        street=place.way,
        post_office=f"{place.postal_code} {place.city}",
        postcode=place.postal_code,
        commune_code=place.commune,
        commune=place.city,
        phone=place.telephone,
        email=place.email,
    )
    return Activity(
        structure=structure,
        mode=activity.mode,
        sector=activity.sector,
        role=activity.role,
        kind=activity.kind,
        section=activity.section,
        authority=activity.authority,
    )
