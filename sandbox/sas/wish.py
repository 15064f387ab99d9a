"""What a visitor may ask the SAS to hand over. Everything has a default; an empty text leaves the element out."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Note(BaseModel):
    """A note of the regulation; `author` is a role of the Hub Santé (ARM, MEDECIN, INFIRMIER)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    author: str = "MEDECIN"


def _note(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


Notes = tuple[Annotated[Note, BeforeValidator(_note)], ...]
USUAL_NOTES = (
    Note(author="ARM", text="Fièvre 38,9 depuis la veille, pas de gêne respiratoire."),
    Note(author="MEDECIN", text="Consultation de médecine générale souhaitable dans la journée."),
)


class Wish(BaseModel):
    """The case of the demonstration unless told otherwise: the test identity PAT-TROIS, at home in Cergy.

    `dossier` is the number of the regulation file (DRFR15...), made by the SAS when empty; `ordinal` the patient in it.
    `gp` and `owner` are national identifiers (person, structure). `response_minutes` and `care_hours` run from now.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dossier: str = Field(default="", pattern=r"^([A-Za-z0-9]{6,40})?$")
    ordinal: int = Field(default=1, ge=1, le=99)
    family: str = "PAT-TROIS"
    given: str = "DOMINIQUE"
    gender: str = "female"
    birth_date: str = "1979-03-28"
    birth_place: str = "51215"
    ins: str | None = "279035121518989"
    ins_oid: str = "1.2.250.1.213.1.4.10"
    phone: str = "+33639980303"
    line: str = "12 rue des Essais"
    access: str = "Bât. Tilleul, 3e étage"
    commune: str = "95127"
    city: str = "Cergy"
    postcode: str = "95000"
    latitude: float | None = 49.0364
    longitude: float | None = 2.0761
    gp: str | None = None
    owner: str | None = None
    kind: str = "consultation"
    care_type: str = "consultation-medicale"
    priority: str = "P2"
    care_level: str = "R3"
    motive: str = "M03.14"
    reason: str = "Fièvre, problème infectieux"
    notes: Notes = USUAL_NOTES
    response_minutes: float = Field(default=120, gt=0)
    care_hours: float = Field(default=12, gt=0)
    searches: int = 4


class Regulator(BaseModel):
    """Who hands over: known to the platform by a national identifier of establishment staff (3 + FINESS / number)."""

    model_config = ConfigDict(frozen=True)
    id: str = "3950999995/95000011"
    family: str = "ARNAUD"
    given: str = "Julie"
    email: str = "julie.arnaud@example.org"
