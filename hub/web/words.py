"""The words of the pages that come from tables: states, time left, places, people (portal, Tokens and Voice)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hub import codes
from hub.domain import hours, places
from hub.domain.appointment import Appointment, Mode
from hub.domain.care_request import State
from hub.domain.patient import Patient
from hub.domain.places import Precision
from hub.storage.ages import Age


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a state is shown: its words, the short ones of the board, the family of meaning, the icon."""

    label: str
    family: str
    icon: str
    short: str = ""


LOOKS: Mapping[State, Look] = {
    State.DRAFT: Look(label="Brouillon", family="idle", icon="pen"),
    State.TO_QUALIFY: Look(label="À compléter", family="wait", icon="form"),
    State.SEARCHING: Look(label="Recherche en cours", short="Recherche", family="seek", icon="waves"),
    State.ACCEPTED: Look(label="Acceptée", family="good", icon="check"),
    State.PROPOSED: Look(label="RDV à confirmer", short="À confirmer", family="wait", icon="calendar-ask"),
    State.UNREACHABLE: Look(label="Patient injoignable", short="Injoignable", family="wait", icon="phone-off"),
    State.CONFIRMED: Look(label="RDV confirmé", short="Confirmé", family="good", icon="calendar-ok"),
    State.DONE: Look(label="Terminée", family="idle", icon="check-all"),
    State.NO_SHOW: Look(label="Patient absent", short="Absent", family="idle", icon="person-off"),
    State.UNANSWERED: Look(label="Sans réponse", family="danger", icon="alert"),
    State.HANDED_BACK: Look(label="Rendue au SAS", short="Rendue", family="idle", icon="reply"),
    State.REFUSED: Look(label="Refusée", family="idle", icon="cross-ring"),
    State.CANCELLED: Look(label="Annulée", family="idle", icon="cross-ring"),
}

KIND_ICONS = {
    "visite": "home",
    "consultation": "practice",
    "teleconsultation": "video",
    "conseil": "phone",
    "telesoin": "video",
}
MODE_WORDS = {
    Mode.HOME_VISIT: "à domicile",
    Mode.PRACTICE: "au cabinet",
    Mode.TELECONSULTATION: "en téléconsultation",
}
ORIGINS = {
    "sas": "Régulation du SAS",
    "phone": "Ligne de la CPTS",
    "professional": "Un confrère",
    "third-party": "Un tiers de confiance",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLeft:
    """What remains before an hour. ``share`` in hundredths of the whole delay; ``amount`` is the words without « Reste »."""

    level: str
    share: int
    amount: str
    words: str
    before: str
    hour: str
    at: datetime


def time_left(since: datetime, due: datetime, now: datetime, zone: ZoneInfo) -> TimeLeft:
    """The time left before ``due``, of a delay that began at ``since``."""
    hour = hour_words(due, now, zone)
    if now >= due:
        late = f"{hours.duration(now - due)} de retard"
        return TimeLeft(level="over", share=0, amount=late, words=late, before="depuis", hour=hour, at=due)
    whole = max(due - since, timedelta(seconds=1))
    share = (due - now) / whole
    level = "calm" if share > 0.5 else "started" if share > 0.25 else "short"
    amount = hours.duration(due - now)
    return TimeLeft(
        level=level,
        share=max(1, min(100, round(share * 100))),
        amount=amount,
        words=f"Reste {amount}",
        before="avant",
        hour=hour,
        at=due,
    )


def hour_words(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """« 15:02 » today, « demain, 15:02 », « lundi 16 novembre, 15:02 »."""
    day = hours.day(at, now, zone)
    clock = hours.clock_time(at, zone)
    return clock if day == "aujourd'hui" else f"{day}, {clock}"


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """« aujourd'hui, 15:02 », « demain, 9:30 »."""
    return f"{hours.day(at, now, zone)}, {hours.clock_time(at, zone)}"


def person_kind(sex: str, years: int | None) -> str:
    """« Femme », « Garçon »… as the outline names somebody."""
    is_child = years is not None and years < 18
    words = {"female": ("Femme", "Fille"), "male": ("Homme", "Garçon")}.get(sex, ("Personne", "Enfant"))
    return words[is_child]


def outline_of(sex: str, age: Age | None) -> str:
    """« Femme de 84 ans », « Garçon de 18 mois »: who the outline speaks of (workflow.md 4.3)."""
    if age is None:
        return person_kind(sex, None)
    return f"{person_kind(sex, age.years)} de {age.words}"


def age_of(patient: Patient, today: date) -> str:
    """« 84 ans », empty when the birth date is not whole."""
    return hours.age(patient.birth_date, today) if patient.birth_date else ""


CIVILITIES = {"female": "Mme", "male": "M."}


def proper(name: str) -> str:
    """« Dominique », « Jean-Pierre » from capitals; other names as they are."""
    return name.title() if name.isupper() else name


def kilometres(count: int | None, precision: Precision = Precision.ADDRESS) -> str:
    """« 3 km », « moins de 1 km », « ≈ 3 km » between points that are no addresses (rpps.md 12.5), empty when not known."""
    if count is None:
        return ""
    about = "" if precision is Precision.ADDRESS else "≈ "
    return f"{about}{count} km" if count else f"{about}moins de 1 km"


MEASURED = {
    Precision.CENTROID: "mesurés depuis le centre de la commune",
    Precision.PLACE: "mesurés depuis le bourg de la commune",
    Precision.NEIGHBOUR: "mesurés depuis les communes voisines",
    Precision.DISTRICT: "mesurés depuis le milieu de l’arrondissement",
}


def measured(precision: Precision) -> str:
    """From where a distance is measured, empty from an address."""
    return MEASURED.get(precision, "")


def civil_name(patient: Patient, today: date) -> str:
    """« Mme Colette CHARPENTIER »; children and unknown sexes without civility."""
    is_child = patient.birth_date is not None and _years(patient.birth_date, today) < 18
    civility = "" if is_child else CIVILITIES.get(patient.sex, "")
    return f"{civility} {proper(patient.first_name)} {patient.family.upper()}".strip()


def short_name(patient: Patient, today: date) -> str:
    """« Mme Charpentier », « Léo » for a child."""
    is_child = patient.birth_date is not None and _years(patient.birth_date, today) < 18
    civility = CIVILITIES.get(patient.sex, "")
    return proper(patient.first_name) if is_child or not civility else f"{civility} {patient.family.title()}"


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def day_words(day: date) -> str:
    """« 2 mai 1942 », « 1er mai 1942 »."""
    return f"{'1er' if day.day == 1 else day.day} {hours.MONTHS[day.month - 1]} {day.year}"


THE_PATIENT = {"female": "la patiente", "male": "le patient"}
BORN = {"female": "née", "male": "né"}


def the_patient(sex: str) -> str:
    """« la patiente », « le patient », « cette personne »."""
    return THE_PATIENT.get(sex, "cette personne")


def born(patient: Patient) -> str:
    """« née Morel le 2 mai 1942 »: the birth name only when another is used."""
    if patient.birth_date is None:
        return ""
    name = f" {patient.birth_name.upper()}" if patient.used_name and patient.used_name != patient.birth_name else ""
    return f"{BORN.get(patient.sex, 'né(e)')}{name} le {day_words(patient.birth_date)}"


def display(table: str, code: str | None, default: str = "") -> str:
    """The words of a code, the default when there is none."""
    return codes.table(table).display(code, default) if code else default


def appointment_words(appointment: Appointment, now: datetime, zone: ZoneInfo) -> str:
    """« demain, 9:30 », « demain entre 9:30 et 11:00 », or the words of the performer."""
    if appointment.start is not None:
        return moment(appointment.start, now, zone)
    if appointment.range_start is not None and appointment.range_end is not None:
        begin, end = hours.clock_time(appointment.range_start, zone), hours.clock_time(appointment.range_end, zone)
        return f"{hours.day(appointment.range_start, now, zone)} entre {begin} et {end}"
    return f"« {appointment.words} »"


def spoken_appointment(appointment: Appointment, now: datetime, zone: ZoneInfo) -> str:
    """The same, to be read aloud: « aujourd'hui à 18 h 15 », « demain entre 9 h et 11 h »."""
    if appointment.start is not None:
        return hours.moment(appointment.start, now, zone)
    if appointment.range_start is not None and appointment.range_end is not None:
        begin, end = hours.spoken_time(appointment.range_start, zone), hours.spoken_time(appointment.range_end, zone)
        return f"{hours.day(appointment.range_start, now, zone)} entre {begin} et {end}"
    return appointment.words


def _national(phone: str) -> str | None:
    """The ten digits of a French number in any usual form, else ``None``."""
    digits = "".join(letter for letter in phone if letter.isdigit()).removeprefix("00")
    if digits.startswith("33") and len(digits) == 11:
        digits = f"0{digits[2:]}"
    return digits if len(digits) == 10 and digits[0] == "0" else None


def is_phone(phone: str) -> bool:
    """Whether it can be called: what a directory prints may be nine digits, or noughts (rpps.md 7)."""
    digits = _national(phone)
    return digits is not None and digits[1] != "0"


def phone_words(phone: str) -> str:
    """« 02 61 91 01 18 » from a French number in any usual form; anything else as it is."""
    digits = _national(phone)
    return " ".join(digits[at : at + 2] for at in range(0, 10, 2)) if digits else phone


def phone_link(phone: str) -> str:
    """``tel:+33261910118``."""
    digits = _national(phone)
    return f"tel:+33{digits[1:]}" if digits else f"tel:{''.join(letter for letter in phone if letter in '+0123456789')}"


def initials(name: str) -> str:
    """« HV » of « Dr Hélène VASSEUR »."""
    words = [
        word for word in name.replace("-", " ").split() if not word.endswith(".") and word not in ("Dr", "Pr", "Mme")
    ]
    return "".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words))


def article(name: str) -> str:
    """« le Dr Hélène VASSEUR »; other names as they are."""
    return f"le {name}" if name.startswith(("Dr ", "Pr ")) else name


SAID = {
    Mode.HOME_VISIT: "peut venir vous voir {when}, chez vous",
    Mode.PRACTICE: "peut vous recevoir {when}, au cabinet",
    Mode.TELECONSULTATION: "peut vous voir {when}, en téléconsultation",
}


def script(who: str, appointment: Appointment, now: datetime, zone: ZoneInfo) -> str:
    """The sentence the caller reads aloud (portal, Voice, 26)."""
    begin = f"{who[:1].upper()}{who[1:]}"
    if appointment.start is None and appointment.range_start is None:
        return f"« {begin} propose : {appointment.words}. Quelle heure vous convient ? »"
    said = SAID[appointment.mode].format(when=spoken_appointment(appointment, now, zone))
    return f"« {begin} {said}. Cela vous convient-il ? »"


def commune_name(code: str) -> str:
    """« Brissay » of an INSEE code of a commune in force; empty for anything else."""
    found = places.commune(code) if code else None
    return found.name if found else ""
