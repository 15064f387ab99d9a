"""Form fields to values. A fault is a sentence beside its field; what was typed is kept by the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from hub.domain.appointment import Mode
from hub.domain.notebook import Agreement, Mask
from hub.domain.refusal import Refusal
from hub.workflows.appointments import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one field, in French; ``field`` empty when it is about the whole form."""

    field: str
    text: str


class Wrong(Exception):
    """A form that cannot be read; ``faults`` in the order of the fields."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(", ".join(fault.field for fault in faults))
        self.faults = faults


def _blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _ticked(value: Any) -> bool:
    return value not in (None, "", "0")


Optional = BeforeValidator(_blank)
Tick = Annotated[bool, BeforeValidator(_ticked)]
Day = Annotated[date | None, Optional]
Hour = Annotated[time | None, Optional]

MODES = {"visite": Mode.HOME_VISIT, "cabinet": Mode.PRACTICE, "visio": Mode.TELECONSULTATION}
SENTENCES = {
    "missing": "Ce champ attend une réponse.",
    "date_from_datetime_parsing": "Écrivez une date, comme 18/11/2026.",
    "date_parsing": "Écrivez une date, comme 18/11/2026.",
    "time_parsing": "Écrivez une heure, comme 9:30.",
    "literal_error": "Choisissez dans la liste.",
    "enum": "Choisissez dans la liste.",
    "int_parsing": "Écrivez un nombre.",
}


class Form(BaseModel):
    """Common to all forms: unknown fields are left aside, texts are trimmed."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, frozen=True)


F = TypeVar("F", bound=Form)


def read(kind: type[F], fields: Mapping[str, Any]) -> F:
    """The form of that kind. Raises :class:`Wrong`."""
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as trouble:
        faults = [
            Fault(
                field=str(error["loc"][0]) if error["loc"] else "",
                text=SENTENCES.get(error["type"], SENTENCES["literal_error"]),
            )
            for error in trouble.errors()
        ]
        raise Wrong(*faults) from trouble


def of_refusal(refusal: Refusal, fields: Mapping[str, str]) -> Fault:
    """A refusal as a fault of its field. ``fields``: code of the refusal -> field."""
    return Fault(field=fields.get(refusal.code, ""), text=f"{refusal.text} {refusal.remedy}".strip())


class AppointmentForm(Form):
    """The acceptor's form, and the operator's when the patient wants another time (workflow.md 4.5)."""

    mode: Literal["visite", "cabinet", "visio"] = "visite"
    quand: Literal["heure", "plage", "texte"]
    jour: Day = None
    de: Hour = None
    a: Hour = None
    texte: str = ""
    nom: Tick = False
    tel: Tick = False
    mot: str = ""

    def proposal(self, zone: ZoneInfo, *, phone: str) -> Proposal:
        """What the workflow takes. ``phone``: the number told to the patient when ticked. Raises :class:`Wrong`."""
        common: dict[str, Any] = {
            "mode": MODES[self.mode],
            "tells_name": self.nom,
            "phone_told": phone if self.tel and phone else None,
            "comment": self.mot[:500],
        }
        if self.quand == "texte":
            return Proposal(words=self.texte, **common)
        begin = instant(self.jour, self.de, zone, field="de")
        if self.quand == "heure":
            return Proposal(start=begin, **common)
        return Proposal(range_start=begin, range_end=instant(self.jour, self.a, zone, field="a"), **common)


def instant(day: date | None, at: time | None, zone: ZoneInfo, *, field: str) -> datetime:
    """A day and a local time as an instant in UTC. Raises :class:`Wrong` when one is missing or does not exist that day."""
    faults = [Fault(field="jour", text="Choisissez un jour.")] if day is None else []
    faults += [Fault(field=field, text="Choisissez une heure.")] if at is None else []
    if day is None or at is None:
        raise Wrong(*faults)
    local = datetime.combine(day, at, zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Wrong(Fault(field=field, text="Cette heure n'existe pas ce jour-là : on passe à l'heure d'été."))
    return moment


class ConfirmForm(Form):
    """The patient agreed; the hour is asked when the proposal had none."""

    jour: Day = None
    de: Hour = None
    a: Hour = None

    def times(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Start and end, both ``None`` when the form gives no hour; the usual 20 minutes when it gives no end."""
        if self.jour is None and self.de is None:
            return None, None
        start = instant(self.jour, self.de, zone, field="de")
        return start, instant(self.jour, self.a, zone, field="a") if self.a else start + timedelta(minutes=20)


class ReasonForm(Form):
    """A reason, from a list or in words."""

    raison: Annotated[str, Optional] = ""


class NoteForm(Form):
    """A note of the liaison notebook."""

    type: str = "GEN"
    titre: str = ""
    texte: str = ""
    urgent: Tick = False
    masque: Annotated[Mask | None, Optional] = None
    demande: Annotated[str | None, Optional] = None
    dmp: Tick = False


class CorrectionForm(Form):
    """A corrected note."""

    titre: str = ""
    texte: str = ""


class AgreementForm(Form):
    """What the patient answered about the DMP."""

    accord: Literal["informed", "objects"]

    @property
    def agreement(self) -> Agreement:
        """The same as the domain says it."""
        return Agreement(self.accord)


class SettingsForm(Form):
    """Which requests a professional wants; the kinds of care come as ticks of their own."""

    reseau: Annotated[str | None, Optional] = None
    sas: Tick = False
    rayon: int
    maximum: Annotated[int | None, Optional] = None
    telephone: str | None = None


class AlertsForm(Form):
    """Channels and hours of notices; the days come as ticks of their own."""

    courriel: Tick = False
    sms: Tick = False
    de: time = time(8)
    a: time = time(20)


class PatientSearch(Form):
    """Search of a patient: name, birth date."""

    nom: str = ""
    naissance: Day = None
