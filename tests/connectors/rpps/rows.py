"""Rows of Personne_activite in their exact form, for tests. Everybody is invented; numbers begin with 997 and have valid keys."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from hub.connectors.rpps.client import Source
from hub.connectors.rpps.mapping import ACTIVITY, SKILL

HEADER = "|".join(ACTIVITY.values())
SKILL_HEADER = "|".join(SKILL.values())
PREFIX = "PS_LibreAcces_Personne_activite"

DOCTOR = {
    **{"id_type": "8", "identifier": "99700999909", "national_id": "899700999909"},
    **{"practice_title_code": "DR", "practice_title": "Docteur", "title_code": "MME", "title": "Madame"},
    **{"family": "LEFÈVRE-D'ARC", "given": "Anne-Sophie", "profession_code": "10", "profession": "Médecin"},
    **{"category_code": "C", "category": "Civil", "skill_type_code": "S", "skill_type": "Spécialité ordinale"},
    **{"skill_code": "SM54", "skill": "Médecine Générale", "mode_code": "L", "mode": "Libéral"},
    **{"structure_id": "R10000000000017", "structure_name": "CABINET DU DR LEFEVRE-D ARC", "house_number": "12"},
    **{"street_type_code": "R", "street_type": "Rue", "street": "DES ESSAIS", "post_office": "95300 PONTOISE"},
    **{"postcode": "95300", "commune_code": "95500", "commune": "Pontoise", "phone": "0199000001"},
    **{"structure_national_id": "499700999909001", "authority": "CNOM/CNOM/CNOM", "sector_code": "SA07"},
    **{"sector": "Cabinet individuel", "role_code": "FON-01", "role": "Titulaire de cabinet"},
    **{"activity_kind_code": "GENR01", "activity_kind": "Activité standard de soin ou de pharmacien"},
}
HOSPITAL = {
    **DOCTOR,
    **{"mode_code": "S", "mode": "Salarié", "finess": "259990018", "finess_ej": "259990026"},
    **{"structure_id": "F259990018", "structure_name": "CH INVENTE", "structure_national_id": "1259990018"},
    **{
        "street": "DU DEVOIR",
        "postal_box": "CS 10000",
        "post_office": "95011 CERGY PONTOISE CEDEX",
        "postcode": "95011",
    },
    **{"commune_code": "95127", "commune": "Cergy", "sector_code": "SA01", "sector": "Etablissement Public de santé"},
    **{"role_code": "FON-33", "role": "Salarié en poste fixe", "authority": "CNOM/CNOM/ARS"},
}
NURSE = {  # without current activity
    **{
        "id_type": "8",
        "identifier": "99700999917",
        "national_id": "899700999917",
        "title_code": "M",
        "title": "Monsieur",
    },
    **{"family": "EL EXEMPLE", "given": "YVES", "profession_code": "60", "profession": "Infirmier"},
    **{"category_code": "C", "category": "Civil"},
}
OLD = {  # residual ADELI: a lone quote, the street type inside the street, the global code of Paris
    **{"id_type": "0", "identifier": "759312341", "national_id": "0759312341", "title_code": "M", "title": "Monsieur"},
    **{"family": "ŒUVRARD", "given": "Noé", "profession_code": "72", "profession": "Psychothérapeute"},
    **{"category_code": "C", "category": "Civil", "mode_code": "L", "mode": "Libéral", "siret": "12345678200010"},
    **{"structure_id": "C12345678200010", "structure_name": 'CABINET "LES ESSAIS', "structure_alias": '"LES ESSAIS'},
    **{"house_number": "9", "street": "RTE DES ESSAIS", "post_office": "75011 PARIS 11", "postcode": "75011"},
    **{"commune_code": "75056", "commune": "Paris", "structure_national_id": "312345678200010"},
    **{"authority": "ARS/CPAM/Variable", "sector_code": "SA08", "sector": "Cabinet de groupe"},
    **{"activity_kind_code": "GENR01", "activity_kind": "Activité standard de soin ou de pharmacien"},
}
EVERYBODY = (DOCTOR, HOSPITAL, NURSE, OLD)


def line(row: dict[str, str]) -> str:
    """One row as it stands in the file, without its LF."""
    return "|".join(row.get(key, "") for key in ACTIVITY)


def text(rows: Iterable[dict[str, str]] = EVERYBODY, *, end: str = "\n", trailing: bool = False) -> bytes:
    """A whole file."""
    pipe = "|" if trailing else ""
    return "".join(f"{one}{pipe}{end}" for one in (HEADER, *map(line, rows))).encode()


def source(folder: Path, content: bytes, *, stamp: str = "202611160911") -> Source:
    """A file to load."""
    path = folder / f"{PREFIX}_{stamp}.txt"
    path.write_bytes(content)
    return Source(path=path, name=path.name, origin=path.name, digest=hashlib.sha256(content).hexdigest())


def archive(folder: Path, members: dict[str, bytes], *, stamp: str = "202611161200") -> Source:
    """A ZIP to load: members by name."""
    path = folder / f"PS_LibreAcces_{stamp}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return Source(path=path, name=path.name, origin=path.name, digest=hashlib.sha256(path.read_bytes()).hexdigest())


def crowd(count: int) -> list[dict[str, str]]:
    """That many doctors, each with a practice of their own, in the communes around Cergy."""
    communes = ("95127", "95500", "95572", "95218")
    return [
        {
            **DOCTOR,
            **{"identifier": f"997{n:08d}", "national_id": f"8997{n:08d}", "family": f"NOM{'ABCDEFGHIJ'[n % 10]}{n}"},
            **{"structure_id": f"R{n:014d}", "structure_national_id": "", "commune_code": communes[n % 4]},
        }
        for n in range(count)
    ]
