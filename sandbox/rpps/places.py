"""Invented structures in real communes, each with identifiers whose keys are right."""

import random
import unicodedata
from dataclasses import replace

from sandbox.rpps import tables
from sandbox.rpps.model import Structure, luhn_key
from sandbox.rpps.tables import Commune, Site

STREET_TYPES = ("R", "R", "R", "R", "AV", "AV", "BD", "PL", "ALL", "CHE", "RTE", "IMP", "SQ", "CRS", "QU")
SUFFIXES = ("", "", "", "", "", "B", "T", "BIS", "A")
# The same number as five hands would type it; 01 99 00 is kept for fiction (ARCEP).
PHONES = ("0199{0}{1}{2}", "0199{0}{1}{2}", "0199{0}{1}{2}", "+33199{0}{1}{2}", "01 99 {0} {1} {2}", "199{0}{1}{2}")
# Kinds of site that several persons share, and how many there are for 40 of weight.
SHARED = {"group": 8, "society": 2, "hospital": 1, "clinic": 1, "centre": 1, "ehpad": 2, "msp": 1}
SHARED.update({"pharmacy": 4, "lab": 1, "optic": 3})
HOSPITAL_TOWNS = ("95500", "95018", "95203", "95277", "95052", "95355")
CLINIC_TOWNS = ("95127", "95252", "95585", "95313")
TOWNS = {"hospital": HOSPITAL_TOWNS, "clinic": CLINIC_TOWNS}


def capitals(text: str) -> str:
    """As postal lines are printed: capitals, no accents, spaces for hyphens and apostrophes."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return " ".join(plain.upper().replace("-", " ").replace("'", " ").replace("’", " ").split())


class Town:
    """Makes structures, the shared ones once for each (kind, commune, rank)."""

    def __init__(self, rng: random.Random, series: str = "96", first: int = 0) -> None:
        """`series` opens the rank of structures known to RPPS only (up to four digits); `first` is where the numbers begin,
        so that two towns never give one number to two structures."""
        self._rng = rng
        self._series = series
        self._shared: dict[tuple[str, str, int], Structure] = {}
        self._made = first
        self._communes = tables.communes()
        self._weights = [one.weight for one in self._communes]

    def commune(self) -> Commune:
        return self._rng.choices(self._communes, self._weights)[0]

    def structure(self, site: Site, person: str, national_id: str, rank: int) -> Structure:
        """A place of this kind; `person` names a sole practice, whose former identifier ends with `rank`."""
        commune = self.commune()
        if site.kind not in SHARED:
            return self._own(site, commune, person, f"{national_id[1:]}{rank:03d}")
        if site.kind in TOWNS:
            commune = tables.commune(self._rng.choice(TOWNS[site.kind]))
        slots = max(1, SHARED[site.kind] * commune.weight // 40)
        key = (site.kind, commune.code, self._rng.randrange(slots))
        if key not in self._shared:
            self._shared[key] = self._new(site, commune)
        return self._shared[key]

    def _own(self, site: Site, commune: Commune, person: str, rang: str) -> Structure:
        made = self._new(site, commune)
        name = site.name.format(person=person)
        return replace(made, structure_national_id=f"4{rang}", structure_name=name, address_recipient=name)

    def _new(self, site: Site, commune: Commune) -> Structure:
        street = self._rng.choice(tables.names("street"))
        name = site.name.format(street=street, commune=capitals(commune.name), person="")
        self._made += 1
        made = Structure(
            **self._identifiers(site.identifier),
            structure_name=name,
            house_number=str(self._rng.randint(1, 140)),
            house_number_suffix=self._rng.choice(SUFFIXES),
            street_type_code=self._rng.choice(STREET_TYPES),
            street=street,
            post_office=f"{commune.postcode} {capitals(commune.name)}",
            postcode=commune.postcode,
            commune_code=commune.code,
            commune=commune.name,
            phone=self.phone(),
        )
        if site.identifier != "F":
            return made
        mail = f"contact.{made.finess}@example.org" if self._rng.random() < 0.4 else ""
        return replace(made, fax=self.phone(), email=mail, structure_alias=name if site.kind == "pharmacy" else "")

    def phone(self) -> str:
        number = f"{self._rng.randint(0, 9999):04d}"
        return self._rng.choice(PHONES).format("00", number[:2], number[2:])

    def _identifiers(self, kind: str) -> dict[str, str]:
        """FINESS 95999..., SIREN 9991..., rank 10000000 96...: series of ours."""
        if kind == "F":
            finess, legal = _finess(2 * self._made), _finess(2 * self._made + 1)
            names = {"finess": finess, "finess_ej": legal, "structure_national_id": f"1{finess}"}
            return {"structure_id": f"F{finess}", **names}
        if kind == "C":
            siren = _with_key(f"999{self._made + 10_000:05d}")
            siret = _with_key(f"{siren}0001")
            return {"structure_id": f"C{siret}", "siret": siret, "siren": siren, "structure_national_id": f"3{siret}"}
        return {"structure_id": f"R10000000{self._series}{self._made:0{6 - len(self._series)}d}"}


def _with_key(digits: str) -> str:
    return digits + luhn_key(digits)


def _finess(number: int) -> str:
    return _with_key(f"95{999900 - number:06d}")
