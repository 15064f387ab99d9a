"""What the realm says about a person: user information and the claims copied into tokens (PSC specification 5)."""

from typing import Any

from sandbox.psc.people import Activity, Exercise, Person

USER_STORE = "f:550dc1c8-7e57-4000-8000-8eb447000000"
PROFESSION_OID = "1.2.250.1.213.1.1.5.5"
SECTOR_OID = "1.2.250.1.71.4.2.4"
LEVEL = "APPPRIP3^1.2.250.1.213.1.5.1.1.1"
IDENTITY_SPACE = "1.2.250.1.213.1.3.1.1"


def subject(person: Person) -> str:
    """`sub`: the federated identifier of Keycloak, whose tail is the national identifier (5.1)."""
    return f"{USER_STORE}:{person.id}"


def userinfo(person: Person, *, auth_mode: str, professional: bool) -> dict[str, Any]:
    """The whole answer of 5.3; the minimal user of 5.7 without `scope_all` or when the person has nothing else."""
    minimal = {
        "sub": subject(person),
        "codeCivilite": person.civility,
        "given_name": person.given,
        "preferred_username": person.id,
        "SubjectNameID": person.id,
        "family_name": person.family,
    }
    if not professional or person.shape == "minimal":
        return minimal
    if person.shape == "older":
        minimal.pop("codeCivilite")
        return {**minimal, **_professional(person), "email_verified": False}
    return {**minimal, **_professional(person), **token_extras(person, auth_mode=auth_mode)}


def token_extras(person: Person, *, auth_mode: str) -> dict[str, Any]:
    """Claims of userinfo that are also in the access token (5.2); none before the end of 2023."""
    if person.shape == "older":
        return {}
    others = [{"identifiant": o.identifier, "origine": o.origin, "qualite": o.quality} for o in person.other_ids]
    return {"authMode": auth_mode, "otherIds": others}


def _professional(person: Person) -> dict[str, Any]:
    activities = [activity for exercise in person.exercises for activity in exercise.activities]
    professions = [exercise.profession for exercise in person.exercises if exercise.profession]
    reference: dict[str, Any] = {"exercices": [_exercise(exercise) for exercise in person.exercises]}
    claims: dict[str, Any] = {
        "SubjectRefPro": reference,
        "SubjectRole": [f"{code}^{PROFESSION_OID}" for code in professions],
        "Secteur_Activite": f"{activities[0].sector}^{SECTOR_OID}" if activities else "",
        "SubjectOrganization": activities[0].structure.name if activities else "",
        "SubjectOrganizationID": activities[0].structure.technical_id if activities else "",
        "PSI_Locale": IDENTITY_SPACE,
        "Mode_Acces_Raison": "",
        "Acces_Regulation_Medicale": "FAUX",
        "UITVersion": "1.0",
        "Palier_Authentification": LEVEL,
    }
    if person.shape == "older":
        reference["codeCivilite"] = person.civility
    elif activities:
        claims["codeGenreActivite"] = activities[0].kind
    return claims


def _exercise(exercise: Exercise) -> dict[str, Any]:
    return {
        "codeProfession": exercise.profession,
        "codeCategorieProfessionnelle": exercise.category,
        "codeCiviliteDexercice": exercise.title,
        "nomDexercice": exercise.family,
        "prenomDexercice": exercise.given,
        "codeTypeSavoirFaire": exercise.know_how_type,
        "codeSavoirFaire": exercise.know_how,
        "activities": [_activity(activity) for activity in exercise.activities],
    }


def _activity(activity: Activity) -> dict[str, str]:
    """Thirty members, all strings, in the irregular spelling of the service (5.3)."""
    place = activity.structure
    return {
        "codeModeExercice": activity.mode,
        "codeSecteurDactivite": activity.sector,
        "codeSectionPharmacien": activity.section,
        "codeRole": activity.role,
        "codeGenreActivite": activity.kind,
        "numeroSiretSite": place.siret,
        "numeroSirenSite": place.siren,
        "numeroFinessSite": place.finess,
        "numeroFinessetablissementJuridique": place.finess_legal,
        "identifiantTechniqueDeLaStructure": place.technical_id,
        "raisonSocialeSite": place.name,
        "enseigneCommercialeSite": place.trade_name,
        "complementDestinataire": place.recipient,
        "complementPointGeographique": "",
        "numeroVoie": place.number,
        "indiceRepetitionVoie": place.repetition,
        "codeTypeDeVoie": place.way_type,
        "libelleVoie": place.way,
        "mentionDistribution": "",
        "bureauCedex": f"{place.postal_code} {place.city}",
        "codePostal": place.postal_code,
        "codeCommune": place.commune,
        "codePays": "99000",
        "telephone": place.telephone,
        "telephone2": "",
        "telecopie": "",
        "adresseEMail": place.email,
        "codeDepartement": place.department,
        "ancienIdentifiantDeLaStructure": place.former_id,
        "autoriteDenregistrement": activity.authority,
    }
